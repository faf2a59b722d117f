"""Pictures of a stretch: which moments, how many, how large, in which format."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.evals.generation.pictures import Sampling, sample_pictures
from tests.clips import make_clip, number_of


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute in which picture k is on screen from second k to second k + 1."""
    return make_clip(tmp_path_factory.mktemp("clock") / "clock.mp4", frames=60, fps="1", size=(512, 384))


def opened(pictures: tuple[bytes, ...]) -> list[Image.Image]:
    return [Image.open(io.BytesIO(one)) for one in pictures]


def seconds(pictures: tuple[bytes, ...]) -> list[int]:
    return [number_of(np.asarray(one.convert("RGB"))) for one in opened(pictures)]


def test_they_are_of_their_moments(clock: Path) -> None:
    """Guards against pictures of another clip: four seconds apart, from the clip's start, before its end."""
    assert seconds(sample_pictures(clock, 12, 40, Sampling())) == [12, 16, 20, 24, 28, 32, 36]
    assert seconds(sample_pictures(clock, 10.5, 20.5, Sampling())) == [10, 14, 18]


def test_they_are_jpegs_of_at_most_that_height(clock: Path) -> None:
    (one, *_) = opened(sample_pictures(clock, 0, 8, Sampling()))
    assert (one.format, one.mode, one.size) == ("JPEG", "RGB", (480, 360))
    (one, *_) = opened(sample_pictures(clock, 0, 8, Sampling(height=500)))
    assert one.size == (512, 384), "nothing is enlarged"


def test_their_quality_is_that_of_the_baseline(clock: Path) -> None:
    """Guards 85: the tables of the file are those that Pillow writes for it."""
    (one, *_) = opened(sample_pictures(clock, 0, 8, Sampling()))
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=85)
    assert one.quantization == Image.open(file).quantization  # type: ignore[attr-defined]  # of JPEGs alone


def test_more_are_thinned_out_evenly(clock: Path) -> None:
    assert seconds(sample_pictures(clock, 0, 60, Sampling(fps=1, most=7))) == [0, 10, 20, 30, 39, 49, 59]
    assert Sampling().indices(60) == list(range(60))
    thinned = Sampling().indices(100)
    assert (len(thinned), len({*thinned}), thinned[0], thinned[-1]) == (60, 60, 0, 99)


def test_a_video_that_ends_before_is_named(clock: Path, tmp_path: Path) -> None:
    """Guards against a comment on half of a clip."""
    with pytest.raises(InputError, match=r"clock\.mp4 has no picture at 60 s"):
        sample_pictures(clock, 40, 80, Sampling())
    with pytest.raises(InputError, match="absent"):
        sample_pictures(tmp_path / "absent.mp4", 0, 8, Sampling())


def test_what_cannot_be_sampled() -> None:
    with pytest.raises(UsageError, match="fps must be"):
        Sampling(fps=0)
