"""Whether a file's clock can be trusted to find a moment in it. Reads packets, decodes nothing."""

import subprocess

from svlm_cli.core.process import start
from svlm_cli.media.conversion import input_options
from svlm_cli.media.ffmpeg import LONGEST_STEP_US, Address, Ffmpeg

_INDEXED = ("mov,", "matroska,", "avi")  # their clocks count from the beginning of the file


def runs_steadily(program: Ffmpeg, address: Address, container: str) -> bool:
    """Whether the time of each picture of a file follows from its own clock alone. `container` is ffmpeg's name for it.

    A recording that was joined from several, or that lost its sender for a while, has a clock that goes back or leaps.
    Its pictures have to be counted from the beginning.
    """
    if container.startswith(_INDEXED):
        return True
    command = [program.path, "-nostdin", "-hide_banner", "-loglevel", "quiet", "-copyts", *input_options(address)]
    command += ["-map", "0:V:0", "-c", "copy", "-f", "framecrc", "pipe:1"]
    longest, before = 0.0, None
    with start(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith(b"#tb 0: "):
                    numerator, denominator = line.removeprefix(b"#tb 0: ").split(b"/")
                    longest = LONGEST_STEP_US / 1e6 * int(denominator) / int(numerator)
                elif not line.startswith(b"#"):
                    ticks = int(line.split(b",")[1])  # of decoding; ffmpeg turns a step back into none
                    if before is not None and not 0 < ticks - before <= longest:
                        return False
                    before = ticks
        finally:
            process.kill()
    return True
