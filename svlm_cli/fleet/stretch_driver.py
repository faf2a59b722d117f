"""The driver of a call that comments on a benchmark's videos: its workers say the rounds, it keeps them.

A stretch whose worker dies goes on elsewhere after its last round. Knows neither Ray nor a model.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing

from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.evals.generation.place import PredictionPlace
from svlm_cli.evals.generation.record import (
    GenerationListener,
    GenerationOutcome,
    GenerationRecord,
    RecordedStretch,
    StretchEnding,
)
from svlm_cli.evals.generation.stretches import VideoStretch
from svlm_cli.fleet.crew import Crew
from svlm_cli.fleet.dispatch import DispatchedItem, Dispatcher
from svlm_cli.fleet.manifest import Manifest, ManifestKey, read_records
from svlm_cli.fleet.messages import ItemMessage, StretchEnded, StretchSaid
from svlm_cli.fleet.placement import Lease
from svlm_cli.fleet.stretch_work import BegunStretch


class StretchSession(Dispatcher):
    """Stretches on their way through a `crew`. Call `run`."""

    def __init__(
        self,
        stretches: Sequence[VideoStretch],
        crew: Crew,
        manifest: Manifest,
        record: GenerationRecord,
        say: Callable[[str], None],
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        records, _ = read_records(manifest.path)
        super().__init__(list(map(_item_of, stretches)), crew, manifest, records=records, now_s=now_s)
        self._stretches = tuple(stretches)
        self._record = record
        self._tell = say
        self._open: dict[int, RecordedStretch] = {}  # by index
        self._heard: set[int] = set()  # leases in which a round was said

    def run(self) -> None:
        """Comment on all. Raises what no worker could start for."""
        for _ in self._steps():
            pass
        self._manifest.end(all_done=True)  # the next call tries again what failed

    def _say(self, line: str) -> None:
        self._tell(line)

    def _hand(self, lease: Lease) -> BegunStretch | None:
        stretch = self._stretches[lease.item]
        try:
            if lease.item not in self._open:
                if self._record.skip(stretch) or (begun := self._record.begin(stretch)) is None:
                    return None
                self._open[lease.item] = begun
        except SvlmError as error:
            self._record.fail(stretch, error)
            return None
        rounds = self._open[lease.item].journal.rounds
        return BegunStretch(stretch, tuple(one.token_ids for one in rounds))

    def _follow(self, lease: Lease, message: ItemMessage) -> None:
        one = self._open[lease.item]
        match message:
            case StretchSaid():
                self._heard.add(lease.number)
                try:
                    self._record.add(one, message.said)
                except SvlmError as error:  # here, where the driver writes
                    self._failed(lease, error, aside=False)
                    self._give_up(lease.item, error)
            case StretchEnded():
                self._end(lease, message.ending)
            case _:
                raise AssertionError(f"{type(message).__name__} is about no stretch")

    def _end(self, lease: Lease, ending: StretchEnding) -> None:
        error = ending.error
        unread = isinstance(error, InputError) and lease.number not in self._heard  # another host may read it
        if error is not None and unread and self._again(lease, error):
            return
        if error is None:
            self._done(lease)
        else:
            self._failed(lease, error, aside=unread)
        self._record.end(self._open.pop(lease.item), ending)

    def _withdraw(self, lease: Lease) -> bool:  # noqa: ARG002  its rounds are kept
        return False

    def _give_up(self, index: int, error: SvlmError) -> None:
        self._open.pop(index, None)
        self._record.fail(self._stretches[index], error)


def spread_stretches(
    stretches: Sequence[VideoStretch],
    crew: Crew,
    place: PredictionPlace,
    telling: GenerationListener,
    *,
    now_s: Callable[[], float] = time.monotonic,
) -> GenerationOutcome:
    """Comment on all stretches. An error in one is reported and does not affect the others."""
    record = GenerationRecord(place, telling, now_s=now_s)
    try:
        with closing(Manifest(place.rounds.failures)) as manifest:
            StretchSession(stretches, crew, manifest, record, telling.notice, now_s=now_s).run()
    finally:
        record.close(everything=record.outcome.done == len(stretches))
    return record.outcome


def _item_of(stretch: VideoStretch) -> DispatchedItem:
    key = ManifestKey.of_file(stretch.path, f"#{stretch.key}")
    return DispatchedItem(stretch.name, stretch.end_s - stretch.start_s, key)
