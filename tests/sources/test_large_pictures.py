"""Pictures of more than 4K: reduced before they are handed over, without a change that a model could see."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from svlm_cli.core.policy import VisionPolicy
from svlm_cli.core.types import Picture
from svlm_cli.media import ffmpeg
from svlm_cli.sources.files import Decoder, open_frames
from svlm_cli.sources.windows import read_window
from tests.clips import make_clip, number_of, run_ffmpeg

VISION = VisionPolicy(min_pixels=784, max_pixels=32 * 784)
LOOKED_AT = (112, 196)
SIZE = (1050, 600)  # above what counts as large here


@pytest.fixture
def soon_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same at a ninth of the size is so much quicker."""
    monkeypatch.setattr(ffmpeg, "LARGE_PIXELS", 1024 * 576)


def first(clip: Path, enough_pixels: int | None, decoder: Decoder = Decoder.FFMPEG) -> Picture:
    with open_frames(clip, fps=2, enough_pixels=enough_pixels, decoder=decoder) as frames:
        return next(frames).pixels


def photograph(path: Path, width: int, height: int) -> Path:
    """Noise whose amplitude falls with its frequency, as in photographs."""
    across, down = np.fft.rfftfreq(width)[None], np.fft.fftfreq(height)[:, None]
    frequency = np.hypot(down, across)
    frequency[0, 0] = 1
    noise = np.random.default_rng(0).standard_normal((height, width))
    image = np.fft.irfft2(np.fft.rfft2(noise) / frequency, s=(height, width))
    grey = ((image - image.min()) / (image.max() - image.min()) * 255).astype(np.uint8)
    raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-i", "pipe:0")
    run_ffmpeg(*raw, "-pix_fmt", "yuv420p", "-c:v", "ffv1", path, stdin=grey.tobytes())
    return path


def as_looked_at(picture: Picture) -> torch.Tensor:
    pixels = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
    return interpolate(pixels, size=LOOKED_AT, mode="bicubic", antialias=True).clamp(0, 255).round()


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("size", [(4096, 2304)])
def test_up_to_4k_nothing_is_reduced(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = make_clip(tmp_path / "clip.mkv", frames=1, size=size, encode=("-c:v", "mjpeg", "-q:v", "5"))
    assert np.array_equal(first(clip, VISION.enough_pixels), first(clip, None))


@pytest.mark.usefixtures("soon_large")
def test_a_larger_picture_looks_the_same_to_the_model(tmp_path: Path) -> None:
    clip = photograph(tmp_path / "photograph.mkv", *SIZE)
    whole, reduced = first(clip, None), first(clip, VISION.enough_pixels)
    assert whole.shape == (600, 1050, 3)
    assert VISION.enough_pixels <= reduced.shape[0] * reduced.shape[1] < 1.01 * VISION.enough_pixels
    error = (as_looked_at(whole) - as_looked_at(reduced)).square().mean().item()
    assert 10 * np.log10(255**2 / error) > 40


@pytest.mark.usefixtures("soon_large")
@pytest.mark.parametrize("aspect", ["4", "1/4", "100", "16/15"])
def test_wide_pixels_of_a_large_picture(tmp_path: Path, aspect: str) -> None:
    clip = make_clip(tmp_path / "clip.mkv", frames=1, size=SIZE, options=("-vf", f"setsar={aspect}"))
    picture = first(clip, VISION.enough_pixels)
    assert number_of(picture) == 0
    assert picture.shape[0] * picture.shape[1] <= ffmpeg.LARGE_PIXELS


@pytest.mark.usefixtures("soon_large")
def test_decord_leaves_large_pictures_to_ffmpeg(tmp_path: Path) -> None:
    """It hands over all of each."""
    clip = make_clip(tmp_path / "clip.mkv", frames=2, size=SIZE)
    with open_frames(clip, fps=2, enough_pixels=VISION.enough_pixels, decoder=Decoder.DECORD) as frames:
        assert "decord does not read" in frames.notices[0]
    (frame,) = read_window(clip, 0.0, 0.5, fps=2, enough_pixels=VISION.enough_pixels)
    assert frame.pixels.size < 3.1 * VISION.enough_pixels
