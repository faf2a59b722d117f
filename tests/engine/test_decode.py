"""Rounds whose steps run ahead, in rows that nobody needs, against rounds token by token."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from svlm_cli.core.types import TokenEvent
from svlm_cli.engine.decode import DecodeRunner
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from tests.engine.conftest import Parts, hear, make_chunks, small_policy

ROUNDS, STREAMS = 12, 3


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: steps begin before the last tokens are known, and have more rows than there are streams."""
    monkeypatch.setattr(DecodeRunner, "ahead", 1)
    monkeypatch.setattr(DecodeRunner, "width", lambda self, count: 1 if count == 1 else 4)


def rounds(engine: Engine, *, forced: bool = False) -> Iterator[list[tuple[list[int], int, int]]]:
    """What each stream says in each round, and how many tokens and keys it has then."""
    chunks = [make_chunks(ROUNDS, seed=seed) for seed in range(STREAMS)]
    streams = [engine.open(seed=seed) for seed in range(STREAMS)]
    for index, together in enumerate(zip(*chunks, strict=True)):
        words = [(7,) * (1 + (index + one) % 5) for one in range(STREAMS)] if forced else None
        heard = hear(engine, streams, together, words)
        yield [
            (one.ids, len(stream.positions), engine.cache.lengths[stream.slot])
            for one, stream in zip(heard, streams, strict=True)
        ]


@pytest.mark.parametrize("temperature", [0.0, 0.9])
@pytest.mark.parametrize("forced", [False, True])
def test_running_ahead_changes_nothing(
    parts: Parts, temperature: float, forced: bool, request: pytest.FixtureRequest
) -> None:
    """Guards streams that end at different tokens: their rows, keys and random numbers must not become others'."""
    policy = small_policy(temperature=temperature)
    slow = list(rounds(parts.engine(policy, STREAMS + 1), forced=forced))
    request.getfixturevalue("hasty")
    fast = list(rounds(parts.engine(policy, STREAMS + 1), forced=forced))
    assert fast == slow
    if forced or temperature:
        assert len({len(ids) for one in slow for ids, _, _ in one}) > 1, "some end before others"


@pytest.mark.usefixtures("hasty")
def test_a_full_slot_is_not_run_over(parts: Parts) -> None:
    """Guards the next stream's first keys against a stream that has ended and still has a row."""
    policy = small_policy()
    engine = parts.engine(policy, STREAMS + 1)
    chunks = make_chunks(2)
    first, second = engine.open(), engine.open()
    hear(engine, [first, second], [chunks[0]] * 2)
    kept = engine.cache.keys[:, second.slot, : engine.cache.lengths[second.slot]].clone()
    engine.cache.lengths[first.slot], length = engine.cache.capacity, engine.cache.lengths[first.slot]
    engine._decoder._rows.slots.fill_(first.slot)
    engine._decoder._rows.lengths.fill_(engine.cache.capacity + 5)
    with torch.inference_mode():
        engine._decoder.advance(4)
    engine.cache.lengths[first.slot] = length
    assert (engine.cache.keys[:, second.slot, : kept.shape[1]] == kept).all()


def test_endless_rounds_have_no_end(parts: Parts) -> None:
    """Guards benches: so many tokens as were asked for, the end's own among none of them, and others speak freely."""
    engine = parts.engine(small_policy(tokens=6), 2)
    one, other = engine.open(seed=1), engine.open(seed=2)
    ends = set(parts.tokenizer.end_ids)
    for chunk in make_chunks(8):
        events = list(engine.step([Request(one, chunk, forced_count=6), Request(other, chunk)]))
        said = [event.token_id for event in events if isinstance(event, TokenEvent) and event.stream == one.slot]
        assert len(said) == 6
        assert not ends & set(said)


def test_a_stream_in_eight_bits(tiny_checkpoint: Path) -> None:
    """Guards the whole way from `--dtype fp8` to words: first tokens by one form of the head, others by the other."""
    fp8 = Engine.load(tiny_checkpoint, small_policy(), device=torch.device("cpu"), dtype=torch.float8_e4m3fn)
    assert (fp8.number_format, fp8.dtype) == ("fp8", torch.float32)
    wide = Engine.load(tiny_checkpoint, small_policy(), device=torch.device("cpu"), dtype=torch.float32)
    with fp8.open() as one, wide.open() as other:
        for chunk in make_chunks(6):
            (expected,) = hear(wide, [other], [chunk])
            (heard,) = hear(fp8, [one], [chunk], [tuple(expected.ids)])
            reference, found = torch.stack(expected.logits), torch.stack(heard.logits)
            assert 0 < (found - reference).norm() / reference.norm() < 0.15
