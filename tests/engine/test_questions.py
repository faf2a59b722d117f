"""Forks: what is asked about what is in mind, and the trace that it must not leave."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from svlm_cli.core.errors import CapacityError, UsageError
from svlm_cli.core.policy import Mode, SamplingPolicy, StreamPolicy
from svlm_cli.core.types import Segment, TokenEvent
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import Questions
from svlm_cli.engine.plan import Request
from svlm_cli.engine.prompt import flatten
from svlm_cli.engine.stream import StreamState
from tests.engine.conftest import Parts, hear, make_chunks, small_policy

ROUNDS = 13  # four questions, and the tenth round, before which mode `window` forgets all
QUESTIONS = Questions(forks=2, answer_tokens=9)
ATOL = 1e-4  # sums of float32 in another order


def _engine(parts: Parts, policy: StreamPolicy, streams: int = 1) -> Engine:
    return Engine(parts.model, parts.preprocessor, parts.tokenizer, policy, max_streams=streams, questions=QUESTIONS)


def _ask(
    engine: Engine, stream: StreamState, query: str = "Who has the ball?", **changes: object
) -> tuple[list[int], list[Tensor], Segment]:
    logits: list[Tensor] = []
    request = replace(Request(stream, None, query=query), **changes)  # type: ignore[arg-type]
    events = list(engine.step([request], observe=lambda _, row: logits.append(row)))
    assert isinstance(events[-1], Segment)
    return [event.token_id for event in events if isinstance(event, TokenEvent)], logits, events[-1]


def _memory(engine: Engine, stream: StreamState) -> tuple[Tensor, ...]:
    length = engine.cache.lengths[stream.slot]
    pools = (engine.cache.keys, engine.cache.rotated_keys, engine.cache.values)
    return tuple(pool[:, stream.slot, :length].clone() for pool in pools)


def _rounds(engine: Engine, *, asking: bool) -> Iterator[tuple[object, ...]]:
    """What a stream says, holds and remembers round by round, asked in between or not."""
    with engine.open(context="reds against blues", seed=3) as stream:
        for index, chunk in enumerate(make_chunks(ROUNDS)):
            (heard,) = hear(engine, [stream], [chunk])
            if asking and index % 3 == 2:
                with engine.fork(stream) as fork:
                    _ask(engine, fork)
                    _ask(engine, fork, "And now?", sampling=SamplingPolicy(temperature=2.0, max_new_tokens=9))
            state = (stream.spans, stream.rounds, tuple(stream.own_words), stream.random.bit_generator.state["state"])
            held = [part.numpy().tobytes() for part in _memory(engine, stream)]
            yield heard.ids, [row.numpy().tobytes() for row in heard.logits], state, held, stream.positions.tobytes()


@pytest.mark.parametrize("temperature", [0.0, 0.9])
@pytest.mark.parametrize("mode", Mode)
def test_a_question_leaves_no_trace(parts: Parts, mode: Mode, temperature: float) -> None:
    """Guards a stream that is asked: words, logits, keys, positions and random numbers, all to the bit."""
    policy = small_policy(mode=mode, temperature=temperature)
    quiet = list(_rounds(_engine(parts, policy), asking=False))
    asked = list(_rounds(_engine(parts, policy), asking=True))
    for round_, (one, other) in enumerate(zip(quiet, asked, strict=True)):
        assert one == other, f"round {round_}"


@pytest.mark.parametrize("mode", Mode)
def test_a_question_is_one_more_turn_about_all_that_is_in_mind(parts: Parts, mode: Mode) -> None:
    """Guards the answer: its context is everything that the stream holds, nothing evicted, and then the question; the
    same stream fed with it as plain text, through the network's own pass where nothing was evicted yet.
    """
    engine = _engine(parts, small_policy(mode=mode, vision=9, text=9, sink=200, window=200))
    with engine.open() as stream:
        for chunk in make_chunks(5):
            hear(engine, [stream], [chunk])
        before = flatten(stream.spans)
        with engine.fork(stream) as fork:
            said, logits, segment = _ask(engine, fork)
            held = flatten(fork.spans)
            encode = parts.tokenizer.encode
            start = parts.tokenizer.special("<|im_start|>")
            tail = [parts.tokenizer.special("<|im_end|>"), *encode("\n")]
            turn = [start, *encode("user\n"), *encode("Who has the ball?"), *tail, start, *encode("assistant\n")]
            assert held[: len(before) + len(turn)] == before + turn
            assert (segment.start_s, segment.end_s) == (chunk.end_s, chunk.end_s)
            features = list(_features(engine, parts))
            whole = _plain(parts, engine, held, torch.tensor(fork.positions, dtype=torch.float32), features)
        first = len(before) + len(turn)
        expected = whole[first - 1 : first - 1 + len(said)]
        torch.testing.assert_close(torch.stack(logits), expected, atol=ATOL, rtol=0)


def _features(engine: Engine, parts: Parts) -> Iterator[Tensor]:
    bounds, windows = engine.policy.vision, engine.policy.windows
    held = windows.recent_rounds if engine.policy.mode is Mode.RECENT else 5
    for chunk in make_chunks(5)[-held:]:
        height, width = chunk.frames[-1].shape[:2]
        size = parts.preprocessor.target_size(height, width, min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels)
        patches, grid = parts.preprocessor.patches(chunk.frames, *size, device=torch.device("cpu"), dtype=torch.float32)
        yield parts.model.look(patches, [grid])[0]


@torch.no_grad()
def _plain(parts: Parts, engine: Engine, ids: list[int], where: Tensor, features: list[Tensor]) -> Tensor:
    from svlm_cli.networks.attend import WholeSequence

    hidden = parts.model.embed(torch.tensor([ids]), torch.cat(features))
    attend = WholeSequence(*parts.model.rotary.angles(where[None]), None)
    return parts.model.logits(parts.model.decode(hidden, attend))[0]


def test_a_fork_goes_on_as_its_stream_would(parts: Parts) -> None:
    """Guards all that a fork remembers: shown the same chunks, it says what its stream says."""
    for mode in Mode:
        engine = _engine(parts, small_policy(mode=mode, temperature=0.9))
        chunks = make_chunks(ROUNDS)
        with engine.open(seed=5) as stream:
            for chunk in chunks[:8]:
                hear(engine, [stream], [chunk])
            with engine.fork(stream) as fork:
                for chunk in chunks[8:]:
                    assert hear(engine, [fork], [chunk])[0].ids == hear(engine, [stream], [chunk])[0].ids


def test_questions_and_rounds_share_a_step(parts: Parts) -> None:
    """Guards rows of one batch that are drawn by different rules: each answers as it would alone."""
    policy = small_policy(temperature=0.9)
    chunks = make_chunks(6)
    greedy = SamplingPolicy(temperature=0.0, max_new_tokens=9, repetition_penalty=1.3)
    suppressed = SamplingPolicy(temperature=0.7, max_new_tokens=7, suppress_tokens=(" ...",))

    def said(together: bool) -> dict[int, list[int]]:
        engine = _engine(parts, policy)
        with engine.open(seed=1) as stream:
            for chunk in chunks[:5]:
                hear(engine, [stream], [chunk])
            with engine.fork(stream) as one, engine.fork(stream) as other:
                requests = [
                    Request(stream, chunks[5]),
                    Request(one, None, query="Who scored?", sampling=greedy),
                    Request(other, None, query="When?", sampling=suppressed, max_tokens=5),
                ]
                steps = [requests] if together else [[request] for request in requests]
                events = [event for step in steps for event in engine.step(step)]
        found: dict[int, list[int]] = {}
        for event in events:
            if isinstance(event, TokenEvent):
                found.setdefault(event.stream, []).append(event.token_id)
        return found

    assert said(together=True) == said(together=False)
    assert len(said(together=True)[2]) <= 5


def test_a_chunk_may_carry_a_question_of_its_own(parts: Parts) -> None:
    """Guards `Request.query` beside a chunk: it stands in that round alone."""
    engine = _engine(parts, small_policy())
    chunks = make_chunks(3)
    with engine.open(query="") as stream:
        hear(engine, [stream], [chunks[0]])
        list(engine.step([Request(stream, chunks[1], query="Who has the ball?")]))
        hear(engine, [stream], [chunks[2]])
        asked = parts.tokenizer.encode("Who has the ball?")
        ids = flatten(stream.spans)
        places = [at for at in range(len(ids)) if ids[at : at + len(asked)] == asked]
        assert len(places) == 1


def test_an_answer_may_be_longer_than_a_round(parts: Parts) -> None:
    """Guards room for answers, on the device and in the slot, after rounds that fill it."""
    engine = _engine(parts, small_policy(tokens=6))
    with engine.open() as stream:
        for chunk in make_chunks(ROUNDS):
            list(engine.step([Request(stream, chunk, forced_count=6)]))
        with engine.fork(stream) as fork:
            long = "x " * 60
            query = long[: _longest(parts, long, 32)]
            events = list(engine.step([Request(fork, None, query=query, forced_count=9)]))
            assert sum(isinstance(event, TokenEvent) for event in events) == 9


def test_a_limit_of_its_own_is_drawn_like_any_other(parts: Parts) -> None:
    """Guards tokens beyond the sampling's own limit: each needs a random number."""
    engine = _engine(parts, small_policy(tokens=4))
    with engine.open() as stream:
        hear(engine, [stream], make_chunks(1))
        said = []
        for most in (9, 4):
            with engine.fork(stream) as fork:
                sampling = SamplingPolicy(temperature=3.0, max_new_tokens=most)
                said.append(_ask(engine, fork, sampling=sampling, max_tokens=9)[0])
    assert said[0] == said[1]
    assert len(said[0]) > 4


