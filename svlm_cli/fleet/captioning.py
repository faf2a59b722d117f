"""Captioning the videos of a call in a fleet, with the same progress and summary as without one.

Knows no command line, and imports no torch if workers have GPUs.
"""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from svlm_cli.fleet.crews import crew_at
from svlm_cli.fleet.driver import FleetOutcome, FleetSession, RemoteFile
from svlm_cli.fleet.manifest import Manifest
from svlm_cli.fleet.messages import WorkerOrder
from svlm_cli.fleet.planning import FleetPlan
from svlm_cli.fleet.ray_cluster import connected
from svlm_cli.outputs.progress import Progress
from svlm_cli.outputs.summary import Summary
from svlm_cli.pipeline.captioning import CallSettings, CaptioningCall
from svlm_cli.pipeline.observer import OpenedJob
from svlm_cli.pipeline.settings import SessionSettings


class FleetCaptioning(CaptioningCall):
    """A call that captions in a fleet; it observes the driver."""

    def __init__(
        self, plan: FleetPlan, settings: SessionSettings, call: CallSettings, *, progress: Progress, summary: Summary
    ) -> None:
        super().__init__(plan.jobs, settings, call, progress=progress, summary=summary)
        self._plan = plan
        self._session: FleetSession | None = None

    def run(self, address: str, order: WorkerOrder, folder: Path, introduction: Iterable[str]) -> None:
        """Caption all videos in the cluster at `address`. `folder` is the checkpoint on this host."""
        plan = self._plan
        with self._ending(), closing(Manifest(plan.manifest)) as manifest:
            self._tell_all(introduction)
            with connected(address), crew_at(address, order, folder) as crew:
                self._session = FleetSession(self._jobs, self._settings, crew, manifest, self, records=plan.records)
                with closing(self._session.run(interrupted=self._stop)) as outcomes:
                    for outcome in outcomes:
                        self._note_video(outcome.source, outcome.report)

    def begun(self, source: RemoteFile) -> None:
        """A worker has opened a video."""
        self._begin(source)

    def withdrawn(self, source: RemoteFile) -> None:
        """A video waits for another attempt."""
        self._progress.end(source.job.name)

    def say(self, line: str) -> None:
        """Report what went wrong with a worker."""
        self._progress.say(line)

    def _stop(self, outcome: FleetOutcome) -> None:
        self._note_stopped(outcome.source, outcome.report)

    def _unfinished(self) -> Iterable[OpenedJob]:
        return () if self._session is None else self._session.unfinished.values()
