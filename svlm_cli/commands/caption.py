"""``svlm caption``: videos in, subtitles out. Reads the options, and puts checkpoint, engine and videos together."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import typer

from svlm_cli.commands.auto_model import settled
from svlm_cli.commands.cameras import watch
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.command import given
from svlm_cli.commands.idle_options import CaptionCall, refuse_idle
from svlm_cli.commands.live_view import Gauge, asker, showing
from svlm_cli.commands.loading import checkpoint_of, introduction, load
from svlm_cli.commands.messages import conclude, error_sentence, sentence
from svlm_cli.commands.options import takes
from svlm_cli.commands.summary import Summary, SummaryStyle, VideoState
from svlm_cli.core.errors import InputError, OutputBusyError, OutputExistsError, SvlmError, UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk, Segment, TokenEvent
from svlm_cli.media.ffmpeg import file_address
from svlm_cli.outputs.destination import OutputClosedError, refuse_closed_output
from svlm_cli.outputs.progress import Progress
from svlm_cli.pipeline.batch import STDOUT, Job, plan, refuse_done, still_missing
from svlm_cli.pipeline.inputs import STDIN
from svlm_cli.pipeline.questions import QuestionDesk

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.pipeline.products import Product
    from svlm_cli.pipeline.run import Feed, FeedReport
    from svlm_cli.pipeline.videos import Video, VideoOptions

app = typer.Typer(add_completion=False)


@app.command()
@takes(CaptionOptions)
def caption(asked: CaptionOptions) -> None:
    """Caption videos and cameras: what the model says, second by second.

    Each video gets STEM.srt beside it, or other formats; several share one loaded model. Addresses (rtsp://...) and
    devices are watched, all at once, until Ctrl-C. Progress goes to stderr, `-o -` to stdout.
    """
    listed = asked.inputs() if asked.batch_file is not None else ()
    if cameras := asked.cameras(listed):
        refuse_idle(CaptionCall.of_cameras(asked, cameras))
        watch(cameras, asked)
        return
    jobs = plan(listed or asked.inputs(), asked.wanted(), partial(_tell, asked))
    refuse_idle(CaptionCall.of_files(asked, jobs))
    as_json = _wants_json(asked, jobs)
    summary = Summary([job.source for job in jobs], outputs={job.source: asked.output_names(job) for job in jobs})
    with summary.written(wanted=as_json):
        errors = _caption(asked, jobs, summary)
    conclude(errors, alone=len(jobs) == 1)


def _caption(asked: CaptionOptions, jobs: tuple[Job, ...], summary: Summary) -> Sequence[SvlmError]:
    """Returns what went wrong with some of the videos."""
    try:
        _refuse_missing(jobs)
        asked = settled(asked)
        products = asked.products(jobs)
    except InputError as error:
        if not asked.ignore_errors:
            raise
        summary.end(jobs[0].source, VideoState.FAILED, error=error)
        typer.echo(error_sentence(error), err=True)
        return ()
    if not products and not any(job.targets for job in jobs):
        for job in jobs:
            summary.skip(job.source)
        what = jobs[0].name if len(jobs) == 1 else f"All {len(jobs)} videos"
        _tell(asked, f"{what}: what was asked for is there already.")
        return ()

    from svlm_cli.checkpoints import policy_changes

    wanted, gauge = asked.showing(), Gauge()
    screen = wanted.wants_screen(endless=False)  # what makes no sense is refused before anything is loaded
    desk, sources = QuestionDesk(), {job.name: job.source for job in jobs}
    video_options = asked.video_options(several=len(jobs) > 1)
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    checkpoint = checkpoint_of(asked)
    policy = asked.changed(checkpoint.policy, changes)
    with showing(wanted, gauge, ask=asker(desk, sources.__getitem__)) as progress:
        call = _Call(jobs, products, asked, policy, video_options, progress, gauge, summary, desk, asks=screen)
        try:
            with call.ending():
                call.run(checkpoint)
        except KeyboardInterrupt:
            if not progress.quit_asked or not call.whole:
                raise
    return call.errors


def _refuse_missing(jobs: Sequence[Job]) -> None:
    """`InputError` for a lone video that is not there: to open it takes seconds of imports."""
    if len(jobs) == 1 and jobs[0].source != STDIN and not os.path.lexists(jobs[0].source):
        file_address(jobs[0].source)


def _tell(asked: CaptionOptions, line: str) -> None:
    """What nobody has to know, before anything is shown."""
    if not asked.quiet:
        typer.echo(sentence(line), err=True)


def _wants_json(asked: CaptionOptions, jobs: Sequence[Job]) -> bool:
    """Whether the summary goes to standard output. `UsageError` if words do, and somebody asks for both."""
    if asked.summary is not SummaryStyle.JSON:
        return False
    if any(target.path is None for job in jobs for target in job.targets):
        if given("summary"):
            raise UsageError(
                "--summary json and the words would both go to standard output.",
                "Write the words to files, with -o FILE or --output-dir.",
            )
        return False
    refuse_closed_output()
    return True


class _StopEarlyError(Exception):
    """The other videos are not wanted any more."""


@dataclass(slots=True, eq=False)
class _Call:
    """One call of the command: its videos, how each went, and what is told meanwhile."""

    jobs: tuple[Job, ...]
    products: tuple["Product", ...]  # of a lone video
    asked: CaptionOptions
    policy: StreamPolicy
    options: "VideoOptions"
    progress: Progress
    gauge: Gauge
    summary: Summary
    desk: QuestionDesk
    asks: bool  # questions may come
    videos: dict[str, "Video"] = field(default_factory=dict)  # by source, while they run
    errors: list[SvlmError] = field(default_factory=list)

    def __post_init__(self) -> None:
        for job in self.jobs:
            if not self.wants(job):
                self.summary.skip(job.source)

    def wants(self, job: Job) -> bool:
        """Whether there is anything to do for it."""
        return bool(job.targets or self.products)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Whatever ends the call: the terminal as it was, what stopped on the way told, and how all went."""
        try:
            yield
        except _StopEarlyError:
            pass
        finally:
            for product in self.products:
                product.close()
            self.progress.close()
            if not self.asked.quiet:
                self.tell_what_is_left()
                if len(self.jobs) > 1 and self.asked.summary is SummaryStyle.TABLE:
                    self.summary.print()

    def run(self, checkpoint: "Checkpoint") -> None:
        """Open the first video that can be read, and only then load the model."""
        feeds = self.feeds()
        first = next(feeds, None)
        if first is None:
            return
        for line in introduction(self.asked, self.policy, self.options.context):
            self.tell(line)
        streams = min(self.asked.streams, sum(map(self.wants, self.jobs)))
        try:
            engine = self.gauge.engine = load(checkpoint, self.policy, self.asked, streams, self.tell, asks=self.asks)
        except BaseException:
            first.close()
            raise
        from svlm_cli.pipeline.run import run

        self.summary.begin(first.name)  # again: the model's loading is not its affair
        running = run(
            engine,
            chain([first], feeds),
            max_streams=streams,
            listen=self.listen,
            interrupted=self.stop,
            desk=self.desk,
        )
        with closing(running) as reports:
            for report in reports:
                self.note(report)

    def feeds(self) -> Iterator["Feed"]:
        """The videos that can be opened, one by one as they are wanted."""
        from svlm_cli.pipeline.videos import open_video

        for job in filter(self.wants, self.jobs):
            try:
                video = open_video(self.due(job), self.policy, self.options, self.products)
            except SvlmError as error:
                self.end(job, error)
                continue
            self.videos[job.source] = video
            self.summary.begin(job.source)
            self.progress.begin(job.name, self.length_s(video))
            self.progress.write(job.name, ", ".join(target.name for target in video.job.targets))
            yield video.feed

    def due(self, job: Job) -> Job:
        """What is left of a job when its turn comes: other runs may have done some of it. `OutputError` if all is."""
        if self.asked.skip_existing:
            self.products = tuple(product for product in self.products if not product.path.is_file())
            job = still_missing(job)
            refuse_done(job, len(self.products))
        return job

    def length_s(self, video: "Video") -> float | None:
        """How much of a video there is to caption, as far as its header says."""
        start_s, until_s = self.options.start_s or 0.0, video.frames.duration_s
        if self.options.end_s is not None:
            until_s = self.options.end_s
        return until_s - start_s if until_s is not None and until_s > start_s else None

    def listen(self, feed: "Feed", event: Chunk | TokenEvent | Segment) -> None:
        """Show what is seen and said, and a phrase when its second is over."""
        name = self.videos[feed.name].job.name
        if isinstance(event, Segment):
            self.progress.hear(name, event)
        else:
            self.progress.follow(name, event)

    def stop(self, report: "FeedReport") -> None:
        """Note how far a video came that is stopped, and with it the command."""
        self.summary.end(report.feed.name, VideoState.STOPPED, report.video_s)

    def note(self, report: "FeedReport") -> None:
        """Tell how a video went."""
        video = self.videos.pop(report.feed.name)
        job = video.job
        self.progress.end(job.name)
        written = ", ".join(target.name for target in job.targets)
        for notice in video.frames.notices:
            self.progress.say(f"svlm: {notice}")
        error = report.error
        if error is None and video.frames.truncated:
            error = InputError(f"{job.name} ends too early.", f"What could be read is captioned in {written}.")
        took_s = self.end(job, error, report.video_s, silent=not report.spoken, complete=report.error is None)
        if error is None and written:
            self.tell(f"{job.name} -> {written}: {report.video_s:.1f} s of video in {took_s:.1f} s")
        if report.error is None or self.state_after(job, report.error) is VideoState.SKIPPED:
            self.make_products(video)

    def end(
        self,
        job: Job,
        error: SvlmError | None,
        video_s: float = 0.0,
        *,
        silent: bool = False,
        complete: bool = False,
    ) -> float:
        """Note how a job went, and tell what went wrong, or whose it is now. Returns how long it took, in seconds."""
        done = VideoState.SILENT if silent else VideoState.DONE
        state = done if error is None else self.state_after(job, error)
        failure = error if state is VideoState.FAILED else None
        took_s = self.summary.end(job.source, state, video_s, error=failure, complete=complete)
        if state is VideoState.SILENT:
            self.tell(f"svlm: {job.name}: nothing was said.")
        elif state is VideoState.ELSEWHERE:
            self.tell(f"svlm: {job.name}: another run is at it.")
        elif error is not None and state in (VideoState.FAILED, VideoState.STOPPED):
            self.fail(error)
        elif error is not None and (video_s or len(self.jobs) == 1):
            self.tell(error_sentence(error))
        return took_s

    def state_after(self, job: Job, error: SvlmError) -> VideoState:
        """What an error makes of its job: with --skip-existing, it is no failure that another run does it."""
        if isinstance(error, OutputClosedError):
            return VideoState.STOPPED
        if self.asked.skip_existing and isinstance(error, OutputBusyError):
            return VideoState.ELSEWHERE
        if self.asked.skip_existing and isinstance(error, OutputExistsError) and not still_missing(job).targets:
            return VideoState.SKIPPED
        return VideoState.FAILED

    def tell(self, line: str) -> None:
        """What nobody has to know."""
        if not self.asked.quiet:
            self.progress.say(line)

    def make_products(self, video: "Video") -> None:
        """Now that all words are there. What cannot be made stops no other."""
        for product in self.products:
            name = str(product.path)
            self.progress.begin(name, video.frames.duration_s)
            try:
                notice = product.make(partial(self.progress.move, name))
            except SvlmError as error:
                if self.asked.skip_existing and (isinstance(error, OutputBusyError) or product.path.is_file()):
                    self.tell(f"svlm: {name}: another run {'has made it' if product.path.is_file() else 'is at it'}.")
                else:
                    self.summary.lose(video.job.source, name, error)
                    self.fail(error)
            else:
                self.tell(f"{video.job.name} -> {name}")
                if notice:
                    self.progress.say(f"svlm: {notice}")
            finally:
                self.progress.end(name)

    def fail(self, error: SvlmError) -> None:
        """A lone video's error ends the command; one of several is told at once, and the others go on."""
        if isinstance(error, OutputClosedError):
            if self.asked.output == STDOUT:
                raise _StopEarlyError  # nobody hears the others either
            return
        if self.asked.ignore_errors and isinstance(error, InputError):
            self.progress.say(error_sentence(error))
            return
        self.errors.append(error)
        if len(self.jobs) > 1 or len(self.errors) > 1:
            self.progress.say(error_sentence(error))
        if len(self.jobs) > 1 and self.asked.fail_fast:
            raise _StopEarlyError

    def tell_what_is_left(self) -> None:
        """Of the videos that were stopped on the way."""
        for video in self.videos.values():
            parts = [str(one.part) for one in video.job.targets if one.part is not None and one.part.exists()]
            if parts:
                self.progress.say(
                    f"svlm: {video.job.name} was stopped; what was said of it so far is in {' and '.join(parts)}. "
                    "The next call captions it from the beginning, and replaces that."
                )

    @property
    def whole(self) -> bool:
        """Whether what there is, stopped now, is all that was asked for: of one video without an end."""
        return len(self.jobs) == 1 and all(video.feed.endless for video in self.videos.values())
