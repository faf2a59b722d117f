"""A simulated world as models see it: the pictures of many matches, or much footage, round by round.

Worker processes render in parallel, each at most one round ahead, so that the engine need not wait. Knows no engine and
no word.
"""

import itertools
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.core.workers import leave_signals_to_parent
from svlm_cli.evals.alterations import Altered, alter
from svlm_cli.simulator.match.match import HEIGHT, WIDTH, Match, Scenes, Split
from svlm_cli.simulator.match.render import render

SPLIT: Final = Split.EVAL  # names that do not occur in training
KEPT_S: Final = 60.0  # how much of the past is kept

Rounds = Iterator[NDArray[np.uint8]]
"""``[matches, F, H, W, 3]`` per round, endless."""


class Player(Protocol):
    """Renders what has a seed: a match, or a footage. Small, because it is sent to processes."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its pictures."""
        ...

    def context(self, seed: int) -> str:
        """The context for what is said about it."""
        ...

    def rounds(self, seeds: Sequence[int], seconds: float, moments: NDArray[np.float64]) -> Rounds:
        """The pictures of rounds of `seconds`, at `moments` within each."""
        ...


@dataclass(frozen=True, slots=True)
class MatchPlayer:
    """Renders Endless Match, with names that do not occur in training."""

    altered: Altered | None = None  # alteration of the pictures

    @property
    def size(self) -> tuple[int, int]:
        """See `Player`."""
        height, width = alter(np.zeros((1, HEIGHT, WIDTH, 3), np.uint8), self.altered).shape[1:3]
        return height, width

    def context(self, seed: int) -> str:
        """See `Player`."""
        return Match(seed, SPLIT).context

    def rounds(self, seeds: Sequence[int], seconds: float, moments: NDArray[np.float64]) -> Rounds:
        """See `Player`."""
        matches = [Match(seed, SPLIT, keep_s=KEPT_S) for seed in seeds]
        for round_ in itertools.count():
            times_s = round_ * seconds + moments
            pictures = alter(render(Scenes.join([match.scenes(times_s) for match in matches])), self.altered)
            yield pictures.reshape(len(matches), len(moments), *pictures.shape[1:])


class World:
    """The worlds of `seeds`, from the beginning. A context manager; iterating over it yields each round's chunks."""

    def __init__(
        self, player: Player, seeds: Sequence[int], policy: StreamPolicy, *, processes: int | None = None
    ) -> None:
        """`processes`: None for as many as there are spare processors, 0 to render in this one."""
        spare = min((os.cpu_count() or 1) - 1, len(seeds)) if len(seeds) > 1 else 0
        count = spare if processes is None else processes
        self._seconds, self._moments = policy.chunk_seconds, np.arange(policy.frames_per_chunk) / policy.vision.fps
        parts = [part.tolist() for part in np.array_split(np.asarray(seeds), max(count, 1)) if len(part)]
        self._workers = [_Worker(player, part, self._seconds, self._moments) for part in parts] if count else []
        self._rounds: list[Rounds] = [iter(one) for one in self._workers]
        if not count:
            self._rounds = [player.rounds(list(seeds), self._seconds, self._moments)]

    def __iter__(self) -> Iterator[tuple[Chunk, ...]]:
        """A chunk per seed, in order; endless."""
        for round_, parts in enumerate(zip(*self._rounds, strict=True)):
            start_s = round_ * self._seconds
            end_s = start_s + self._seconds
            yield tuple(Chunk(tuple(pictures), start_s, end_s) for part in parts for pictures in part)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.stop()


class _Worker:
    """A process that renders some of them. Its pipe holds less than a round, so it waits until that is read."""

    def __init__(self, player: Player, seeds: Sequence[int], seconds: float, moments: NDArray[np.float64]) -> None:
        self._shape = (len(seeds), len(moments), *player.size, 3)
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks held by torch's threads
        self._ours, theirs = spawn.Pipe(duplex=False)
        self._process = spawn.Process(target=_work, args=(theirs, player, seeds, seconds, moments), daemon=True)
        self._process.start()
        theirs.close()

    def __iter__(self) -> Rounds:
        while True:
            pictures = np.empty(self._shape, np.uint8)
            self._ours.recv_bytes_into(pictures.data.cast("B"))
            yield pictures

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._ours.close()
        self._process.terminate()
        self._process.join()
        self._process.close()


def _work(
    connection: Connection, player: Player, seeds: Sequence[int], seconds: float, moments: NDArray[np.float64]
) -> None:
    leave_signals_to_parent()
    with suppress(BrokenPipeError):  # the reader has gone
        for pictures in player.rounds(seeds, seconds, moments):
            connection.send_bytes(np.ascontiguousarray(pictures).data.cast("B"))