def _longest(parts: Parts, text: str, tokens: int) -> int:
    return max(size for size in range(1, len(text)) if len(parts.tokenizer.encode(text[:size].strip())) <= tokens)


def test_what_cannot_be_asked_is_said_and_changes_nothing(parts: Parts) -> None:
    engine = _engine(parts, small_policy(), streams=2)
    stream = engine.open()
    with pytest.raises(UsageError, match="has not seen a chunk yet"), engine.fork(stream) as fork:
        _ask(engine, fork)
    hear(engine, [stream], make_chunks(1))
    before = (stream.spans, stream.rounds, engine.cache.lengths[stream.slot])
    with pytest.raises(UsageError, match="Only a fork of a stream can be asked without a chunk"):
        _ask(engine, stream)
    with engine.fork(stream) as fork:
        for query, message in (("", "needs a query"), ("word " * 200, "room for 32")):
            with pytest.raises(UsageError, match=message):
                _ask(engine, fork, query)
        with pytest.raises(UsageError, match="1 to 9 tokens, not 10"):
            _ask(engine, fork, max_tokens=10)
        with engine.fork(stream), pytest.raises(UsageError, match="All 2 forks"):
            engine.fork(stream)
    engine.fork(stream).close()
    assert (stream.spans, stream.rounds, engine.cache.lengths[stream.slot]) == before


