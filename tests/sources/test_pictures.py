"""A folder of pictures as a video: in the order of their numbers, each for its share of a second."""

from pathlib import Path

import pytest
from PIL import Image

from svlm_cli.core.errors import InputError
from svlm_cli.core.moments import Moments
from svlm_cli.sources.pictures import PictureFolder
from tests.clips import number_of, numbered, numbers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures, which names alone would put in another order."""
    for index in range(12):
        Image.fromarray(numbered(index)).save(tmp_path / f"frame{index + 1}.png")
    (tmp_path / "notes.txt").write_text("none of them")
    return tmp_path


def test_each_has_its_moment(folder: Path) -> None:
    """Guards against 10 before 2, and against a picture that is not there yet."""
    pictures = PictureFolder(folder, 3.0)
    assert pictures.end_s == pytest.approx(4.0)
    assert numbers(pictures.at(Moments(0.0, 0.5, 8))) == [0, 1, 3, 4, 6, 7, 9, 10]
    assert numbers(pictures.at(Moments(3.9, 9.0, 1))) == [11]


@pytest.mark.parametrize(
    ("start_s", "end_s", "shown"),
    [
        (None, None, [(number, number / 3) for number in range(12)]),
        (1.0, 2.0, [(3, 1.0), (4, 4 / 3), (5, 5 / 3)]),
        (1.2, 1.5, [(3, 1.2), (4, 4 / 3)]),
        (9.0, None, []),
    ],
)
def test_as_a_stream(folder: Path, start_s: float | None, end_s: float | None, shown: list[tuple[int, float]]) -> None:
    found = [(number_of(frame.pixels), frame.time_s) for frame in PictureFolder(folder, 3.0).frames(start_s, end_s)]
    assert [number for number, _ in found] == [number for number, _ in shown]
    assert [time_s for _, time_s in found] == pytest.approx([time_s for _, time_s in shown])


def test_what_holds_no_pictures(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        PictureFolder(tmp_path / "empty", 3.0)
    (folder / "frame3.png").write_bytes(b"rotten")
    with pytest.raises(InputError, match=r"frame3\.png cannot be read as a picture"):
        PictureFolder(folder, 3.0).at(Moments(0.7, 1.0, 1))
