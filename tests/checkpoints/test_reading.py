"""Small files of strangers: read whole, or refused at once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from svlm_cli.checkpoints.reading import MissingError, UnreadableError, read_bytes, read_json


def hole(path: Path) -> None:
    path.touch()
    os.truncate(path, 10**12)


PLACED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "a folder, a pipe or a device"),
    "a folder": (os.mkdir, "irectory|a folder"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "a folder, a pipe or a device"),
    "a link to itself": (lambda path: path.symlink_to(path), "cannot be read"),
    "a file that is too large": (lambda path: path.write_bytes(bytes(1001)), "larger than 0.001 MB"),
    "a hole of terabytes": (hole, "larger than 0.001 MB"),
}


@pytest.mark.parametrize(("place", "reason"), PLACED.values(), ids=PLACED.keys())
def test_what_is_no_small_file_is_refused(tmp_path: Path, place: Callable[[Path], object], reason: str) -> None:
    """Guards against a pipe that nobody writes into, and a device that never ends."""
    place(tmp_path / "config.json")
    with pytest.raises(UnreadableError, match=reason):
        read_bytes(tmp_path / "config.json", most=1000)


def test_what_is_missing_is_called_so(tmp_path: Path) -> None:
    """Guards the sentences that say which file to fetch."""
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("nothing", "link"):
        with pytest.raises(MissingError):
            read_bytes(tmp_path / name, most=1000)
    with pytest.raises(UnreadableError, match="cannot be read"):
        read_bytes(tmp_path / "nul\0", most=1000)


def test_links_are_followed(tmp_path: Path) -> None:
    """Guards the hub's cache, which is made of them."""
    (tmp_path / "blob").write_text('{"a": 1}')
    (tmp_path / "config.json").symlink_to("blob")
    assert read_json(tmp_path / "config.json") == {"a": 1}
    (tmp_path / "blob").write_text("[1]")
    with pytest.raises(UnreadableError, match="no JSON object"):
        read_json(tmp_path / "config.json")
