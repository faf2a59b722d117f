"""When windows are full: what is computed is what an engine then holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from svlm_cli.bench.windows import (
    filled_rounds,
    filling,
    previous_room,
    rounds_to_fill,
    rounds_until_full,
)
from svlm_cli.core.policy import MarkerRule, Mode, StreamPolicy, WindowPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.prompt import Part, Span
from tests.engine.conftest import make_chunks, small_policy

TOKENS = 6


def loaded(folder: Path, policy: StreamPolicy) -> Engine:
    return Engine.load(folder, policy, device=torch.device("cpu"), dtype=torch.float32)


def held(engine: Engine, rounds: int, context: str = "") -> Iterator[dict[Part, int]]:
    """What a stream holds after each round, by parts; times, whose digits grow, are left out."""
    chunk = make_chunks(1)[0]
    with engine.open(context=context) as stream:
        for _ in range(rounds):
            for _ in engine.step([Request(stream, chunk, forced_count=TOKENS)]):
                pass
            yield _counts(stream.spans)


def _counts(spans: tuple[Span, ...]) -> dict[Part, int]:
    counts = dict.fromkeys(set(Part) - {Part.TIME, Part.QUERY}, 0)
    for span in spans:
        if span.part in counts:
            counts[span.part] += len(span)
    return counts


@pytest.mark.parametrize(
    ("vision", "text", "sink", "window"), [(3, 3, 6, 8), (7, 3, 6, 8), (2, 4, 30, 11), (3, 2, 0, 20), (3, 2, 9, 0)]
)
def test_every_window_is_full_from_then_on_and_not_before(
    tiny_checkpoint: Path, vision: int, text: int, sink: int, window: int
) -> None:
    """Guards a warm-up that ends while the previous text still grows: rounds would get slower while they are timed."""
    policy = small_policy(vision=vision, text=text, sink=sink, window=window, tokens=TOKENS, rule=MarkerRule.POSITIONAL)
    engine = loaded(tiny_checkpoint, policy)
    first = rounds_to_fill(engine, TOKENS)
    rounds = list(held(engine, first + 4))
    assert all(one == rounds[first] for one in rounds[first:])
    assert rounds[first][Part.PREVIOUS] == previous_room(policy.windows)
    assert first == max(vision, text) or rounds[first - 1][Part.PREVIOUS] < previous_room(policy.windows)


def test_a_filled_stream_holds_what_a_long_one_does(tiny_checkpoint: Path) -> None:
    """Guards the short way: after it, a stream must have the shape that it has for ever."""
    engine = loaded(tiny_checkpoint, small_policy(sink=20, window=30, tokens=TOKENS))
    short, long = filled_rounds(engine.policy), rounds_to_fill(engine, TOKENS)
    (*_, filled) = held(engine, short + 1, filling(engine.policy))
    (*_, grown) = held(engine, long + 1)
    assert filled == grown
    assert short < long


def test_the_published_windows_take_more_than_a_minute() -> None:
    """512 + 511 tokens, 19 of each 20 move, the first of them with round 16."""
    assert rounds_until_full(StreamPolicy(), 19) == 15 + 54
    assert rounds_until_full(StreamPolicy(), 4) == 15 + 256
    assert rounds_until_full(StreamPolicy(), 19, previous=1023) == 16
    assert rounds_until_full(StreamPolicy(), 0) == 16
    assert previous_room(WindowPolicy(sink_tokens=512, window_tokens=0)) == 512


@pytest.mark.parametrize("mode", [Mode.FULL, Mode.WINDOW])
def test_what_forgets_nothing_is_not_filled(mode: Mode) -> None:
    """Guards mode `full`, which would keep all of the filling and end sooner."""
    assert filling(small_policy(mode=mode)) == ""
