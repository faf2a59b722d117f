"""One call of ``svlm caption`` at work: what is told of its jobs, and what comes of their errors.

Knows no command line.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from svlm_cli.core.errors import InputError, OutputBusyError, OutputExistsError, SvlmError
from svlm_cli.core.events import RoundEnded, SourceEvent, SourceStatus
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.sentences import error_sentence
from svlm_cli.core.types import Picture
from svlm_cli.media.ffmpeg import path_name
from svlm_cli.outputs.destination import OutputClosedError
from svlm_cli.outputs.progress import Progress
from svlm_cli.outputs.summary import Summary, VideoState
from svlm_cli.pipeline.batch import Job, still_missing
from svlm_cli.pipeline.gauge import Gauge
from svlm_cli.pipeline.observer import JobReport, OpenedJob, SessionObserver
from svlm_cli.pipeline.questions import QuestionDesk
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.pipeline.status_lines import StatusLines, totals, written
from svlm_cli.pipeline.totals import RoundTotals

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine
    from svlm_cli.pipeline.open_source import OpenSource
    from svlm_cli.pipeline.products import Product
    from svlm_cli.pipeline.run import FeedReport
    from svlm_cli.pipeline.session import JobOutcome


class _StopEarlyError(Exception):
    """The other jobs are not wanted any more."""


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What one call is told of, and what comes of its errors."""

    live: bool = False  # its jobs are cameras, else files
    streams: int = 1  # files captioned at once
    quiet: bool = False
    table: bool = True  # at the end, of several files
    to_stdout: bool = False  # the words of all jobs
    fail_fast: bool = False
    ignore_errors: bool = False


