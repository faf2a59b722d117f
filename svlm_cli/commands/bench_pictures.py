"""What the cameras of `svlm bench soak` show: a simulated match, picture by picture. Knows not who serves it."""

import os
import sys
from pathlib import Path

_JPEG = ("-q:v", "2")
_H264 = ("-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "8")  # a key frame a second


def camera_pictures(folder: Path, seed: int, *, encoded: bool) -> tuple[Path, Path]:
    """Two minutes of a match as `RtspServer` wants them, for it to encode, or encoded already; and the context."""
    from svlm_cli.core.process import run
    from svlm_cli.media.ffmpeg import find_ffmpeg

    video = folder / "match.mp4"
    simulate = [sys.executable, "-m", "svlm_cli", "simulate", "--seed", str(seed), "--minutes", "2", "-o", str(video)]
    environment = {**os.environ, "SVLM_CONFIG": os.devnull}  # the same match, whatever the settings are
    run(simulate, check=True, environment=environment)
    pictures = folder / "pictures"
    pictures.mkdir()
    options, suffix = (_H264, "h264") if encoded else (_JPEG, "jpg")
    split = ["-v", "error", "-nostdin", "-i", str(video), *options, "-f", "image2", "-start_number", "0"]
    run([find_ffmpeg().path, *split, f"{pictures}/%05d.{suffix}"], check=True)
    return pictures, video.with_suffix(".context.txt")
