"""Files and folders that are whole at every moment, whenever the run dies. Knows nothing of what is in them."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Makes or replaces a file, all at once."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def new_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """A folder that gets its name when all is in it. Raises `OSError` if there is one that is not empty."""
    part = folder.absolute().with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        fill(part)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def replace_folder(link: Path, name: str, fill: Callable[[Path], None]) -> None:
    """Makes a folder `name` beside `link`, which then leads there, all at once. Those that it led to before go.

    A folder cannot be replaced at once by another, and a link can. `name` begins with that of the link and a dash.
    """
    before = link.resolve() if link.is_symlink() else None
    folder = link.with_name(name)
    if before == folder.resolve():  # the same name again: whoever reads it goes on reading it meanwhile
        folder = link.with_name(f"{name}-again")
    shutil.rmtree(folder, ignore_errors=True)
    new_folder(folder, fill)
    part = link.with_name(f".{link.name}.link")
    with suppress(FileNotFoundError):
        part.unlink()
    part.symlink_to(folder.name, target_is_directory=True)
    os.replace(part, link)  # noqa: PTH105 - a rename of the link itself
    for other in link.parent.glob(f"{link.name}-*"):
        if other.name != folder.name:
            shutil.rmtree(other, ignore_errors=True)
