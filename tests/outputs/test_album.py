"""Small pictures of a long video: a bounded number, evenly spread, each of its own moment."""

import io

import numpy as np
import pytest
from PIL import Image

from svlm_cli.outputs import album as module
from svlm_cli.outputs.album import Album, Thumbnail
from tests.clips import number_of, numbered


def read(picture: Thumbnail | None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    assert picture is not None
    image = Image.open(io.BytesIO(picture.jpeg))
    assert image.size == (picture.width, picture.height)
    return np.asarray(image)


def test_each_moment_has_its_picture() -> None:
    album = Album()
    for second in range(20):
        album.add(numbered(second, 640, 480), second + 0.5)
    assert read(album.at(7.6)).shape == (180, 240, 3)
    assert [number_of(read(album.at(time_s))) for time_s in (-5.0, 7.6, 7.9, 8.1, 100.0)] == [0, 7, 7, 8, 19]
    assert Album().at(1.0) is None


def test_portraits_keep_their_shape() -> None:
    album = Album()
    album.add(numbered(1, 360, 640), 0.0)
    assert read(album.at(0.0)).shape == (320, 180, 3)


def test_an_endless_video_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 20)
    album = Album()
    picture = numbered(0, 32, 24)
    for second in range(1000):
        album.add(picture, float(second))
        assert len(album._pictures) <= 20
    gaps = np.diff(album._times_s)
    assert gaps.max() <= 3 * gaps.min()
    assert album._times_s[0] == 0
    assert album._times_s[-1] > 800
