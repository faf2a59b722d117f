"""Reads small, untrusted files of a checkpoint, and refuses large ones before they take memory or time.

Anything but a regular file, such as a pipe, device or folder, is refused at once. Does not know the contents.
"""

import os
import stat
from pathlib import Path
from typing import Any

from svlm_cli.core import strict_json

MOST_CONFIG_BYTES = 4_000_000  # such files are a few pages long
MOST_TABLE_BYTES = 32_000_000  # a vocabulary of 250,000 entries takes 20 MB


class UnreadableError(Exception):
    """Why a file is not read: a sentence without its end, in which the file is "it"."""


class MissingError(UnreadableError):
    """The file does not exist."""


def read_bytes(path: Path, *, most: int) -> bytes:
    """The contents of a regular file of at most `most` bytes. `UnreadableError` otherwise."""
    try:
        # without O_NONBLOCK, opening a pipe without a writer would block
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise UnreadableError("it is not a file but a folder, a pipe or a device")
            data = file.read(most + 1) if found.st_size <= most else None
    except FileNotFoundError as error:
        raise MissingError("it is not there") from error
    except (OSError, ValueError) as error:  # ValueError: an invalid name
        raise UnreadableError(f"it cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if data is None or len(data) > most:
        raise UnreadableError(f"it is larger than {most / 1e6:g} MB")
    return data


def read_json(path: Path, *, most: int = MOST_CONFIG_BYTES) -> dict[str, Any]:
    """The JSON object in a file. `UnreadableError` if there is none."""
    try:
        value = strict_json.parse(read_bytes(path, most=most))
    except strict_json.JsonError as error:
        raise UnreadableError(str(error)) from error
    if not isinstance(value, dict):
        raise UnreadableError("it holds no JSON object")
    return value