class CaptioningCall(SessionObserver):
    """How the jobs of a call went, all live or all files, and what is told meanwhile. Whoever runs them inherits it."""

    def __init__(
        self,
        jobs: Sequence[Job],
        settings: SessionSettings,
        call: CallSettings,
        *,
        products: Sequence["Product"] = (),
        progress: Progress,
        summary: Summary,
    ) -> None:
        self.errors: list[SvlmError] = []
        self._jobs = [job for job in jobs if job.targets or products]
        self._alone = len(jobs) == 1
        self._live = call.live
        self._call = call
        self._settings = settings
        self._progress = progress
        self._summary = summary
        self._told_files: dict[str, int] = {}  # of cameras, by name: how many
        for job in jobs:
            if job not in self._jobs:
                summary.skip(job.source.reveal())

    def tell(self, line: str) -> None:
        """What nobody has to know."""
        if not self._call.quiet:
            self._progress.say(line)

    def failed(self, job: Job, error: SvlmError) -> None:
        """It could not be opened."""
        if self._live:
            self._fail(error)
        else:
            self._end(job, error)

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:
        """Show what is seen and said."""
        self._progress.hear(event, pictures)

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Whatever ends the call: the terminal as it was, what stopped on the way told, and how all went."""
        try:
            yield
        except _StopEarlyError:
            pass
        finally:
            self._progress.close()
            if not self._call.quiet and not self._live:
                self._tell_what_is_left()
                if not self._alone and self._call.table:
                    self._summary.print()

    def _tell_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.tell(line)

    def _begin(self, source: OpenedJob) -> None:
        job = source.job
        self._summary.begin(job.source.reveal())
        self._progress.begin(job.name, self._length_s(source))
        if not self._live:
            self._progress.write(job.name, ", ".join(target.name for target in job.targets))

    def _length_s(self, source: OpenedJob) -> float | None:
        """How much there is to caption, as far as a header says."""
        asked = self._settings.sources
        start_s, until_s = asked.start_s or 0.0, source.duration_s
        if asked.end_s is not None:
            until_s = asked.end_s
        return until_s - start_s if until_s is not None and until_s > start_s else None

    def _leave(self, source: OpenedJob) -> None:
        """It goes on no more. What people should know of how it was read."""
        self._progress.end(source.job.name)
        for notice in source.notices:
            self._progress.say(f"svlm: {notice}")

    def _tell_files(self, name: str, begun: Sequence[Path]) -> bool:
        """Where a camera's words go, once for each file. Whether there is a new one."""
        if len(begun) == self._told_files.get(name, 0):
            return False
        self._told_files[name] = len(begun)
        files = ", ".join(path_name(path) for path in {path.suffix: path for path in begun}.values())
        self._progress.write(name, files)
        self.tell(f"svlm: {name} -> {files}")
        return True

    def _tell_totals(self, name: str, begun: Sequence[Path], report: RoundTotals, *, live: bool) -> None:
        """A camera has come to its end, or a recording that was taken for one."""
        if report.rounds:
            self.tell(f"{name} -> {written(begun)}: {totals(report, live=live)}")
            if not report.spoken:
                self.tell(f"svlm: {name}: nothing was said.")

    def _note_video(self, source: OpenedJob, report: JobReport) -> VideoState:
        """A video has ended: note and tell how it went."""
        self._leave(source)
        job, error = source.job, report.error
        files = ", ".join(target.name for target in job.targets)
        if error is None and source.truncated:
            error = InputError(f"{job.name} ends too early.", f"What could be read is captioned in {files}.")
        state, took_s = self._end(job, error, report.video_s, silent=not report.spoken, complete=report.error is None)
        if error is None and files:
            self.tell(f"{job.name} -> {files}: {report.video_s:.1f} s of video in {took_s:.1f} s")
        return state

    def _note_stopped(self, source: OpenedJob, report: JobReport) -> None:
        """A video is stopped, and with it the command."""
        self._summary.end(source.job.source.reveal(), VideoState.STOPPED, report.video_s)

    def _end(
        self, job: Job, error: SvlmError | None, video_s: float = 0.0, *, silent: bool = False, complete: bool = False
    ) -> tuple[VideoState, float]:
        """Note how a video went, and tell what went wrong. Returns its state, and how many seconds it took."""
        done = VideoState.SILENT if silent else VideoState.DONE
        state = done if error is None else self._state_after(job, error)
        failure = error if state is VideoState.FAILED else None
        took_s = self._summary.end(job.source.reveal(), state, video_s, error=failure, complete=complete)
        if state is VideoState.SILENT:
            self.tell(f"svlm: {job.name}: nothing was said.")
        elif state is VideoState.ELSEWHERE:
            self.tell(f"svlm: {job.name}: another run is captioning it.")
        elif error is not None and state in (VideoState.FAILED, VideoState.STOPPED):
            self._fail(error)
        elif error is not None and (video_s or self._alone):
            self.tell(error_sentence(error))
        return state, took_s

    def _state_after(self, job: Job, error: SvlmError) -> VideoState:
        """The state of a job after an error: with --skip-existing, a video that another run does has not failed."""
        if isinstance(error, OutputClosedError):
            return VideoState.STOPPED
        if self._settings.skip_existing and isinstance(error, OutputBusyError):
            return VideoState.ELSEWHERE
        if self._settings.skip_existing and isinstance(error, OutputExistsError) and not still_missing(job).targets:
            return VideoState.SKIPPED
        return VideoState.FAILED

    def _fail(self, error: SvlmError) -> None:
        """A lone job's error ends the command; one of several is told at once, and the others go on."""
        if isinstance(error, OutputClosedError):
            if self._call.to_stdout:
                raise _StopEarlyError  # nobody hears the others either
            return
        if self._call.ignore_errors and not self._live and isinstance(error, InputError):
            self._progress.say(error_sentence(error))
            return
        self.errors.append(error)
        if not self._alone or len(self.errors) > 1:
            self._progress.say(error_sentence(error))
        if not self._alone and not self._live and self._call.fail_fast:
            raise _StopEarlyError

    def _unfinished(self) -> Iterable[OpenedJob]:
        """What is open, and what was stopped before its end."""
        raise NotImplementedError

    def _tell_what_is_left(self) -> None:
        """Of the videos that were stopped on the way."""
        for job in (source.job for source in self._unfinished()):
            parts = [str(one.part) for one in job.targets if one.part is not None and one.part.exists()]
            if parts:
                self._progress.say(
                    f"svlm: {job.name} was stopped; its words so far are in {' and '.join(parts)}. "
                    "The next call captions it from the beginning and replaces them."
                )


