"""Runs stretches of videos through the streaming engine in batches, and saves every round at once.

Each stretch in progress has a journal, and every few minutes a snapshot of its stream, so that a run killed at any
moment can be continued. Knows neither a benchmark's files nor the terminal.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final

from svlm_cli.core.errors import InputError, OutputError, SvlmError
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.stream import StreamState
from svlm_cli.evals.generation.job import Generate, Prepare
from svlm_cli.evals.generation.place import PredictionPlace
from svlm_cli.evals.generation.record import (
    GenerationListener,
    GenerationOutcome,
    GenerationRecord,
    RecordedStretch,
)
from svlm_cli.evals.generation.showing import ShownStretch
from svlm_cli.evals.generation.stretches import StreamSeed, VideoStretch
from svlm_cli.pipeline.run import Feed, FeedReport, run

SNAPSHOT_S: Final = 180.0  # wall time between snapshots of all streams; one of a 7B model takes half a gigabyte
SNAPSHOT_SHARE: Final = 0.02  # the maximum share of time; on slow disks, snapshots are less frequent

LoadEngine = Callable[[int, str], Engine]
"""The number of streams and the first context -> an engine."""


def in_batches(load: LoadEngine, begins: StreamSeed, streams: int) -> Prepare:
    """Generates here, with so many streams at once."""

    def prepare(left: Sequence[VideoStretch]) -> Generate:
        together = min(streams, len(left))
        engine = load(together, left[0].context)
        engine.open(query=begins.query).close()  # one that is too long is told now, and once

        def generate(place: PredictionPlace, telling: GenerationListener) -> GenerationOutcome:
            return Generation(engine, place, telling, begins).generate(left, streams=together)

        return generate

    return prepare


@dataclass(frozen=True, slots=True, eq=False)
class _UnderWay:
    """A stretch that the engine is shown."""

    recorded: RecordedStretch
    shown: ShownStretch


class Generation:
    """One run over stretches. Call `generate`."""

    def __init__(
        self,
        engine: Engine,
        place: PredictionPlace,
        telling: GenerationListener,
        begins: StreamSeed,
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._place, self._telling, self._begins = engine, place, telling, begins
        self._now_s = now_s
        self._open: dict[str, _UnderWay] = {}
        self._record = GenerationRecord(place, telling, now_s=now_s)
        self._due_s = now_s() + SNAPSHOT_S  # time of the next snapshots

    def generate(self, stretches: Sequence[VideoStretch], *, streams: int) -> GenerationOutcome:
        """Comment on all stretches, `streams` at a time. An error in one is reported and does not affect the others."""
        outcome = self._record.outcome
        running = run(self._engine, self._feeds(stretches), max_streams=streams, between=self._keep)
        try:
            with closing(running) as reports:
                for report in reports:
                    self._end(report)
            self._place.rounds.failures.unlink(missing_ok=True)  # this run has tried them all
        finally:
            self._record.close(everything=outcome.done == len(stretches))
        return outcome

    def _feeds(self, stretches: Sequence[VideoStretch]) -> Iterator[Feed]:
        """Yields a feed for each stretch that can be opened, when there is a free stream."""
        for stretch in stretches:
            try:
                if not self._record.skip(stretch) and (recorded := self._record.begin(stretch)) is not None:
                    yield self._feed(recorded)
            except SvlmError as error:
                self._record.fail(stretch, error)

    def _feed(self, recorded: RecordedStretch) -> Feed:
        """Goes on after its last round: from a snapshot, and what that does not hold is replayed."""
        stretch, rounds = recorded.stretch, recorded.journal.rounds
        shown = ShownStretch(stretch, partial(self._record.add, recorded))
        self._open[stretch.key] = _UnderWay(recorded, shown)
        remembered = self._remembered(recorded)
        return shown.feed(
            self._engine.policy,
            self._begins,
            [said.token_ids for said in rounds[remembered:]],
            start_s=rounds[remembered - 1].end_s if remembered else None,
            snapshot=self._place.rounds.snapshot(stretch) if remembered else None,
        )

    def _remembered(self, one: RecordedStretch) -> int:
        """The number of rounds in its snapshot; 0 without a usable one."""
        path = self._place.rounds.snapshot(one.stretch)
        if not path.exists():
            return 0
        seed = one.stretch.seed(self._begins.seed)
        with self._engine.open(query=self._begins.query, context=one.stretch.context, seed=seed) as stream:
            try:
                self._engine.restore(stream, path)
            except InputError as error:
                self._telling.notice(f"{error.message} {one.stretch.name} is shown again from its beginning.")
                return 0
            return stream.rounds if stream.rounds <= len(one.journal.rounds) else 0

    def _keep(self, running: Sequence[tuple[Feed, StreamState]]) -> None:
        """Write a snapshot of each stream from time to time. Without them, resuming only takes longer."""
        started = self._now_s()
        if started < self._due_s:
            return
        for feed, stream in running:
            if not stream.rounds:
                continue
            path = self._place.rounds.snapshot(self._open[feed.name].recorded.stretch)
            try:
                if shutil.disk_usage(path.parent).free < 2 * self._engine.saved_bytes(stream):
                    self._telling.notice(
                        f"There is no room for snapshots in {path.parent}: a killed run will repeat more work."
                    )
                    break
                self._engine.save(stream, path)
            except (OSError, OutputError) as error:
                self._telling.notice(error.message if isinstance(error, OutputError) else f"{path}: {error.strerror}.")
        ended = self._now_s()
        self._due_s = ended + max(SNAPSHOT_S, (ended - started) / SNAPSHOT_SHARE)

    def _end(self, report: FeedReport) -> None:
        """Handle the end of a feed."""
        one = self._open.pop(report.feed.name)
        self._record.end(one.recorded, one.shown.ending(report.error))
