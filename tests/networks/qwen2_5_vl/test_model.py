"""The whole network over whole windows against transformers': logits and gradients."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch

from svlm_cli.networks.family import Grid
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from tests.networks.qwen2_5_vl.conftest import Pair

# Logits reach 12, in float32 with sums in another order. Measured: 4e-5, of which ours is nearer to float64's truth.
TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-4  # relative to the largest gradient of a parameter
TEXT_IDS = 400  # ids below are words


@dataclass
class Window:
    """Rounds of words and pictures: what a training window is made of."""

    ids: list[int] = field(default_factory=list)
    positions: list[tuple[float, float, float]] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    next_position: float = 0.0

    def say(self, count: int, seed: int) -> "Window":
        words = torch.randint(0, TEXT_IDS, (count,), generator=torch.Generator().manual_seed(seed))
        self.ids += words.tolist()
        self.positions += [(self.next_position + step,) * 3 for step in range(count)]
        self.next_position += count
        return self

    def show(self, grid: Grid, pad: int, seconds_per_pair: float = 1.0) -> "Window":
        pairs, rows, columns = grid[0], grid[1] // 2, grid[2] // 2
        start = self.next_position
        block = [
            (start + 2 * seconds_per_pair * t, start + y, start + x)
            for t in range(pairs)
            for y in range(rows)
            for x in range(columns)
        ]
        self.ids += [pad] * len(block)
        self.positions += block
        self.grids.append(grid)
        self.next_position = max(map(max, block)) + 1
        return self


@dataclass
class Batch:
    ids: torch.Tensor
    positions: torch.Tensor
    patches: torch.Tensor
    grids: list[Grid]
    real: torch.Tensor

    @classmethod
    def of(cls, windows: list[Window], side: str) -> "Batch":
        length = max(len(window.ids) for window in windows)
        ids, positions = torch.zeros(len(windows), length, dtype=torch.long), torch.zeros(len(windows), length, 3)
        real = torch.zeros(len(windows), length, dtype=torch.long)
        for row, window in enumerate(windows):
            count = len(window.ids)
            where = slice(0, count) if side == "right" else slice(length - count, length)
            ids[row, where] = torch.tensor(window.ids)
            positions[row, where] = torch.tensor(window.positions)
            real[row, where] = 1
        grids = [grid for window in windows for grid in window.grids]
        count = sum(pairs * height * width for pairs, height, width in grids)
        patches = torch.randn(count, 1176, generator=torch.Generator().manual_seed(7))
        return cls(ids, positions, patches, grids, real)

    def ours(self, model: Qwen2_5VL) -> torch.Tensor:
        logits: torch.Tensor = model(self.ids, self.positions, self.patches, self.grids, self.real)
        return logits

    def reference(self, pair: Pair) -> torch.Tensor:
        logits: torch.Tensor = pair[1](
            input_ids=self.ids,
            position_ids=self.positions.permute(2, 0, 1),
            pixel_values_videos=self.patches,
            video_grid_thw=torch.tensor(self.grids),
            attention_mask=self.real,
        ).logits
        return logits


def batch_for(model: Qwen2_5VL, side: str = "right") -> Batch:
    pad = model.config.video_token_id
    long = Window().say(6, 0).show((2, 6, 10), pad, 0.25).say(9, 1).show((1, 4, 4), pad).say(5, 2)
    short = Window().say(3, 3).show((1, 10, 18), pad).say(2, 4)
    return Batch.of([long, short], side)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
def test_text_logits_equal_those_of_transformers(load_pair: Callable[[bool], Pair], tied: bool) -> None:
    """Grouped heads, the causal mask, or the tied head, without any padding mask."""
    pair = load_pair(tied)
    ids = torch.randint(0, TEXT_IDS, (2, 33), generator=torch.Generator().manual_seed(0))
    positions = torch.randint(0, 60, (2, 33, 3), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = pair[1](input_ids=ids, position_ids=positions.permute(2, 0, 1)).logits
        torch.testing.assert_close(pair[0](ids, positions), expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_multimodal_logits_equal_those_of_transformers(pair: Pair, side: str) -> None:
    """Features in the wrong place, wrong axes of positions, padding that is attended to."""
    batch = batch_for(pair[0], side)
    with torch.no_grad():
        ours, expected = batch.ours(pair[0]), batch.reference(pair)
    assert ours.isfinite().all()
    real = batch.real.bool()
    torch.testing.assert_close(ours[real], expected[real], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_gradients_equal_those_of_transformers(load_pair: Callable[[bool], Pair], tied: bool, side: str) -> None:
    """A parameter that does not learn, in the vision tower too, or learns from padding."""
    pair = load_pair(tied)
    batch = batch_for(pair[0], side)
    targets = batch.ids.roll(-1, dims=1).masked_fill(batch.real == 0, -100)
    for logits in (batch.ours(pair[0]), batch.reference(pair)):
        torch.autograd.backward(torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()))
    expected = {
        name.replace("model.visual.", "visual.").replace("model.language_model.", "model."): parameter.grad
        for name, parameter in pair[1].named_parameters()
    }
    ours = {name.removeprefix("language."): parameter.grad for name, parameter in pair[0].named_parameters()}
    assert ours.keys() == expected.keys()
    for name, gradient in ours.items():
        wanted = expected[name]
        assert gradient is not None
        assert wanted is not None
        scale = wanted.abs().max().item()
        assert scale > 0, name
        assert (gradient - wanted).abs().max().item() < GRADIENT_TOLERANCE * scale, name


def test_words_do_not_see_the_pictures_after_them(pair: Pair) -> None:
    """A mask that lets the future in, once there is padding."""
    batch = batch_for(pair[0])
    changed = Batch(batch.ids, batch.positions, batch.patches.clone(), batch.grids, batch.real)
    changed.patches[2 * 6 * 10 :] += 1  # all but the first video
    with torch.no_grad():
        before, after = batch.ours(pair[0])[0], changed.ours(pair[0])[0]
    seen_from = 6 + 2 * 3 * 5 + 9
    torch.testing.assert_close(before[:seen_from], after[:seen_from], atol=1e-5, rtol=0)
    assert (before[seen_from:] - after[seen_from:]).abs().max() > 0.1


def test_bfloat16_autocast_trains_without_complaint(load_pair: Callable[[bool], Pair]) -> None:
    """Norms of one dtype with weights of another, which warn and fall back to slow kernels."""
    model, _ = load_pair(False)
    batch = batch_for(model)
    exact = batch.ours(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = batch.ours(model)
    torch.autograd.backward(logits.float().square().mean())
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())
    real = batch.real.bool()
    # bfloat16 keeps 8 bits: through four blocks, a few percent of logits of about 3
    assert (logits[real] - exact[real]).abs().mean() < 0.1
