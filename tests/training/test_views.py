"""A window that is learned as a stream against the engine that streams it: the same logits, whatever is forgotten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from svlm_cli.core.errors import InputError
from svlm_cli.core.policy import MarkerRule, Mode
from svlm_cli.core.types import Chunk
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import Questions
from svlm_cli.engine.plan import Request
from svlm_cli.engine.stream import StreamState
from svlm_cli.networks.weights import load_family
from svlm_cli.training.collate import collate
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.layout import Aside, AskedClip, Layout, Role, Round, WindowTokens
from svlm_cli.training.network import LearningNetwork
from tests.engine.conftest import Parts, hear, parts, small_policy
from tests.training.seen import views_of

__all__ = ["parts"]  # a fixture

TEXTS = (" Goal for the", "", " reds", " and one more to play with", "", " wide", " of it", "", " one one")
ROUNDS = 24
ASKED = (
    (0, "Who has it?", "A"),
    (7, "How many goals?", "12"),
    (7, "Is it over? Look at all of it, and at its end above all.", "no"),
    (23, "Who won?", "B"),
)  # after which second, what, and the answer
TOLERANCE = 1e-4  # float32; sums in another order. Logits are of the order of 1


def _said(layout: Layout, shift: int) -> list[tuple[int, ...]]:
    return [layout.words(TEXTS[(second + shift) % len(TEXTS)]) for second in range(ROUNDS)]


def _window(
    layout: Layout,
    said: list[tuple[int, ...]],
    context: tuple[int, ...],
    fps: float,
    asides: tuple[Aside, ...] = (),
) -> WindowTokens:
    grid = (max(round(fps) // 2, 1), 2, 1)
    rounds = [Round(second, second + 1, grid, words) for second, words in enumerate(said)]
    query = layout.prompt.text_ids(layout.policy.prompt.query)
    return layout.window(rounds, previous=context, query=query, fps=fps, asides=asides)


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
    engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, policy, questions=Questions(1, 8))
    said = [_said(layout, shift) for shift in (0, 4)]
    expected = []
    for words in said:
        with engine.open(context="") as stream:
            stream.options = replace(stream.options, context=context)
            rows, asked = list[torch.Tensor](), list[torch.Tensor]()
            for second, ids in enumerate(words):
                answer = (*ids, *layout.prompt.marker, layout.prompt.turn_end)
                rows += hear(engine, [stream], [Chunk(pictures[second], second, second + 1.0)], [answer])[0].logits
                asked += [row for at, *question in ASKED if at == second for row in _asked(engine, stream, *question)]
            expected.append(torch.stack([*rows, *asked]))
    asides = tuple(
        Aside(second, layout.prompt.text_ids(query), layout.prompt.text_ids(answer)) for second, query, answer in ASKED
    )
    windows = [_window(layout, words, context, fps, asides) for words in said]
    learned = _learned_logits(parts, windows, pictures)
    for ours, theirs in zip(learned, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)


def test_a_plain_window_is_asked_as_the_engine_in_mode_full(parts: Parts, tiny_checkpoint: Path) -> None:
    """Guards questions of annotated videos: each sees all before it and nothing of another, and the words see none of
    them; beside a window without questions, which is learned as ever.
    """
    policy = small_policy(mode=Mode.FULL, tokens=24, rule=MarkerRule.EXACT)
    layout = Layout(tiny_checkpoint, policy, load_family(tiny_checkpoint))
    context = layout.prompt.text_ids("reds against blues")
    noise = np.random.default_rng(1)
    pictures = [tuple(noise.integers(0, 256, (2, 56, 28, 3), np.uint8)) for _ in range(ROUNDS)]
    engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, policy, questions=Questions(1, 8))
    said = [_said(layout, shift) for shift in (0, 4)]
    expected = []
    for words, questions in zip(said, (ASKED, ()), strict=True):
        with engine.open(context="") as stream:
            stream.options = replace(stream.options, context=context)
            rows, asked = list[torch.Tensor](), list[torch.Tensor]()
            for second, ids in enumerate(words):
                answer = (*ids, *layout.prompt.marker, layout.prompt.turn_end)
                rows += hear(engine, [stream], [Chunk(pictures[second], second, second + 1.0)], [answer])[0].logits
                asked += [row for at, *put in questions if at == second for row in _asked(engine, stream, *put)]
            expected.append(torch.stack([*rows, *asked]))
    asides = tuple(
        Aside(second, layout.prompt.text_ids(query), layout.prompt.text_ids(answer)) for second, query, answer in ASKED
    )
    windows = [_window(layout, words, context, 2.0, own) for words, own in zip(said, (asides, ()), strict=True)]
    assert windows[1].views is None
    learned = _learned_logits(parts, windows, pictures)
    for ours, theirs in zip(learned, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)


def _asked(engine: Engine, stream: StreamState, query: str, answer: str) -> list[torch.Tensor]:
    """The logits from which a fork says an answer and its end."""
    rows: list[torch.Tensor] = []
    said = (*engine.tokenizer.encode(answer), engine.prompt.turn_end)
    with engine.fork(stream) as fork:
        list(engine.step([Request(fork, None, query, forced_ids=said)], observe=lambda _, row: rows.append(row)))
    return rows


@pytest.mark.parametrize("frames", [2, 6])
def test_a_clip_is_what_the_engine_reads(parts: Parts, tiny_checkpoint: Path, frames: int) -> None:
    """Guards questions about clips: their positions, their layout, and that none of them knows another."""
    policy = small_policy(tokens=24, rule=MarkerRule.EXACT)
    layout = Layout(tiny_checkpoint, policy, load_family(tiny_checkpoint), streamed=True)
    noise = np.random.default_rng(1)
    shown = [tuple(noise.integers(0, 256, (frames, 56, 28, 3), np.uint8)) for _ in range(2)]
    spans_s = ((0.0, 31.3), (4.0, 4.0 + frames / 2))
    reading = replace(policy.of_clips(), windows=replace(policy.windows, full_tokens=256))
    engine = parts.engine(replace(reading, chunk_seconds=frames / 2))
    expected: list[torch.Tensor] = []
    for pictures, (start_s, end_s) in zip(shown, spans_s, strict=True):
        for _, query, answer in ASKED:
            said = (*engine.tokenizer.encode(answer), engine.prompt.turn_end)
            with engine.open() as stream:
                request = Request(stream, Chunk(pictures, start_s, end_s), query, forced_ids=said)
                list(engine.step([request], observe=lambda _, row: expected.append(row)))
    asked = tuple((layout.prompt.text_ids(query), layout.prompt.text_ids(answer)) for _, query, answer in ASKED)
    window = layout.clips([AskedClip(*span_s, frames, (frames // 2, 2, 1), asked) for span_s in spans_s])
    (learned,) = _learned_logits(parts, [window], shown)
    torch.testing.assert_close(learned, torch.stack(expected), atol=TOLERANCE, rtol=0)


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
        logits = model.logits(kept[0]).index_select(0, batch.tokens.targets_at)[: batch.learned]
    return list(torch.split(logits, [int((window.roles != 0).sum()) for window in windows]))


def test_every_token_asks_once_but_the_last_end(tiny_checkpoint: Path) -> None:
    """Guards against tokens that are never read, whose answers would be zeros, and against reading any twice."""
    policy = small_policy(vision=2, text=3, tokens=24)
    layout = Layout(tiny_checkpoint, policy, load_family(tiny_checkpoint), streamed=True)
    window = _window(layout, _said(layout, 0), layout.prompt.text_ids("reds against blues"), 2.0)
    asking = np.concatenate([view.keys[-view.asking :] for view in views_of(window)])
    assert asking.tolist() == list(range(len(window) - len(layout.prompt.tail)))
    asides = (Aside(20, (5, 6), (7,)), Aside(3, (8,), (9, 10)))
    other = _window(layout, _said(layout, 0), layout.prompt.text_ids("reds against blues"), 2.0, asides)
    asking = np.concatenate([view.keys[-view.asking :] for view in views_of(other)])
    unread = range(len(window) - len(layout.prompt.tail), len(window))
    assert sorted(asking.tolist()) == [at for at in range(len(other)) if at not in unread]
    assert other.ids[: len(window)].tolist() == window.ids.tolist()
    assert other.ids[other.roles == Role.ANSWER].tolist() == [9, 10, 7], "in the order of time"


def test_a_question_too_long_is_refused(tiny_checkpoint: Path) -> None:
    """Guards against questions that no stream could be asked."""
    layout = Layout(tiny_checkpoint, small_policy(tokens=24), load_family(tiny_checkpoint), streamed=True)
    with pytest.raises(InputError, match=r"A question has 300 tokens, but the policy allows"):
        _window(layout, _said(layout, 0), (), 2.0, (Aside(1, (5,) * 300, (6,)),))


def test_without_it_windows_have_no_views(tiny_checkpoint: Path) -> None:
    """Guards plain windows: what the paper trains on."""
    layout = Layout(tiny_checkpoint, small_policy(tokens=24), load_family(tiny_checkpoint))
    assert _window(layout, _said(layout, 0), (), 2.0).views is None
