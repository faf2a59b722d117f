"""Whether a file's timestamps can be used to seek to a moment. Reads packets, decodes nothing."""

import subprocess

from svlm_cli.core.process import start
from svlm_cli.media.conversion import input_options
from svlm_cli.media.ffmpeg import LONGEST_STEP_US, Address, Ffmpeg

_INDEXED = ("mov,", "matroska,", "avi")  # their timestamps count from the start of the file


def runs_steadily(program: Ffmpeg, address: Address, container: str) -> bool:
    """Whether each timestamp in a file belongs to one picture only. `container` is ffmpeg's name for the format.

    In a recording that was joined from several, or whose sender was lost for a while, timestamps go back or leap. Its
    pictures have to be counted from the beginning.
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
                    ticks = int(line.split(b",")[1])  # decoding time: ffmpeg removes steps back from display times
                    if before is not None and not 0 < ticks - before <= longest:
                        return False
                    before = ticks
        finally:
            process.kill()
    return True
