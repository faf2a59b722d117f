"""The audio of a file as samples from ffmpeg's pipe: mono, 16 bits, 16 kHz.

Sample k is at k / 16,000 s after the file's first moment; audio that starts later or is missing is filled with silence.
Does not know what is said.
"""

import io
import subprocess
from collections.abc import Iterator
from typing import Final

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError
from svlm_cli.core.process import start
from svlm_cli.media.conversion import input_options
from svlm_cli.media.ffmpeg import LONGEST_STEP_US, Address, Ffmpeg
from svlm_cli.media.log import LogReader

RATE: Final = 16_000  # in Hz: what speech recognisers were trained on
SAMPLE_BYTES: Final = 2

_FOLLOWED_S: Final = 0.02  # shorter gaps are ignored
_BLOCK_BYTES: Final = RATE * SAMPLE_BYTES


class SoundPipe(Closing):
    """The first audio track of `address`. ffmpeg is never ahead of its reader by more than its own few buffers.

    `origin_s` is where players start counting, on the source's own clock.
    """

    def __init__(self, program: Ffmpeg, address: Address, *, origin_s: float) -> None:
        self._address = address
        try:
            self._process = start(
                sound_command(program, address, origin_s),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                gives_way=True,
            )
        except OSError as error:
            raise program.not_started(error) from error
        assert isinstance(self._process.stdout, io.BufferedReader)
        assert isinstance(self._process.stderr, io.BufferedReader)
        self._stdout = self._process.stdout
        self._log_reader = LogReader(self._process.stderr, address.presentable)

    def blocks(self) -> Iterator[bytes]:
        """All samples, one second at a time. `InputError` at the end if the file was cut off, or ffmpeg gave up."""
        while block := self._stdout.read(_BLOCK_BYTES):
            yield block
        code = self._process.wait()
        self._log_reader.close()
        log, name = self._log_reader.log, self._address.name
        if log.cut_off:
            raise InputError(f"{name} is cut off: not all of its sound is there.", "Copy or record it again.")
        if code:
            said = f"ffmpeg says: {log.last_error}." if log.last_error else ""
            raise InputError(f"The sound of {name} cannot be decoded.", said)

    def close(self) -> None:
        """End ffmpeg and release everything."""
        self._stdout.close()
        self._process.kill()
        self._process.wait()
        self._log_reader.close()


def sound_command(program: Ffmpeg, address: Address, origin_s: float) -> list[str]:
    """The command that writes samples to stdout, timed on the source's own clock like pictures."""
    command = [program.path, "-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info"]
    # Without ffmpeg's start offset, which for audio alone would be the start of the audio.
    command += ["-copyts", "-itsoffset", "0.000001", *input_options(address), "-map", "0:a:0"]
    step = "(PTS-PREV_INPTS)"
    possible = f"between({step},1,{LONGEST_STEP_US / 1e6:g}/TB)"
    times = f"if(isnan(PREV_INPTS),PTS-{origin_s:.6f}/TB,PREV_OUTPTS+if({possible},{step},NB_SAMPLES))"
    samples = f"aresample={RATE}:async=1:min_hard_comp={_FOLLOWED_S}:first_pts=0"
    return [*command, "-af", f"asetpts='{times}',{samples}", "-ac", "1", "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1"]
