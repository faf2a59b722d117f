"""Black bars around pictures whose shape a model has not learned."""

import numpy as np
import pytest

from svlm_cli.networks.pixels import framed, learned_size


@pytest.mark.parametrize(
    ("size", "whole", "top", "left"),
    [((160, 90), (160, 288), 0, 99), ((100, 100), (100, 180), 0, 40), ((90, 240), (133, 240), 21, 0)],
)
def test_a_picture_of_another_shape_is_in_the_middle_of_a_black_one(
    size: tuple[int, int], whole: tuple[int, int], top: int, left: int
) -> None:
    """Guards a stretched picture: upright, square, and wider than wide."""
    picture = np.random.default_rng(0).integers(1, 256, (*size, 3), np.uint8)
    shown = framed(picture, 1.8)
    assert shown.shape == (*whole, 3)
    inner = (slice(top, top + size[0]), slice(left, left + size[1]))
    np.testing.assert_array_equal(shown[inner], picture)
    shown[inner] = 0
    assert not shown.any()


@pytest.mark.parametrize(("size", "aspect"), [((720, 1280), 1.8), ((90, 160), 0.0), ((160, 90), 0.0)])
def test_a_picture_of_nearly_that_shape_stays(size: tuple[int, int], aspect: float) -> None:
    """Guards a copy of every ordinary frame."""
    picture = np.zeros((*size, 3), np.uint8)
    assert framed(picture, aspect) is picture


def test_a_learned_size_is_exact() -> None:
    """Guards a grid of 5 x 8 tokens for a model that knows 5 x 9 alone: limits on pixels are rounded down."""
    assert learned_size(252 * 140, 1.8) == (140, 252)
