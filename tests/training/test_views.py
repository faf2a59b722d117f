"""A window that is learned as a stream against the engine that streams it: the same logits, whatever is forgotten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from svlm_cli.core.policy import MarkerRule
from svlm_cli.core.types import Chunk
from svlm_cli.networks.weights import load_family
from svlm_cli.training.collate import collate
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.layout import Layout, Round, WindowTokens
from svlm_cli.training.network import LearningNetwork
from tests.engine.conftest import Parts, hear, parts, small_policy

__all__ = ["parts"]  # a fixture

TEXTS = (" Goal for the", "", " reds", " and one more to play with", "", " wide", " of it", "", " one one")
ROUNDS = 24
TOLERANCE = 1e-4  # float32; sums in another order. Logits are of the order of 1


def _said(layout: Layout, shift: int) -> list[tuple[int, ...]]:
    return [layout.words(TEXTS[(second + shift) % len(TEXTS)]) for second in range(ROUNDS)]


def _window(layout: Layout, said: list[tuple[int, ...]], context: tuple[int, ...], fps: float) -> WindowTokens:
    grid = (max(round(fps) // 2, 1), 2, 1)
    rounds = [Round(second, second + 1, grid, words) for second, words in enumerate(said)]
    query = layout.prompt.text_ids(layout.policy.prompt.query)
    return layout.window(rounds, previous=context, query=query, fps=fps)


@pytest.mark.parametrize(
    ("vision", "text", "sink", "window"),
    [(3, 3, 6, 8), (2, 5, 6, 8), (5, 2, 3, 4), (4, 1, 6, 8), (1, 3, 0, 8), (3, 3, 6, 0), (ROUNDS, ROUNDS, 64, 64)],
)
@pytest.mark.parametrize("fps", [2.0, 8.0])
def test_each_round_sees_what_the_engine_holds(
    parts: Parts, tiny_checkpoint: Path, vision: int, text: int, sink: int, window: int, fps: float
) -> None:
    """Guards the whole point: stale keys, moved words, cut texts and moved positions as the stream has them."""
    policy = small_policy(
        vision=vision,
        text=text,
        sink=sink,
        window=window,
        tokens=24,
        fps=fps,
        rule=MarkerRule.EXACT,
        vision_tokens=24 if fps == 8 else 0,  # three rounds, of eight each
    )
    layout = Layout(tiny_checkpoint, policy, load_family(tiny_checkpoint), streamed=True)
    context = layout.prompt.text_ids("reds against blues")[: sink + max(window - 1, 0)]
    noise = np.random.default_rng(1)
    pictures = [tuple(noise.integers(0, 256, (round(fps), 56, 28, 3), np.uint8)) for _ in range(ROUNDS)]
    engine = parts.engine(policy)
    said = [_said(layout, shift) for shift in (0, 4)]
    expected = []
    for words in said:
        with engine.open(context="") as stream:
            stream.options = replace(stream.options, context=context)
            rows = []
            for second, ids in enumerate(words):
                answer = (*ids, *layout.prompt.marker, layout.prompt.turn_end)
                rows += hear(engine, [stream], [Chunk(pictures[second], second, second + 1.0)], [answer])[0].logits
            expected.append(torch.stack(rows))
    learned = _learned_logits(parts, [_window(layout, words, context, fps) for words in said], pictures)
    for ours, theirs in zip(learned, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)


def _learned_logits(
    parts: Parts, windows: list[WindowTokens], pictures: list[tuple[np.ndarray, ...]]
) -> list[torch.Tensor]:
    """Of each window: the logits from which its learned tokens are predicted, in one padded batch."""
    model, preprocessor = parts.model, parts.preprocessor
    network = LearningNetwork(model)
    patches, grids = [], []
    for _ in windows:
        for frames in pictures:
            part, grid = preprocessor.patches(frames, 56, 28, device=torch.device("cpu"), dtype=torch.float32)
            patches.append(part)
            grids.append(grid)
    batch = collate(windows, None)  # type: ignore[arg-type]
    kept: list[torch.Tensor] = []
    handle = model.language.register_forward_hook(lambda *hooked: kept.append(hooked[2]))
    with torch.inference_mode():
        network(DeviceBatch(batch.tokens, torch.cat(patches), tuple(grids), 1.0, batch.count))
        handle.remove()
        logits = model.logits(kept[0]).flatten(0, 1).index_select(0, batch.tokens.targets_at)[: batch.learned]
    return list(torch.split(logits, [int((window.roles != 0).sum()) for window in windows]))


def test_every_token_asks_once_but_the_last_end(tiny_checkpoint: Path) -> None:
    """Guards against tokens that are never read, whose answers would be zeros, and against reading any twice."""
    policy = small_policy(vision=2, text=3, tokens=24)
    layout = Layout(tiny_checkpoint, policy, load_family(tiny_checkpoint), streamed=True)
    window = _window(layout, _said(layout, 0), layout.prompt.text_ids("reds against blues"), 2.0)
    asking = np.concatenate([view.keys[-view.asking :] for view in window.views])
    assert asking.tolist() == list(range(len(window) - len(layout.prompt.tail)))


def test_without_it_windows_have_no_views(tiny_checkpoint: Path) -> None:
    """Guards plain windows: what the paper trains on."""
    layout = Layout(tiny_checkpoint, small_policy(tokens=24), load_family(tiny_checkpoint))
    assert _window(layout, _said(layout, 0), (), 2.0).views == ()