def _ask_for_ever(engine: Engine, fork: StreamState) -> None:
    for _ in range(1000):
        _ask(engine, fork)


def test_many_questions_fill_a_fork_and_no_more(parts: Parts) -> None:
    """Guards the slot of a fork that is asked again and again: an error, and the stream goes on."""
    engine = _engine(parts, small_policy())
    chunks = make_chunks(4)
    with engine.open() as stream:
        for chunk in chunks[:3]:
            hear(engine, [stream], [chunk])
        with engine.fork(stream) as fork:
            room = engine.cache.capacity - engine.cache.lengths[fork.slot]
            with pytest.raises(CapacityError):
                _ask_for_ever(engine, fork)
            assert room // 60 < fork.rounds - 3 < room // 10
        hear(engine, [stream], chunks[3:])


def test_questions_are_counted(tiny_checkpoint: Path) -> None:
    """Guards whoever decides by it what fits: slots of forks, and room for a question in every slot."""
    cpu, policy = torch.device("cpu"), small_policy()
    said = Engine.footprint(
        tiny_checkpoint, policy, device=cpu, dtype=torch.float32, max_streams=2, questions=QUESTIONS
    )
    engine = Engine.load(tiny_checkpoint, policy, device=cpu, dtype=torch.float32, max_streams=2, questions=QUESTIONS)
    pools = (engine.cache.keys, engine.cache.rotated_keys, engine.cache.values)
    seen = engine._sampler._seen
    assert seen is not None
    assert said.cache == sum(pool.nbytes for pool in pools) + seen.nbytes
    assert len(engine.cache.lengths) == 4
    assert said == engine.estimate()
