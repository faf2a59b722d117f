"""Altered pictures: each way does what its name says, held against Pillow where that knows it, and nothing else."""

from typing import get_args

import numpy as np
import pytest
from PIL import Image

from svlm_cli.commands.evaluate import AlteredName
from svlm_cli.core.types import Picture
from svlm_cli.evals.alterations import GAIN, HUE_DEGREES, Altered, alter
from svlm_cli.simulator.match.pitch import HEIGHT, WIDTH


@pytest.fixture
def pictures() -> Picture:
    """Colours far enough from black and white that none is clipped when it is turned."""
    return np.random.default_rng(0).integers(80, 150, (2, HEIGHT, WIDTH, 3), np.uint8)


def test_a_hue_is_turned_and_nothing_else(pictures: Picture) -> None:
    """Brightness and saturation stay: the angle around the axis of greys alone is another."""
    before, after = (
        one.astype(float) - one.mean(axis=-1, keepdims=True) for one in (pictures, alter(pictures, Altered.HUE))
    )
    lengths = np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1)
    vivid = lengths > 20**2
    degrees = np.rad2deg(np.arccos(((before * after).sum(axis=-1)[vivid] / lengths[vivid]).clip(-1, 1)))
    assert vivid.sum() > 1000
    assert np.abs(degrees - HUE_DEGREES).max() < 4, "colours are whole numbers"
    assert np.abs(np.linalg.norm(after, axis=-1) - np.linalg.norm(before, axis=-1)).max() < 2
    red = alter(np.full((1, 1, 1, 3), (200, 0, 0), np.uint8), Altered.HUE)[0, 0, 0]
    assert red[1] > red[2]


def test_a_bright_picture_is_brighter(pictures: Picture) -> None:
    assert (alter(pictures, Altered.BRIGHT) == np.rint(pictures * GAIN)).all()
    assert alter(np.full((1, 1, 1, 3), 250, np.uint8), Altered.BRIGHT).min() == 255


def test_grey_and_rotated_as_pillow_does_it(pictures: Picture) -> None:
    grey, rotated = alter(pictures, Altered.GREY), alter(pictures, Altered.ROTATED)
    for index, one in enumerate(pictures):
        image = Image.fromarray(one)
        assert np.abs(grey[index].astype(int) - np.asarray(image.convert("L"))[..., None]).max() <= 1
        assert (rotated[index] == np.asarray(image.transpose(Image.Transpose.ROTATE_90))).all()


def test_a_letterboxed_picture_is_whole(pictures: Picture) -> None:
    boxed = alter(pictures, Altered.LETTERBOXED)
    bar = (boxed.shape[1] - HEIGHT) // 2
    assert boxed.shape[2] / boxed.shape[1] == pytest.approx(16 / 9)
    assert (boxed[:, bar : bar + HEIGHT] == pictures).all()
    assert boxed[:, :bar].max() == boxed[:, bar + HEIGHT :].max() == 0


@pytest.mark.parametrize("how", Altered)
def test_pictures_stay_pictures(pictures: Picture, how: Altered) -> None:
    """Guards the engine, which takes contiguous bytes, and the pictures that were handed in."""
    before = pictures.copy()
    altered = alter(pictures, how)
    assert altered.dtype == np.uint8
    assert altered.flags.c_contiguous
    assert not np.array_equal(altered, pictures)
    assert (pictures == before).all()


def test_none_is_none_and_the_command_knows_all(pictures: Picture) -> None:
    assert alter(pictures, None) is pictures
    assert get_args(AlteredName) == tuple(Altered)
