"""Pixels and patches against transformers' Pillow-based image processor."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

from svlm_cli.core.errors import InputError, ModelError
from svlm_cli.core.types import Picture
from svlm_cli.networks import pixels
from svlm_cli.networks.qwen2_5_vl.preprocess import PixelConfig, QwenPreprocessor
from svlm_cli.networks.qwen2_5_vl.shapes import PUBLISHED
from tests.tiny import preprocessor_config

CPU = torch.device("cpu")
MIN_PIXELS, MAX_PIXELS = 16 * 784, 64 * 784
# Height, width. All are sizes for which every Pillow goes across first, see `test_passes_in_the_order...`.
SIZES = [(360, 640), (361, 641), (720, 405), (60, 107), (33, 47), (28, 400), (224, 224), (100, 151)]


def noise(height: int, width: int, seed: int = 0) -> Picture:
    """Full contrast from pixel to pixel: the filter overshoots everywhere."""
    return np.random.default_rng(seed).integers(0, 2, (height, width, 3), dtype=np.uint8) * np.uint8(255)


def photograph(height: int, width: int, seed: int = 0) -> Picture:
    """Smooth shades, edges and grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    shades = np.stack([np.sin(7 * x + 3 * y), np.cos(9 * y - x), np.sign(np.sin(30 * x * y + 4 * x))], axis=-1)
    grain = rng.normal(0, 8, (height, width, 3))
    picture: Picture = np.clip(128 + 100 * shades + grain, 0, 255).astype(np.uint8)
    return picture


@pytest.fixture(scope="module")
def preprocessor() -> QwenPreprocessor:
    return QwenPreprocessor(PixelConfig.from_dict(preprocessor_config()))


def library_patches(picture: Picture) -> tuple[torch.Tensor, tuple[int, ...]]:
    """Patches before normalisation, 0 to 255, each frame repeated to make a pair."""
    processor = Qwen2VLImageProcessorPil(
        size={"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS}, do_normalize=False, do_rescale=False
    )
    output = processor(images=[Image.fromarray(picture)], return_tensors="pt")
    return output["pixel_values"], tuple(output["image_grid_thw"][0].tolist())


def assert_pixels_close(ours: torch.Tensor, expected: torch.Tensor) -> None:
    difference = (ours.float() - expected.float()).abs()
    assert difference.max() <= 2.01
    assert difference.mean() <= 0.2


def unnormalised(patches: torch.Tensor) -> torch.Tensor:
    raw = preprocessor_config()
    mean, std = (torch.tensor(raw[name]).view(1, 3, 1) for name in ("image_mean", "image_std"))
    return ((patches.view(len(patches), 3, -1) * std + mean) * 255).view(len(patches), -1)


@pytest.mark.parametrize("picture", [noise, photograph])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_patches_equal_the_librarys(preprocessor: QwenPreprocessor, picture: Any, height: int, width: int) -> None:
    """Another filter, no antialias, channels or patches out of order, another size rule."""
    frame = picture(height, width)
    size = preprocessor.target_size(height, width, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS)
    patches, grid = preprocessor.patches([frame, frame], *size, device=CPU, dtype=torch.float32)
    expected, expected_grid = library_patches(frame)
    assert grid == expected_grid
    assert_pixels_close(unnormalised(patches), expected)


def test_normalisation_equals_the_librarys(preprocessor: QwenPreprocessor) -> None:
    """Mean and deviation applied to 0..255, or in the wrong order."""
    frame = photograph(224, 224)
    expected = Qwen2VLImageProcessorPil(size={"shortest_edge": 784, "longest_edge": 224 * 224})(
        images=[Image.fromarray(frame)], return_tensors="pt"
    )["pixel_values"]
    patches, _ = preprocessor.patches([frame, frame], 224, 224, device=CPU, dtype=torch.float32)
    torch.testing.assert_close(patches, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(480, 640), (126, 225), (90, 64)])
def test_passes_in_the_order_that_checkpoints_were_trained_with(
    preprocessor: QwenPreprocessor, height: int, width: int
) -> None:
    """Down before across, which Pillow 13 does where it is faster; torch and Pillow up to 12 never do."""
    frame = noise(height, width)
    new_height, new_width = preprocessor.target_size(height, width, min_pixels=784, max_pixels=height * width)
    across = Image.fromarray(frame).resize((new_width, height), Image.Resampling.BICUBIC)
    expected = np.asarray(across.resize((new_width, new_height), Image.Resampling.BICUBIC))
    ours = preprocessor.resize([frame], new_height, new_width, CPU)
    assert_pixels_close(ours[0].permute(1, 2, 0), torch.from_numpy(expected.copy()))


