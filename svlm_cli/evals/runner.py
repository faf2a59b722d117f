"""Plays simulated matches to an engine, in batches, and records its words and times.

Nothing else is kept: pictures are drawn for the round that sees them, and streams hold what their policy allows. Does
not know what the words mean.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

import numpy as np

from svlm_cli.core.errors import CapacityError
from svlm_cli.core.types import Chunk, Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.stream import StreamState
from svlm_cli.evals.predictions import by_second
from svlm_cli.evals.scores import fifth_bounds
from svlm_cli.evals.world import MatchPlayer, Player, World

Listener = Callable[[int, Segment], None]
"""Called with a match's index and its newest round."""

Progress = Callable[[int, float], None]
"""Called with the number of rounds done, and the duration of the newest, in seconds."""


@dataclass(frozen=True, slots=True)
class MatchSelection:
    """Which matches to play: those with seeds from `seed` on. A footage counts as a match."""

    matches: int
    seconds: int
    seed: int
    player: Player = field(default_factory=MatchPlayer)

    @property
    def seeds(self) -> range:
        """One seed per match."""
        return range(self.seed, self.seed + self.matches)


@dataclass(frozen=True, slots=True)
class Ended:
    """A match that the engine had to give up; it is silent from then on."""

    seed: int
    at_s: float
    why: str


@dataclass(frozen=True, slots=True)
class RoundTimings:
    """The time of a round of a whole batch, without its pictures. None if there was none."""

    rounds: int  # over all batches
    round_s_median: float | None
    round_s_p99: float | None
    round_s_by_fifth: tuple[float | None, ...]  # medians
    round_s_by_minute: tuple[float | None, ...]
    tokens_per_round: float | None  # per match, on average
    wait_s_median: float | None  # for the pictures of a round


@dataclass(frozen=True, slots=True)
class Played:
    """The result of a run."""

    said: tuple[tuple[Segment, ...], ...]  # the rounds of each match
    ended: tuple[Ended, ...]
    timing: RoundTimings

    def texts(self, seconds: int) -> list[tuple[str, ...]]:
        """The words in each of `seconds` seconds, one tuple per match."""
        return [by_second(((segment.end_s, segment.text) for segment in said), seconds) for said in self.said]


def describe(model: str, engine: Engine, setting: MatchSelection) -> dict[str, Any]:
    """The description of a run for reports."""
    return {
        "model": model,
        "mode": engine.policy.mode.value,
        "matches": setting.matches,
        "minutes": setting.seconds / 60,
        "seed": setting.seed,
        "fps": engine.policy.vision.fps,
        "device": str(engine.device),
        "dtype": engine.number_format,
    }


def play(
    engine: Engine,
    setting: MatchSelection,
    *,
    listen: Listener = lambda match, segment: None,
    progress: Progress = lambda rounds, round_s: None,
) -> Played:
    """Play all matches: as many at a time as the engine has streams, one round of each per step."""
    rounds = round(setting.seconds / engine.policy.chunk_seconds)
    size, seeds = engine.max_streams, setting.seeds
    batches = []
    for index, first in enumerate(range(0, setting.matches, size)):

        def advance(done: int, round_s: float, before: int = index * rounds) -> None:
            progress(before + done, round_s)

        def hear(match: int, segment: Segment, before: int = first) -> None:
            listen(before + match, segment)

        batches.append(_play_batch(engine, seeds[first : first + size], rounds, setting.player, hear, advance))
    said = tuple(match for batch in batches for match in batch.said)
    timing = _timing(rounds, max(round(60 / engine.policy.chunk_seconds), 1), batches)
    return Played(said, tuple(one for batch in batches for one in batch.ended), timing)


@dataclass(frozen=True, slots=True)
class _Batch:
    """The result of one batch of matches."""

    said: tuple[tuple[Segment, ...], ...]
    ended: tuple[Ended, ...]
    round_s: tuple[float, ...]
    wait_s: tuple[float, ...]


def _play_batch(
    engine: Engine, seeds: range, rounds: int, player: Player, listen: Listener, progress: Progress
) -> _Batch:
    said: list[list[Segment]] = [[] for _ in seeds]
    ended: dict[int, Ended] = {}
    round_s: list[float] = []
    wait_s: list[float] = []
    with ExitStack() as stack:
        streams = {
            match: stack.enter_context(engine.open(context=player.context(seed), seed=seed))
            for match, seed in enumerate(seeds)
        }
        world = iter(stack.enter_context(World(player, seeds, engine.policy)))
        for round_ in range(rounds):
            waiting = time.perf_counter()
            chunks = next(world)
            started = time.perf_counter()
            for match, event in _step(engine, streams, chunks):
                if isinstance(event, Segment):
                    said[match].append(event)
                    listen(match, event)
                else:
                    ended[match] = Ended(seeds[match], chunks[match].start_s, event.message)
                    streams.pop(match).close()
            if not streams:
                break
            wait_s.append(started - waiting)
            round_s.append(time.perf_counter() - started)
            progress(round_ + 1, round_s[-1])
    return _Batch(tuple(map(tuple, said)), tuple(ended.values()), tuple(round_s), tuple(wait_s))


def _step(
    engine: Engine, streams: Mapping[int, StreamState], chunks: Sequence[Chunk]
) -> Iterator[tuple[int, Segment | CapacityError]]:
    """One round of all matches: the words of each, or the error of a stream without room."""
    waiting = {stream.slot: match for match, stream in streams.items()}
    while waiting:
        requests = [Request(streams[match], chunks[match]) for match in waiting.values()]
        try:
            for event in engine.step(requests):
                if isinstance(event, Segment):
                    yield waiting[event.stream], event
            return
        except CapacityError as error:
            full = error
        yield waiting.pop(full.stream), full


def _timing(rounds: int, minute: int, batches: Sequence[_Batch]) -> RoundTimings:
    fifths = itertools.pairwise(fifth_bounds(rounds))
    counts = [len(segment.token_ids) for batch in batches for match in batch.said for segment in match]

    def between(start: int, stop: int) -> float | None:
        return _median([one for batch in batches for one in batch.round_s[start:stop]])

    round_s = [one for batch in batches for one in batch.round_s]
    return RoundTimings(
        rounds=len(round_s),
        round_s_median=_median(round_s),
        round_s_p99=float(np.quantile(round_s, 0.99)) if round_s else None,
        round_s_by_fifth=tuple(between(start, stop) for start, stop in fifths),
        round_s_by_minute=tuple(between(start, start + minute) for start in range(0, rounds, minute)),
        tokens_per_round=fmean(counts) if counts else None,
        wait_s_median=_median([one for batch in batches for one in batch.wait_s]),
    )


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None
