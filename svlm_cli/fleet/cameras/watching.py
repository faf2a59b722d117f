"""The cameras of a call in the hands of workers, what is told of them meanwhile, and their files.

Knows no command line, and imports no torch where workers have GPUs.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from svlm_cli.core.errors import OutputError, SvlmError
from svlm_cli.core.events import RoundEnded, SourceStatus
from svlm_cli.fleet.cameras.crew import CameraCrew, CameraWorkerFound, CameraWorkerGone, CameraWorkerUnfit, News
from svlm_cli.fleet.cameras.log import CameraLog
from svlm_cli.fleet.cameras.memory import CameraMemory
from svlm_cli.fleet.cameras.order import CameraOrder
from svlm_cli.fleet.cameras.supervisor import CameraSupervisor
from svlm_cli.fleet.crews import JOINING_S, worker_shares
from svlm_cli.fleet.ray_cluster import LOCAL, connected, nodes
from svlm_cli.outputs.progress import Progress
from svlm_cli.outputs.summary import Summary
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.captioning import CallSettings, CaptioningCall
from svlm_cli.pipeline.observer import OpenedJob
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.pipeline.status_lines import StatusLines

_WAIT_S: Final = 0.25
_REPEAT_S: Final = 60.0  # the same is told again so often
_PATIENCE_S: Final = 20.0  # for a place, before somebody is told
_NAMED: Final = 3


class FleetWatching(CaptioningCall):
    """A call that watches cameras by a fleet. Observes its supervisor."""

    def __init__(
        self,
        jobs: Sequence[Job],
        settings: SessionSettings,
        call: CallSettings,
        memory: CameraMemory,
        *,
        progress: Progress,
        summary: Summary,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(jobs, settings, call, progress=progress, summary=summary)
        self._memory = memory
        self._now_s = now_s
        self._lines = StatusLines(self.tell)
        self._logs = [self._log(job) for job in self._jobs]
        self._over: set[int] = set()
        self._waiting_since_s = now_s()
        self._unfit: SvlmError | None = None
        self._last_loss = ""
        self._trouble = ""  # of the memory, as told

    def run(self, address: str, order: CameraOrder, folder: Path, introduction: Iterable[str]) -> None:
        """Watch all in the cluster at `address`, until all have ended. The checkpoint is in `folder` here."""
        with self._ending():
            self._tell_all(introduction)
            with connected(address):
                from svlm_cli.fleet.cameras.ray_crew import RayCameraCrew

                shares_of = partial(worker_shares, order.model, order.policy, folder, len(self._jobs))
                hopes_s = 0.0 if address == LOCAL else JOINING_S
                with RayCameraCrew(order, self._memory.path.stem, nodes, shares_of, hopes_s=hopes_s) as crew:
                    self.watch(crew)

    def watch(self, crew: CameraCrew) -> None:
        """Watch all by this crew."""
        with self._watched():
            supervisor = self._supervisor()
            while not supervisor.settled:
                for worker, news in crew.wait(_WAIT_S):
                    self._follow(supervisor, crew, worker, news)
                supervisor.look(self._now_s())
                for worker in crew.idle():
                    crew.beat(worker, supervisor.beat(worker))
                self._tell_waiting(supervisor)
                self._remember()
                if not crew.expected:
                    raise self._unfit or SvlmError("No worker of the fleet is left.", self._last_loss)

    def begun(self, camera: int, worker: str) -> None:  # noqa: ARG002  people know cameras, not workers
        """A worker is to watch a camera: its clock is another."""
        self._logs[camera].hand_over()

    def hear_of(self, camera: int, event: RoundEnded | SourceStatus) -> None:
        """A camera's state has changed, or a round is over: write its words."""
        if isinstance(event, SourceStatus):
            self._progress.hear(event)
            self._lines.note(event)
            return
        if camera in self._over:  # its words cannot be written
            return
        log = self._logs[camera]
        try:
            event = log.write(event)
        except SvlmError as error:
            self._over.add(camera)
            self._fail(error)
            return
        assert log.record is not None
        self._memory.note(log.job.name, log.record)
        self._progress.hear(event)
        if self._tell_files(log.job.name, log.begun):
            self._remember(now=True)
        self._lines.hear(event)

    def ended(self, camera: int, error: SvlmError | None, notices: Sequence[str]) -> None:
        """A camera has come to its end."""
        self._over.add(camera)
        for notice in notices:
            self._progress.say(f"svlm: {notice}")
        self._close(self._logs[camera])
        if error is not None:
            self._fail(error)

    def lost(self, cameras: Sequence[int], reason: str) -> None:
        """A worker is gone."""
        names = self._named(cameras)
        them = "others go on with them" if len(cameras) > 1 else "another goes on with it"
        self._progress.say(f"svlm: {names}: the worker ended ({reason}); {them}.")

    @contextmanager
    def _watched(self) -> Iterator[None]:
        for log in self._logs:
            self._summary.begin(log.job.source.reveal())
            self._progress.begin(log.job.name, None)
        try:
            yield
        finally:
            for camera, log in enumerate(self._logs):
                if camera not in self._over:
                    self._close(log)
            self._memory.end()

    def _supervisor(self) -> CameraSupervisor:
        memory = self._memory
        interrupted, number = memory.interrupted, memory.begin()
        return CameraSupervisor(
            self._jobs,
            self,
            name=number,
            first_lease=number,
            now_s=self._now_s(),
            earlier=interrupted,
            job_of=lambda camera: self._logs[camera].continued,
        )

    def _follow(self, supervisor: CameraSupervisor, crew: CameraCrew, worker: str, news: News) -> None:
        match news:
            case CameraWorkerFound():
                supervisor.join(worker)
            case CameraWorkerGone():
                self._last_loss = f"The last one ended: {news.reason}."
                supervisor.lose(worker, news.reason, self._now_s(), dead=news.dead, blamed=news.blamed)
            case CameraWorkerUnfit():
                self._unfit = news.error
                supervisor.lose(worker, news.error.message, self._now_s(), dead=True, blamed=False)
                if crew.expected:
                    self._progress.say(f"svlm: a worker cannot start: {news.error}")
            case _:
                supervisor.hear(worker, news, self._now_s())

    def _log(self, job: Job) -> CameraLog:
        return CameraLog(
            job,
            self._settings,
            lambda line: self._progress.say(f"svlm: {job.name}: {line}"),
            self._memory.records.get(job.name),
        )

    def _close(self, log: CameraLog) -> None:
        self._progress.end(log.job.name)
        try:
            log.close()
        except SvlmError as error:
            self._fail(error)
        self._tell_totals(log.job.name, log.begun, log.totals, live=True)

    def _tell_waiting(self, supervisor: CameraSupervisor) -> None:
        """Of cameras that nobody has had room for, for some time."""
        now_s, waiting = self._now_s(), supervisor.placement.waiting
        if not waiting:
            self._waiting_since_s = now_s
        elif now_s - self._waiting_since_s > _PATIENCE_S:
            self._waiting_since_s = now_s + _REPEAT_S - _PATIENCE_S
            why = "no worker has room" if supervisor.placement.workers else "no worker is ready"
            self._progress.say(f"svlm: {self._named(waiting)}: {why}; still waiting for one.")

    def _remember(self, *, now: bool = False) -> None:
        """Write what must not be forgotten. That it cannot be is told once, and stops nobody."""
        try:
            self._memory.write(now=now)
        except OutputError as error:
            if error.message != self._trouble:
                self._progress.say(f"svlm: {error.message} Watching goes on.")
            self._trouble = error.message

    def _named(self, cameras: Sequence[int]) -> str:
        names = [self._jobs[camera].name for camera in cameras]
        more = len(names) - _NAMED
        return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")

    def _unfinished(self) -> Iterable[OpenedJob]:
        return ()
