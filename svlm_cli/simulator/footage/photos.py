"""Reads a folder of photos, in the order of their names. No other module of this world reads files."""

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from svlm_cli.core.errors import InputError
from svlm_cli.core.types import Picture

_KINDS: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_WIDEST: Final = 1024  # in pixels; the bank uses no more


def read_photos(folder: Path) -> list[Picture]:
    """All photos of a folder, uint8 ``[H, W, 3]``. `InputError` if there is none, or one cannot be read."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _KINDS)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.", "Name another folder.") from error
    if not paths:
        raise InputError(f"{folder} has no pictures.", f"Put {', '.join(sorted(_KINDS))} there.")
    return [_read(path) for path in paths]


def _read(path: Path) -> Picture:
    try:
        with Image.open(path) as image:
            image.draft("RGB", (_WIDEST, _WIDEST))
            image.thumbnail((_WIDEST, _WIDEST))
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be read as a picture: {error}.", "Remove it from the folder.") from error
