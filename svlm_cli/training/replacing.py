"""Replaces files and folders atomically, so that a killed run leaves complete ones. Does not know their contents."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Create or replace a file, atomically."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def new_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Create a folder that gets its name once it is complete. `OSError` if that exists and is not empty."""
    part = folder.absolute().with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        fill(part)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def replace_folder(link: Path, name: str, fill: Callable[[Path], None]) -> None:
    """Create a folder `name` beside `link`, and point the link to it, atomically. Its earlier targets are removed.

    A link can be replaced atomically, a folder cannot. `name` starts with the link's name and a dash.
    """
    before = link.resolve() if link.is_symlink() else None
    folder = link.with_name(name)
    if before == folder.resolve():  # the same name again: readers of the old one can go on
        folder = link.with_name(f"{name}-again")
    shutil.rmtree(folder, ignore_errors=True)
    new_folder(folder, fill)
    part = link.with_name(f".{link.name}.link")
    with suppress(FileNotFoundError):
        part.unlink()
    part.symlink_to(folder.name, target_is_directory=True)
    os.replace(part, link)  # noqa: PTH105 - renames the link itself
    for other in link.parent.glob(f"{link.name}-*"):
        if other.name != folder.name:
            shutil.rmtree(other, ignore_errors=True)