class Captioning(CaptioningCall):
    """A call that captions in this process."""

    def __init__(
        self,
        jobs: Sequence[Job],
        settings: SessionSettings,
        policy: StreamPolicy,
        call: CallSettings,
        *,
        products: Sequence["Product"],
        progress: Progress,
        summary: Summary,
    ) -> None:
        from svlm_cli.pipeline.session import Session  # torch

        super().__init__(jobs, settings, call, products=products, progress=progress, summary=summary)
        self._session = Session(self._jobs, settings, policy, observer=self, products=products)
        self._lines = StatusLines(self.tell)
        self._sources: dict[str, OpenSource] = {}  # by name, of what is live

    @property
    def whole(self) -> bool:
        """Whether what there is, stopped now, is all that was asked for: of sources without an end."""
        ends = any(source.ends for source in self._unfinished())
        return (self._live or self._alone) and not ends

    def run(
        self, load: "Callable[[int], Engine]", gauge: Gauge, desk: QuestionDesk, introduction: Iterable[str] = ()
    ) -> None:
        """Open the first job that can be opened, only then `load` the model for so many streams, and caption all.

        `introduction` says what is going to speak. Questions may come.
        """
        with self._ending(), self._products_closed(), self._session as session:
            if self._live:
                self._tell_all(introduction)
            if not session.begin():
                return
            if not self._live:
                self._tell_all(introduction)
            streams = len(self._jobs) if self._live else min(self._call.streams, len(self._jobs))
            engine = gauge.engine = load(streams)
            for source in session.unfinished.values():
                self._summary.begin(source.job.source.reveal())  # again: the model's loading is not its affair
            running = session.run(engine, max_streams=streams, interrupted=self._stop, desk=desk)
            with closing(running) as outcomes:
                for outcome in outcomes:
                    self._note(outcome)

    @contextmanager
    def _products_closed(self) -> Iterator[None]:
        try:
            yield
        finally:
            for product in self._session.products:
                product.close()

    def opened(self, source: "OpenSource") -> None:
        """A lone camera that will never let us in is told at once: loading the model may take a minute."""
        job = source.job
        if self._live:
            if self._alone:
                source.check()
            self._sources[job.name] = source
        self._begin(source)

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:
        """As ever, and of a camera a phrase when its second is over, and how it is."""
        super().hear(event, pictures)
        if isinstance(event, SourceStatus):
            self._lines.note(event)
        elif isinstance(event, RoundEnded) and self._live:
            self._tell_files(event.name, self._sources[event.name].begun)
            self._lines.hear(event)

    def trouble(self, name: str, line: str) -> None:
        """A camera's files cannot be written now, or can again."""
        self._progress.say(f"svlm: {name}: {line}")

    def _stop(self, outcome: "JobOutcome") -> None:
        """One is stopped, and with it the command."""
        if self._live:
            self._note_camera(outcome.source, outcome.report)
        else:
            self._note_stopped(outcome.source, outcome.report)

    def _note(self, outcome: "JobOutcome") -> None:
        """One has ended: tell how it went, and make of it what was asked for."""
        source, report = outcome.source, outcome.report
        if self._live:
            self._note_camera(source, report)
            return
        state = self._note_video(source, report)
        if report.error is None or state is VideoState.SKIPPED:
            self._make_products(source)

    def _note_camera(self, source: "OpenSource", report: "FeedReport") -> None:
        self._leave(source)
        self._tell_totals(source.job.name, source.begun, report, live=report.feed.live() is not None)
        if report.error is not None:
            self._fail(report.error)

    def _make_products(self, source: OpenedJob) -> None:
        """Now that all words are there. What cannot be made stops no other."""
        for product in self._session.products:
            name = str(product.path)
            self._progress.begin(name, source.duration_s)
            try:
                notice = product.make(partial(self._progress.move, name))
            except SvlmError as error:
                if self._settings.skip_existing and (isinstance(error, OutputBusyError) or product.path.is_file()):
                    self.tell(
                        f"svlm: {name}: another run {'has made it' if product.path.is_file() else 'is making it'}."
                    )
                else:
                    self._summary.lose(source.job.source.reveal(), name, error)
                    self._fail(error)
            else:
                self.tell(f"{source.job.name} -> {name}")
                if notice:
                    self._progress.say(f"svlm: {notice}")
            finally:
                self._progress.end(name)

    def _unfinished(self) -> Iterable[OpenedJob]:
        return self._session.unfinished.values()
