"""The simulated world as models see it: the pictures of many matches, round by round.

Several matches are played by processes of their own, each at most one round ahead, so that the engine need not wait for
them. Knows no engine and no word.
"""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.core.workers import leave_signals_to_parent
from svlm_cli.evals.alterations import Altered, alter
from svlm_cli.simulator.match.match import HEIGHT, WIDTH, Match, Scenes, Split
from svlm_cli.simulator.match.render import render

SPLIT: Final = Split.EVAL  # names that no training has seen
KEPT_S: Final = 60.0  # of what was played

Rounds = Iterator[NDArray[np.uint8]]
"""``[matches, F, H, W, 3]`` a round, without end."""


def context_of(seed: int) -> str:
    """The text that stands in front of a match's commentary."""
    return Match(seed, SPLIT).context


class World:
    """The matches of `seeds`, from their beginning. A context manager; iterating over it gives each round's chunks."""

    def __init__(
        self,
        seeds: Sequence[int],
        policy: StreamPolicy,
        *,
        altered: Altered | None = None,
        processes: int | None = None,
    ) -> None:
        """`altered` says what is done to the pictures.

        `processes`: None for as many as there are spare processors, 0 to play in this one.
        """
        spare = min((os.cpu_count() or 1) - 1, len(seeds)) if len(seeds) > 1 else 0
        count = spare if processes is None else processes
        self._seconds, self._moments = policy.chunk_seconds, np.arange(policy.frames_per_chunk) / policy.vision.fps
        parts = [part.tolist() for part in np.array_split(np.asarray(seeds), max(count, 1)) if len(part)]
        self._workers = [_Worker(part, self._seconds, self._moments, altered) for part in parts] if count else []
        self._rounds: list[Rounds] = [iter(one) for one in self._workers]
        if not count:
            self._rounds = [_play(list(seeds), self._seconds, self._moments, altered)]

    def __iter__(self) -> Iterator[tuple[Chunk, ...]]:
        """A chunk a match, in the order of the seeds; no end."""
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
    """A process that plays some of the matches. Its pipe holds less than a round: it waits until that is taken."""

    def __init__(
        self, seeds: Sequence[int], seconds: float, moments: NDArray[np.float64], altered: Altered | None
    ) -> None:
        blank = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
        self._shape = (len(seeds), len(moments), *alter(blank, altered).shape[1:])
        spawn = multiprocessing.get_context("spawn")  # a fork would take the threads' locks of torch with it
        self._ours, theirs = spawn.Pipe(duplex=False)
        self._process = spawn.Process(target=_work, args=(theirs, seeds, seconds, moments, altered), daemon=True)
        self._process.start()
        theirs.close()

    def __iter__(self) -> Rounds:
        while True:
            pictures = np.empty(self._shape, np.uint8)
            self._ours.recv_bytes_into(pictures.data.cast("B"))
            yield pictures

    def stop(self) -> None:
        """Ends the process, wherever it is."""
        self._ours.close()
        self._process.terminate()
        self._process.join()
        self._process.close()


def _work(
    connection: Connection,
    seeds: Sequence[int],
    seconds: float,
    moments: NDArray[np.float64],
    altered: Altered | None,
) -> None:
    leave_signals_to_parent()
    with suppress(BrokenPipeError):  # nobody looks any more
        for pictures in _play(seeds, seconds, moments, altered):
            connection.send_bytes(np.ascontiguousarray(pictures).data.cast("B"))


def _play(seeds: Sequence[int], seconds: float, moments: NDArray[np.float64], altered: Altered | None) -> Rounds:
    matches = [Match(seed, SPLIT, keep_s=KEPT_S) for seed in seeds]
    round_ = 0
    while True:
        times_s = round_ * seconds + moments
        pictures = alter(render(Scenes.join([match.scenes(times_s) for match in matches])), altered)
        yield pictures.reshape(len(matches), len(moments), *pictures.shape[1:])
        round_ += 1