@pytest.mark.parametrize("picture", [noise, photograph])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_devices_without_integer_resizing_agree(picture: Any, height: int, width: int) -> None:
    """Accelerators resize floats, and would round once instead of twice: 31/255 off where the filter overshoots."""
    frame = torch.from_numpy(picture(height, width)).permute(2, 0, 1)[None]
    target = (168, 252)
    assert_pixels_close(pixels._bicubic_floats(frame, *target), pixels.bicubic(frame, *target))


def test_size_rule_equals_the_librarys(preprocessor: QwenPreprocessor) -> None:
    """Rounding half up instead of to even, bounds applied the other way round."""
    rng = np.random.default_rng(0)
    for height, width, low in rng.integers(1, 2000, (500, 3)).tolist():
        if max(height, width) > 200 * min(height, width):
            continue
        low_pixels, high_pixels = low * 100, low * 100 + 400 * 784
        expected = smart_resize(height, width, 28, low_pixels, high_pixels)
        assert preprocessor.target_size(height, width, min_pixels=low_pixels, max_pixels=high_pixels) == expected


@pytest.mark.parametrize(
    ("height", "width", "low", "high", "shown"),
    [
        (69, 46, 784, 4 * 784, (56, 56)),  # exactly the most: not shrunk, though it has more pixels itself
        (69, 46, 784, 4 * 784 - 1, (56, 28)),
        (28, 30, 784, 4 * 784, (28, 28)),  # exactly the least: not enlarged
        (28, 30, 785, 4 * 784, (28, 56)),
        (1, 200, 784, 64 * 784, (28, 420)),  # exactly as elongated as may be
        (20, 2000, 784, 4 * 784, (28, 560)),  # a side is a token at least, even where that is too many
        (2000, 20, 784, 4 * 784, (560, 28)),
    ],
)
def test_sizes_at_the_bounds_are_the_librarys(
    preprocessor: QwenPreprocessor, height: int, width: int, low: int, high: int, shown: tuple[int, int]
) -> None:
    """Guards each bound itself: a picture that has exactly so many pixels lies within it."""
    assert smart_resize(height, width, 28, low, high) == shown
    assert preprocessor.target_size(height, width, min_pixels=low, max_pixels=high) == shown


@pytest.mark.parametrize(("height", "width"), [(10, 2001), (2001, 10), (0, 10), (10, 0), (0, 0)])
def test_pictures_that_cannot_be_shown(preprocessor: QwenPreprocessor, height: int, width: int) -> None:
    """A division by zero, or a size of thousands of tokens in a row."""
    with pytest.raises(InputError, match=f"{width} x {height}"):
        preprocessor.target_size(height, width, min_pixels=784, max_pixels=7840)


def test_frames_of_a_chunk_may_differ_in_size(preprocessor: QwenPreprocessor) -> None:
    """A source that changes its picture size within a second; frames must stay in order."""
    frames = [photograph(60, 80, 0), photograph(90, 120, 1), photograph(90, 120, 2), photograph(60, 80, 3)]
    patches, grid = preprocessor.patches(frames, 56, 84, device=CPU, dtype=torch.float32)
    assert grid == (2, 4, 6)
    assert preprocessor.merged_grid(len(frames), 56, 84) == (2, 2, 3)
    pairs = [preprocessor.patches(frames[i : i + 2], 56, 84, device=CPU, dtype=torch.float32)[0] for i in (0, 2)]
    assert torch.equal(patches, torch.cat(pairs))


