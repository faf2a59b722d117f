"""One ffmpeg process and the pictures that it hands over, whatever it reads from: a file, a pipe, later a camera.

Pictures come straight from the pipe, so ffmpeg never runs ahead of its reader by more than its own few buffers. Knows
neither files nor what to do when ffmpeg ends.
"""

import io
import subprocess
from fractions import Fraction

import numpy as np

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError
from svlm_cli.core.types import Picture
from svlm_cli.media.ffmpeg import Address, Ffmpeg, picture_command
from svlm_cli.media.log import Log, LogReader
from svlm_cli.media.nut import NutReader
from svlm_cli.sources.grid import ON_TIME_S

_LOG_TIMEOUT_S = 10.0


class PicturePipe(Closing):
    """Pictures of `address`, `rate` a second: see `picture_command` for which ones, and for `start_s` and `seek_s`.

    A context manager; leaving it ends ffmpeg at once. `kill` may be called from another thread, which ends a `read`
    that waits.
    """

    def __init__(
        self,
        program: Ffmpeg,
        address: Address,
        rate: Fraction,
        *,
        start_s: float | None = None,
        seek_s: float | None = None,
    ) -> None:
        self.address = address
        self._start_s = start_s
        command = picture_command(program, address, rate, on_time_s=ON_TIME_S, start_s=start_s, seek_s=seek_s)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=None if address.stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,  # a Ctrl-C is for us: we end ffmpeg when we have finished our files
            )
        except OSError as error:
            raise InputError(f"{program.path} cannot be started: {error.strerror}.", "Install ffmpeg again.") from error
        assert isinstance(self._process.stdout, io.BufferedReader)
        assert isinstance(self._process.stderr, io.BufferedReader)
        self._stdout = self._process.stdout
        self._pictures = NutReader(self._stdout)
        self._log_reader = LogReader(self._process.stderr)

    @property
    def log(self) -> Log:
        """What ffmpeg said so far; all of it once `read` has returned None."""
        return self._log_reader.log

    def read(self) -> Picture | None:
        """The next picture; None at the end, when ffmpeg is gone too."""
        packet = self._pictures.read()
        if packet is None:
            self.close(wait=True)
            return None
        width = packet.find(0) // 3  # of the white row; the row after it is black
        height = len(packet) // (3 * width) - 2
        return np.frombuffer(packet, dtype=np.uint8, offset=6 * width).reshape(height, width, 3)

    def first_s(self) -> float | None:
        """When the first decoded picture is shown, on the source's own clock; None if there was none."""
        self._log_reader.wait_for_first_picture(_LOG_TIMEOUT_S)
        if self.log.first_s is None or self._start_s is not None:
            return self.log.first_s
        return self.log.begin_s + self.log.correction_s + self.log.first_s

    @property
    def exit_code(self) -> int | None:
        """ffmpeg's; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End ffmpeg now; what it wrote last is lost."""
        self._process.kill()

    def close(self, *, wait: bool = False) -> None:
        """End ffmpeg and leave nothing of it behind. With `wait`, let it finish by itself: it wrote all it had."""
        try:
            if not wait:
                self._process.kill()
            self._process.wait()
        finally:
            self._process.kill()
            self._process.wait()
            self._log_reader.close()
            self._stdout.close()
