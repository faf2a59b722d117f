"""What `s` saves: a picture as it is and its words; nothing that is there is touched."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from svlm_cli.outputs.live.snapshot import save_snapshot
from svlm_cli.outputs.live.state import Phrase

PHRASES = [Phrase(0, 61.0, "Goal for 曼城."), Phrase(1, 62.0, "One nil.")]
WALL_S = 1_800_000_000.0
PICTURE = np.random.default_rng(0).integers(0, 256, (72, 128, 3), dtype=np.uint8)


def test_a_picture_and_its_words(tmp_path: Path) -> None:
    path = save_snapshot(tmp_path, "rtsp://10.0.0.5/front door", PICTURE, 62.5, PHRASES, WALL_S)
    assert path.name.startswith("10.0.0.5-front-door-2027")
    with Image.open(path) as image:
        assert (np.asarray(image) == PICTURE).all(), "in full size, every pixel"
    lines = path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("rtsp://10.0.0.5/front door, 0:01:02, 2027-")
    assert lines[1:] == ["[0:01:01] Goal for 曼城.", "[0:01:02] One nil."]


def test_nothing_is_replaced(tmp_path: Path) -> None:
    """Not by the second picture of a second, and not where only one of the two names is taken."""
    first = save_snapshot(tmp_path, "front", PICTURE, 1.0, [], WALL_S)
    taken = first.with_name(f"{first.stem}-1.txt")
    taken.write_text("mine")
    third = save_snapshot(tmp_path, "front", PICTURE, 1.0, [], WALL_S)
    assert third.stem == f"{first.stem}-2"
    assert taken.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("name", ["../../etc", "a/b\0c", "", "x" * 400, ".hidden"])
def test_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    path = save_snapshot(tmp_path, name, PICTURE, 1.0, [], WALL_S)
    assert path.parent == tmp_path
    assert not path.name.startswith(".")


def test_no_half_of_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is an error, and no picture without words."""
    with pytest.raises(OSError, match="gone"):
        save_snapshot(tmp_path / "gone", "front", PICTURE, 1.0, [], WALL_S)

    def full(path: Path, data: bytes) -> None:
        if path.suffix == ".txt":
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr("svlm_cli.outputs.live.snapshot._write_new", full)
    with pytest.raises(OSError, match="No space"):
        save_snapshot(tmp_path, "front", PICTURE, 1.0, [], WALL_S)
    assert not list(tmp_path.iterdir())
