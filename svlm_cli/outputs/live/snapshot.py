"""Saves a picture with its words: ``NAME-DATE-TIME.png`` and a ``.txt`` beside it. Overwrites nothing."""

import io
import itertools
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from svlm_cli.core.text import slug
from svlm_cli.core.types import Picture
from svlm_cli.outputs.live.state import Phrase
from svlm_cli.outputs.progress import clock


def save_snapshot(
    folder: Path, name: str, picture: Picture, time_s: float, phrases: Sequence[Phrase], wall_s: float
) -> Path:
    """Write `picture` in full size and the words up to it; return the picture's path. May raise `OSError`."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG", compress_level=3)
    moment = time.localtime(wall_s)
    words = [f"{name}, {clock(time_s)}, {time.strftime('%Y-%m-%d %H:%M:%S', moment)}"]
    words += [f"[{clock(phrase.start_s)}] {phrase.text}" for phrase in phrases]
    stem = f"{slug(name, otherwise='video')}-{time.strftime('%Y%m%d-%H%M%S', moment)}"
    for number in itertools.count():
        path = folder / f"{stem}{f'-{number}' if number else ''}.png"
        text = path.with_suffix(".txt")
        if os.path.lexists(text):
            continue
        try:
            _write_new(path, data.getvalue())
        except FileExistsError:
            continue
        try:
            _write_new(text, ("\n".join(words) + "\n").encode())
        except OSError:
            path.unlink()
            raise
        return path
    raise AssertionError("numbers do not end")


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
