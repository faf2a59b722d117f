"""``svlm caption``: videos in, subtitles out. Reads the options, and puts checkpoint, engine and videos together."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.commands import caption_options as its
from svlm_cli.commands import options
from svlm_cli.commands.cameras import Watch
from svlm_cli.commands.grouping import grouped
from svlm_cli.commands.live_options import LiveFlags
from svlm_cli.commands.loading import load
from svlm_cli.commands.messages import ExitCode, error_sentence
from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Segment, TokenEvent
from svlm_cli.outputs.destination import OutputClosedError
from svlm_cli.outputs.output import Format
from svlm_cli.outputs.progress import Progress, ProgressStyle, open_progress
from svlm_cli.pipeline.batch import Job, Wanted, plan
from svlm_cli.pipeline.inputs import STDIN, Input
from svlm_cli.sources.files import Decoder

if TYPE_CHECKING:
    from svlm_cli.pipeline.run import Feed, FeedReport
    from svlm_cli.pipeline.videos import Video, VideoOptions

_WHAT_SPEAKS = (
    f"svlm: {DEFAULT_MODEL} speaks: a small model that knows only the simulated ball game that it was trained in. "
    "Real footage wants --model streamingvlm-7b."
)

app = typer.Typer(add_completion=False)


@app.command()
@grouped
def caption(
    sources: its.Sources,
    model: options.Model = None,
    output: its.Output = None,
    output_dir: its.OutputDir = None,
    formats: its.Formats = "",
    overwrite: its.Overwrite = False,
    start: its.Start = None,
    end: its.End = None,
    fps: its.SeenFps = None,
    query: its.Query = None,
    keep_query: its.KeepQuery = None,
    context: its.Context = "",
    mode: its.StreamMode = None,
    temperature: its.Temperature = None,
    seed: options.Seed = 0,
    decoder: its.FileDecoder = Decoder.FFMPEG,
    *,
    live: LiveFlags,
    revision: options.Revision = None,
    offline: options.Offline = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    progress: its.ShownProgress = ProgressStyle.AUTO,
    quiet: options.Quiet = False,
) -> None:
    """Caption videos and cameras: what the model says, second by second.

    Each video gets STEM.srt beside it, or other formats; several share one loaded model. Addresses (rtsp://...) and
    devices are watched, all at once, until Ctrl-C. Progress goes to stderr, `-o -` to stdout.
    """
    wanted = Wanted(_formats(formats), output, output_dir, overwrite)
    seen = live.source_options(_time(start), _time(end), decoder)
    cameras = live.cameras(sources, seen, wanted)
    jobs = () if cameras else plan([Input.named(source) for source in sources], wanted)

    from svlm_cli.checkpoints.resolve import resolve
    from svlm_cli.pipeline.videos import VideoOptions

    video_options = VideoOptions(
        start_s=seen.start_s,
        end_s=seen.end_s,
        decoder=decoder,
        follow_s=live.follow_s,
        query=query,
        context=_context(context),
        seed=seed,
        overwrite=overwrite,
        make_folders=output_dir is not None,
    )
    checkpoint = resolve(model, revision=revision, offline=offline)
    policy = checkpoint.policy.changed(mode=mode, fps=fps, keep_query=keep_query, temperature=temperature)
    told = _WHAT_SPEAKS if model is None and not quiet else ""
    begin = (
        partial(Watch, cameras, live.camera_options(seen, video_options))
        if cameras
        else partial(_Call, jobs, video_options)
    )
    call = begin(policy, open_progress(progress, quiet=quiet), quiet, told)
    try:
        call.run(checkpoint.folder, device, dtype)
    finally:
        call.progress.close()
    call.conclude()


@dataclass(slots=True, eq=False)
class _Call:
    """One call of the command: its videos, how each went, and what is told meanwhile."""

    jobs: tuple[Job, ...]
    options: "VideoOptions"
    policy: StreamPolicy
    progress: Progress
    quiet: bool
    told: str  # before the first word, if anything
    videos: dict[str, "Video"] = field(default_factory=dict)  # by source, while they run
    errors: list[SvlmError] = field(default_factory=list)

    def run(self, folder: Path, device: str, dtype: str) -> None:
        """Open the first video that can be read, and only then load the model."""
        feeds = self.feeds()
        first = next(feeds, None)
        if first is None:
            return
        if self.told:
            self.progress.say(self.told)
        try:
            engine = load(folder, self.policy, device, dtype, 1)
        except BaseException:
            first.close()
            raise
        from svlm_cli.pipeline.run import run

        started = time.perf_counter()
        for report in run(engine, chain([first], feeds), listen=self.listen):
            self.note(report, time.perf_counter() - started)
            started = time.perf_counter()

    def feeds(self) -> Iterator["Feed"]:
        """The videos that can be opened, one by one as they are wanted."""
        from svlm_cli.pipeline.videos import open_video

        for job in self.jobs:
            try:
                video = open_video(job, self.policy, self.options)
            except SvlmError as error:
                self.fail(error)
                continue
            self.videos[job.source] = video
            self.progress.begin(_name(job.source), self.length_s(video))
            yield video.feed

    def length_s(self, video: "Video") -> float | None:
        """How much of a video there is to caption, as far as its header says."""
        start_s, until_s = self.options.start_s or 0.0, video.frames.duration_s
        if self.options.end_s is not None:
            until_s = self.options.end_s
        return until_s - start_s if until_s is not None and until_s > start_s else None

    def listen(self, feed: "Feed", event: TokenEvent | Segment) -> None:
        """Show a phrase when its second is over."""
        if isinstance(event, Segment):
            self.progress.hear(_name(feed.name), event)

    def note(self, report: "FeedReport", took_s: float) -> None:
        """Tell how a video went."""
        source = report.feed.name
        video = self.videos.pop(source)
        self.progress.end(_name(source))
        written = ", ".join(target.name for target in video.job.targets)
        for notice in video.frames.notices:
            self.progress.say(f"svlm: {notice}")
        error = report.error
        if error is None and video.frames.truncated:
            error = InputError(f"{_name(source)} ends too early.", f"What could be read is captioned in {written}.")
        if error is not None:
            self.fail(error)
        elif not self.quiet:
            self.progress.say(f"{_name(source)} -> {written}: {report.video_s:.1f} s of video in {took_s:.1f} s")

    def fail(self, error: SvlmError) -> None:
        """A lone video's error ends the command; one of several is told at once, and the others go on."""
        if isinstance(error, OutputClosedError):
            return
        self.errors.append(error)
        if len(self.jobs) > 1:
            self.progress.say(error_sentence(error))

    def conclude(self) -> None:
        """The exit code: the error's own for a lone video, 1 if any of several failed."""
        if self.errors and len(self.jobs) == 1:
            raise self.errors[0]
        if self.errors:
            raise typer.Exit(ExitCode.FAILED)


def _name(source: str) -> str:
    return "stdin" if source == STDIN else source


def _formats(text: str) -> tuple[Format, ...]:
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    known = {one.value: one for one in Format}
    for name in names:
        if name not in known:
            raise UsageError(f"There is no format {name}.", f"Use {', '.join(known)}.")
    return tuple(known[name] for name in names)


def _time(text: str | None) -> float | None:
    """Seconds, or [H:]MM:SS, both with decimals."""
    if text is None:
        return None
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)", text.strip())
    if match is None:
        raise UsageError(f"{text} is not a time.", "Write seconds (90.5) or [H:]MM:SS (1:30.5).")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)


def _context(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The context file {text[1:]} cannot be read as text.", "Check its name, or its encoding."
        ) from error
