"""What a step promises whoever calls it: how much fits into a slot, and pictures of any sizes side by side."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from svlm_cli.core.errors import CapacityError
from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.core.types import Chunk, Picture, TokenEvent
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.prompt import flatten
from svlm_cli.engine.stream import StreamState
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.weights import load_network, load_preprocessor
from tests.engine.conftest import Parts, hear, make_chunks, small_policy

ATOL = 1e-4  # sums of float32 in another order
COUNT = 4  # tokens of a round
Size = tuple[int, int]
SMALL, WIDE, LARGE = (28, 28), (28, 84), (60, 50)  # height, width; shown as 1, 3 and 4 tokens


def roomy(tokens: int) -> StreamPolicy:
    """Forgets nothing, and has room for so many."""
    policy = small_policy(mode=Mode.FULL, temperature=0.9)
    return replace(policy, windows=replace(policy.windows, full_tokens=tokens))


def say(engine: Engine, stream: StreamState, chunk: Chunk, count: int) -> list[int]:
    """A round of so many tokens."""
    events = engine.step([Request(stream, chunk, forced_count=count)])
    return [event.token_id for event in events if isinstance(event, TokenEvent)]


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_round_may_fill_its_slot_to_the_last_token(parts: Parts, rounds: int) -> None:
    """Guards the bound of a slot, in a stream's first round and later: one token more is an error before anything has
    changed, so that the same round, one token shorter, is said as if nobody had tried.
    """
    chunks = make_chunks(rounds)
    engine = parts.engine(roomy(4096))
    with engine.open(seed=3) as stream:
        expected = [say(engine, stream, chunk, COUNT) for chunk in chunks]
        needed = len(flatten(stream.spans))
    engine = parts.engine(roomy(needed))
    with engine.open(seed=3) as stream:
        said = [say(engine, stream, chunk, COUNT) for chunk in chunks[:-1]]
        before = (stream.spans, stream.rounds, engine.cache.lengths[stream.slot])
        with pytest.raises(CapacityError, match=f"needs {needed + 1} tokens .* room for {needed}"):
            say(engine, stream, chunks[-1], COUNT + 1)
        assert (stream.spans, stream.rounds, engine.cache.lengths[stream.slot]) == before
        assert [*said, say(engine, stream, chunks[-1], COUNT)] == expected


def pictures(sizes: list[Size], seed: int) -> tuple[Picture, ...]:
    noise = np.random.default_rng(seed)
    return tuple(noise.integers(0, 256, (*size, 3), np.uint8) for size in sizes)


FRAMES: dict[str, list[list[Size]]] = {
    "one size": [[SMALL] * 2, [SMALL] * 2, [SMALL] * 2],
    "neighbours alike": [[SMALL] * 2, [SMALL] * 2, [LARGE] * 2],
    "another between two alike": [[WIDE] * 2, [SMALL] * 2, [WIDE] * 2],
    "the larger first": [[LARGE] * 2, [WIDE] * 2, [SMALL] * 2],
    "odd frames side by side": [[SMALL], [SMALL] * 3, [SMALL]],
    "a chunk that changes its size": [[SMALL, LARGE], [LARGE, SMALL, LARGE], [LARGE] * 2],
    "shown alike, of other sizes": [[(60, 50), (58, 52)], [(58, 52)], [(60, 50)]],
}


def rounds_of(frames: list[list[Size]]) -> Iterator[list[Chunk]]:
    """Rounds of three streams, which take turns in what they show."""
    for round_ in range(3):
        turned = frames[round_:] + frames[:round_]
        yield [
            Chunk(pictures(sizes, seed=10 * round_ + index), float(round_), round_ + 1.0)
            for index, sizes in enumerate(turned)
        ]


@pytest.mark.parametrize("frames", FRAMES.values(), ids=FRAMES.keys())
def test_pictures_of_any_sizes_are_seen_as_if_alone(parts: Parts, frames: list[list[Size]]) -> None:
    """Guards the one batch of all frames: features of another stream, or a pair of two streams' frames; and a chunk
    whose frames differ, which is shown in the size of its last.
    """
    policy = small_policy(fps=4)
    engine = parts.engine(policy, streams=3)
    streams = [engine.open() for _ in range(3)]
    alone = [parts.oracle(policy) for _ in range(3)]
    for chunks in rounds_of(frames):
        for heard, oracle, chunk in zip(hear(engine, streams, chunks), alone, chunks, strict=True):
            _, logits = oracle.step(chunk, tuple(heard.ids))
            torch.testing.assert_close(torch.stack(heard.logits), torch.stack(logits), atol=ATOL, rtol=0)


@pytest.mark.parametrize("fp8", [False, True])
def test_engines_share_the_weights_of_one_network(tiny_checkpoint: Path, fp8: bool) -> None:
    """Guards memory where a model is asked in several ways: a second engine copies nothing."""
    network = load_network(tiny_checkpoint, device=torch.device("cpu"), dtype=torch.float32)
    preprocessor, tokenizer = load_preprocessor(tiny_checkpoint, network.family), Tokenizer(tiny_checkpoint)
    first = Engine(network, preprocessor, tokenizer, small_policy(), fp8=fp8)
    places = [one.data_ptr() for one in network.parameters()]
    second = Engine(network, preprocessor, tokenizer, small_policy(mode=Mode.WINDOW), fused=first.fused)
    assert [one.data_ptr() for one in network.parameters()] == places
    assert (second.fp8, second.number_format) == (fp8, first.number_format)
    heard = []
    for engine in (first, second, first):
        with engine.open() as stream:
            heard.append([hear(engine, [stream], [chunk])[0].ids for chunk in make_chunks(3)])
    assert heard[0] == heard[1] == heard[2], "neither disturbs the other, and before a reset windows are streams"


@pytest.mark.parametrize("size", [(720, 1280), (1080, 1920), (576, 768), (1280, 720), (272, 640), (144, 176), (50, 90)])
def test_with_an_aspect_every_picture_has_the_grid_that_was_learned(parts: Parts, size: tuple[int, int]) -> None:
    """Guards a tower that learned 5 x 9 tokens: limits on pixels alone would make 5 x 8 of most videos."""
    policy = small_policy()
    engine = parts.engine(replace(policy, vision=replace(policy.vision, aspect=1.8, max_pixels=252 * 140)), streams=2)
    streams = [engine.open(), engine.open()]
    pictures = [np.zeros((*one, 3), np.uint8) for one in (size, (140, 252))]
    hear(engine, streams, [Chunk((picture, picture), 0.0, 1.0) for picture in pictures])
    assert [sum(span.visual_tokens for span in stream.spans) for stream in streams] == [45, 45]
