"""One ffmpeg process and its pictures, whether it reads a file, a pipe or a camera.

Pictures are read directly from the pipe, so ffmpeg is never ahead of its reader by more than its own few buffers. Knows
neither files nor what to do when ffmpeg ends.
"""

import contextlib
import fcntl
import io
import select
import subprocess
import sys
import threading
from collections.abc import Sequence
from fractions import Fraction
from typing import BinaryIO

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError
from svlm_cli.core.process import start
from svlm_cli.core.types import Picture
from svlm_cli.media.ffmpeg import Address, Ffmpeg, picture_command
from svlm_cli.media.log import Log, LogReader
from svlm_cli.media.nut import NutReader
from svlm_cli.sources.grid import ON_TIME_S

_LOG_TIMEOUT_S = 10.0
_GOODBYE_S = 1.0  # for ffmpeg to close its session with the server, which may hang
_PIPE_BYTES = 1 << 20  # the most that Linux allows unprivileged users; the default is a sixteenth


class PicturePipe(Closing):
    """Pictures of `address` as `command` makes them, by default `picture_command` for `rate`, `start_s` and `seek_s`.

    Those two are on the source's own clock.

    A context manager; leaving it ends ffmpeg at once, or within a second if it has to close a session. `kill` may be
    called from another thread and ends a `read` that waits.
    """

    def __init__(
        self,
        program: Ffmpeg,
        address: Address,
        rate: Fraction,
        *,
        start_s: float | None = None,
        seek_s: float | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self.address = address
        self.rate = rate
        waits_for_us = command is None  # files are read on demand; cameras are not
        if command is None:
            command = picture_command(program, address, rate, on_time_s=ON_TIME_S, start_s=start_s, seek_s=seek_s)
        fed = bool(address.script) or address.fed
        try:
            self._process = start(
                command,
                bufsize=0,  # `wait` polls the pipe itself
                stdin=subprocess.PIPE if fed else None if address.stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                gives_way=waits_for_us,
            )
        except OSError as error:
            raise InputError(f"{program.path} cannot be started: {error.strerror}.", "Install ffmpeg again.") from error
        assert isinstance(self._process.stdout, io.FileIO)
        assert isinstance(self._process.stderr, io.FileIO)
        self._stdout = self._process.stdout
        self._reaper: _Reaper | None = None
        try:
            self._begin(self._process.stderr)
        except BaseException:
            self._process.kill()
            self._process.communicate()
            raise

    def _begin(self, stderr: io.FileIO) -> None:
        address = self.address
        _widen(self._stdout)
        self._pictures = NutReader(self._stdout)
        self._log_reader = LogReader(io.BufferedReader(stderr), address.presentable)
        if address.goodbye:
            self._reaper = _Reaper(self._process)
        if address.script:
            self._send(address.script)

    def _send(self, script: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the reader notices an ffmpeg that dies at once
            self._process.stdin.write(script.encode())
            self._process.stdin.close()

    @property
    def stdin(self) -> BinaryIO:
        """Where to write the source, if its address says that it is fed."""
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    @property
    def log(self) -> Log:
        """What ffmpeg has logged so far; all of it once `read` has returned None."""
        return self._log_reader.log

    def wait(self, timeout_s: float) -> bool:
        """Wait until `read` has data or the end; False after the timeout."""
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        return bool(poll.poll(max(0.0, timeout_s) * 1000))

    def read(self) -> Picture | None:
        """The next picture; None at the end, when ffmpeg has exited too."""
        packet = self._pictures.read()
        if packet is None:
            self.close(wait=True)
            return None
        width = packet.find(0) // 3  # the white marker row is followed by a black one
        height = len(packet) // (3 * width) - 2
        import numpy as np  # imported late: `svlm caption --help` needs no numpy

        return np.frombuffer(packet, dtype=np.uint8, offset=6 * width).reshape(height, width, 3)

    def first_s(self) -> float | None:
        """When the first decoded picture is shown, on the source's own clock; None if there was none."""
        self._log_reader.wait_for_first_picture(_LOG_TIMEOUT_S)
        return self.log.first_s

    def header(self, timeout_s: float | None = _LOG_TIMEOUT_S) -> Log:
        """The log of ffmpeg, once it has described the source, or at the timeout."""
        self._log_reader.wait_for_header(timeout_s)
        return self.log

    @property
    def exit_code(self) -> int | None:
        """Exit code of ffmpeg; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End ffmpeg now, with time to close its session; its last output is lost. Does not wait."""
        if self._reaper is None:
            self._process.kill()
        else:
            self._reaper.end()

    def close(self, *, wait: bool = False) -> None:
        """End ffmpeg and release everything. With `wait`, let it finish: it has written all its output."""
        try:
            if not wait:
                self._stdout.close()  # unblocks an ffmpeg that is writing a picture and would not see our request
                self.kill()
            self._process.wait()
        finally:
            self._process.kill()
            self._process.wait()
            if self._reaper is not None:
                self._reaper.close()
            self._log_reader.close()
            self._stdout.close()


class _Reaper(Closing):
    """Gives ffmpeg limited time to close its session. The thread starts at once: none can start as Python exits."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._asked = threading.Event()
        self._gone = threading.Event()
        threading.Thread(target=self._wait, name="ffmpeg-reaper", daemon=True).start()

    def _wait(self) -> None:
        self._asked.wait()
        if not self._gone.wait(_GOODBYE_S):
            self._process.kill()

    def end(self) -> None:
        """Ask ffmpeg to end, once: at a second request it would not close its session."""
        if not self._asked.is_set():
            self._process.terminate()
            self._asked.set()

    def close(self) -> None:
        """Call once ffmpeg has exited."""
        self._gone.set()
        self._asked.set()


def _widen(pipe: io.FileIO) -> None:
    """Let a picture arrive in few reads. Each read waits for the GIL: with many sources and a busy model that would add
    up to a third of a second.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # there is a limit per user
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