@pytest.mark.parametrize("count", [1, 3])
def test_an_odd_frame_is_its_own_partner(preprocessor: QwenPreprocessor, count: int) -> None:
    """Seconds of an odd number of frames: a black partner, or a crash."""
    frames = [noise(56, 56, seed) for seed in range(count)]
    odd, grid = preprocessor.patches(frames, 56, 56, device=CPU, dtype=torch.float32)
    even, _ = preprocessor.patches([*frames, frames[-1]], 56, 56, device=CPU, dtype=torch.float32)
    assert torch.equal(odd, even)
    assert grid == preprocessor.grid(count, 56, 56) == (count // 2 + 1, 4, 4)
    assert preprocessor.merged_grid(count, 56, 56) == (count // 2 + 1, 2, 2)


@pytest.mark.parametrize(("count", "whole"), [(1, 3), (3, 3), (4, 6), (5, 6)])
def test_frames_are_filled_up_to_whole_patches_of_any_length(count: int, whole: int) -> None:
    """Guards checkpoints whose patches are of more than two frames."""
    three = QwenPreprocessor(PixelConfig.from_dict({**preprocessor_config(), "temporal_patch_size": 3}))
    frames = [noise(28, 28, seed) for seed in range(count)]
    filled = three.whole_steps(frames)
    assert len(filled) == whole
    assert all(frame is frames[-1] for frame in filled[count:])


def test_chunks_one_after_the_other_are_as_if_alone(preprocessor: QwenPreprocessor) -> None:
    """A frame of one stream paired with a frame of another."""
    chunks = [[noise(60, 60, seed) for seed in seeds] for seeds in ((0, 1, 2), (3, 4), (5,))]
    frames = [frame for chunk in chunks for frame in preprocessor.whole_steps(chunk)]
    together, grid = preprocessor.patches(frames, 56, 56, device=CPU, dtype=torch.float32)
    alone = [preprocessor.patches(chunk, 56, 56, device=CPU, dtype=torch.float32)[0] for chunk in chunks]
    assert grid == (4, 4, 4)
    assert torch.equal(together, torch.cat(alone))


def test_pictures_from_a_pipe_are_read_only_and_views(preprocessor: QwenPreprocessor) -> None:
    """Frames that share a buffer of bytes, which torch must neither write to nor warn about."""
    wide: NDArray[np.uint8] = np.frombuffer(bytes(photograph(56, 112).tobytes()), np.uint8).reshape(56, 112, 3)
    view = wide[:, ::-2]
    patches, _ = preprocessor.patches([view], 56, 56, device=CPU, dtype=torch.bfloat16)
    expected, _ = preprocessor.patches([view.copy()], 56, 56, device=CPU, dtype=torch.bfloat16)
    assert patches.dtype == torch.bfloat16
    assert torch.equal(patches, expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_mean", None),
        ("image_mean", [0.5, 0.5]),
        ("image_std", [0.5, 0.0, 0.5]),
        ("image_std", "0.5"),
        ("patch_size", 0),
        ("merge_size", None),
        ("temporal_patch_size", True),
        ("resample", 2),
        ("do_normalize", False),
        ("rescale_factor", 1.0),
        ("image_mean", [float("nan"), 0.5, 0.5]),
        ("image_mean", [0.5, 0.5, 10**400]),
        ("image_mean", [True, 0.5, 0.5]),
        ("image_std", [1e-320, 0.5, 0.5]),
        ("image_std", [float("inf"), 0.5, 0.5]),
        ("patch_size", 10**9),
        ("merge_size", 10**400),
        ("temporal_patch_size", -1),
    ],
)
def test_what_is_wrong_is_named(name: str, value: Any) -> None:
    """Pixels prepared in another way than the checkpoint was trained with."""
    with pytest.raises(ModelError, match=name) as caught:
        PixelConfig.from_dict({**preprocessor_config(), name: value})
    assert caught.value.hint


def test_absent_switches_mean_what_the_library_does() -> None:
    """The published preprocessor_config.json names none of them."""
    raw = {name: value for name, value in preprocessor_config().items() if not name.startswith(("do_", "res"))}
    assert PixelConfig.from_dict(raw) == PixelConfig.from_dict(preprocessor_config())


@pytest.mark.parametrize("changes", [{"patch_size": 1}, {"spatial_merge_size": 1}, {"temporal_patch_size": 1}])
def test_patches_that_the_network_does_not_read_are_refused(preprocessor: QwenPreprocessor, changes: Any) -> None:
    """Guards against a matrix product of two shapes, minutes later and in words of torch."""
    vision = PUBLISHED["3b"].config.vision
    preprocessor.require_fit(vision)
    with pytest.raises(ModelError, match=r"preprocessor_config\.json has patches of"):
        preprocessor.require_fit(replace(vision, **changes))
