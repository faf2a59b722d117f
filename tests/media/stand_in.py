"""An ffmpeg with which something goes wrong: a script that calls the real one."""

from pathlib import Path

from tests.clips import CLIP_MAKER

CUT = 'for one; do case $one in *.part) truncate -s -400 "${one#file:}";; esac; done'
"""What it wrote loses its end, as on a disk that does not tell that it is full."""
FULL = "ulimit -f 8"
"""No file may be longer than 4 kB; ffmpeg dies of the signal."""
FULL_IN_SILENCE = f"trap '' XFSZ; {FULL}"
"""No file may be longer than 4 kB; ffmpeg is told so, and ends with 0 if that was all."""


def stand_in(folder: Path, *, before: str = ":", after: str = "") -> Path:
    """The script, which may be put on PATH: it does something `before` the real ffmpeg, and `after` it."""
    folder.mkdir(exist_ok=True)
    script = folder / "ffmpeg"
    real = f'"{CLIP_MAKER.path}" "$@"'
    script.write_text(
        f"#!/bin/sh\n{before}\n" + (f"{real}\ncode=$?\n{after}\nexit $code\n" if after else f"exec {real}")
    )
    script.chmod(0o755)
    return script
