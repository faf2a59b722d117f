"""Commenting on a benchmark's videos in a worker: an item is a stretch, and its rounds travel to the driver.

Knows neither journals nor predictions.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from svlm_cli.evals.generation.journal import SaidRound
from svlm_cli.evals.generation.stretches import StreamSeed, VideoStretch
from svlm_cli.fleet.messages import StretchEnded, StretchSaid
from svlm_cli.fleet.work import Items, WorkerSite

if TYPE_CHECKING:
    from svlm_cli.evals.generation.showing import ShownStretch
    from svlm_cli.pipeline.run import Feed


@dataclass(frozen=True, slots=True)
class BegunStretch:
    """A stretch, and the tokens of the rounds that others have said of it."""

    stretch: VideoStretch
    said: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class StretchWork:
    """How stretches are commented on."""

    begins: StreamSeed

    def begin(self, site: WorkerSite) -> "StretchRun":
        """Begin in a worker. Raises `UsageError` for a query that is too long."""
        site.engine.open(query=self.begins.query).close()
        return StretchRun(self.begins, site)


class StretchRun:
    """Stretches on a worker's engine, and what is told of them."""

    def __init__(self, begins: StreamSeed, site: WorkerSite) -> None:
        self._begins = begins
        self._site = site
        self._open: dict[str, tuple[int, ShownStretch]] = {}  # leases, by the key of the stretch
        self._stopped = False

    def run(self, items: Items) -> None:
        """Comment on these."""
        from svlm_cli.pipeline.run import FeedReport, rounds

        engine = self._site.engine
        running = rounds(engine, self._feeds(items), max_streams=engine.max_streams, stopped=lambda: self._stopped)
        with closing(running):
            for one in running:
                if isinstance(one, FeedReport):
                    lease, shown = self._open.pop(one.feed.name)
                    self._site.post(StretchEnded(lease, shown.ending(one.error)))

    def stop(self) -> None:
        """No further round begins."""
        self._stopped = True
        for _, shown in list(self._open.values()):
            if shown.frames is not None:
                shown.frames.stop()

    def close(self) -> None:
        """Nothing is held."""

    def _feeds(self, items: Items) -> "Iterator[Feed | None]":
        from svlm_cli.evals.generation.showing import ShownStretch

        for item in items:
            if item is None:
                yield None
                continue
            lease, begun = item
            shown = ShownStretch(self._placed(begun.stretch), partial(self._say, lease))
            self._open[begun.stretch.key] = lease, shown
            yield shown.feed(self._site.engine.policy, self._begins, begun.said)

    def _say(self, lease: int, said: SaidRound) -> None:
        self._site.post(StretchSaid(lease, said))

    def _placed(self, stretch: VideoStretch) -> VideoStretch:
        folder = self._site.folder
        return stretch if folder is None else replace(stretch, path=folder / stretch.path)
