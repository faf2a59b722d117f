"""``svlm caption`` for what is no file here: cameras, streams, devices. Puts engine and sources together.

All run at once, in one batch, on one copy of the weights. What happens to each is told in plain lines, and on the
screen of the live view, if there is one.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from svlm_cli.commands.auto_model import settled
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.live_view import Gauge, asker, showing
from svlm_cli.commands.loading import checkpoint_of, introduction, load
from svlm_cli.commands.messages import conclude, error_sentence
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded, SourceStatus, State, describe, event_of
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk, Segment, TokenEvent
from svlm_cli.media.ffmpeg import path_name
from svlm_cli.outputs.destination import OutputClosedError
from svlm_cli.outputs.progress import Progress
from svlm_cli.pipeline.questions import QuestionDesk

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.pipeline.cameras import Camera
    from svlm_cli.pipeline.run import Feed, FeedReport
    from svlm_cli.pipeline.watched import CameraOptions, Watched

_REPEAT_S = 60.0  # the same trouble is told again so often
_NAMED_FILES = 3
_WAY_OUT = " Ctrl-C ends, --max-reconnects N gives up after so many."


class StatusLines:
    """What is told of cameras while they run: each change once, the same trouble once a minute, what was dropped."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._reasons: dict[str, tuple[str, float]] = {}  # by camera: the last trouble, and when it was told
        self._dropped: dict[str, tuple[int, float]] = {}  # by camera: not told yet, and when the last were
        self._lock = Lock()  # each camera tells from its own thread

    def note(self, status: SourceStatus) -> None:
        """A camera's state has changed."""
        with self._lock:
            if status.state is State.WAITING:
                reason, told_s = self._reasons.get(status.name, ("", -math.inf))
                if reason == status.reason and time.monotonic() - told_s < _REPEAT_S:
                    return
                self._reasons[status.name] = (status.reason, time.monotonic())
            elif status.state is State.LIVE:
                self._reasons.pop(status.name, None)
            else:
                return
        first = status.state is State.WAITING and status.failures == 1 and not status.connections
        self._say(f"svlm: {describe(status)}{_WAY_OUT if first else ''}")

    def hear(self, ended: RoundEnded) -> None:
        """A round is over: tell what was left out, at most once a minute."""
        count, told_s = self._dropped.get(ended.name, (0, -math.inf))
        count += ended.dropped
        if count and time.monotonic() - told_s >= _REPEAT_S:
            lag = "" if ended.latency_s is None else f"; words come {ended.latency_s:.1f} s after their frame"
            self._say(f"svlm: {ended.name}: the model is too slow, {count} frames were dropped{lag}")
            count, told_s = 0, time.monotonic()
        self._dropped[ended.name] = (count, told_s)


def watch(cameras: "tuple[Camera, ...]", asked: CaptionOptions) -> None:
    """Caption all of them until each has ended, or a signal comes."""
    from svlm_cli.checkpoints import policy_changes

    asked = settled(asked)
    wanted, gauge = asked.showing(), Gauge()
    screen = wanted.wants_screen(endless=True)  # what makes no sense is refused before anything is loaded
    desk, names = QuestionDesk(), [camera.name for camera in cameras]
    options = asked.camera_options(several=len(cameras) > 1)
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    checkpoint = checkpoint_of(asked)
    policy = asked.changed(checkpoint.policy, changes)
    with showing(wanted, gauge, names=names, endless=True, ask=asker(desk)) as progress:
        call = _Watch(cameras, options, asked, policy, progress, gauge, desk, asks=screen)
        try:
            call.run(checkpoint)
        except KeyboardInterrupt:
            if not progress.quit_asked or call.cut:
                raise
    call.conclude()


@dataclass(slots=True, eq=False)
class _Watch:
    """One call of the command: its cameras, how each went, and what is told meanwhile."""

    cameras: "tuple[Camera, ...]"
    options: "CameraOptions"
    asked: CaptionOptions
    policy: StreamPolicy
    progress: Progress
    gauge: Gauge
    desk: QuestionDesk
    asks: bool  # questions may come
    watched: "dict[str, Watched]" = field(default_factory=dict)  # by name, while they run
    errors: list[SvlmError] = field(default_factory=list)
    told_files: dict[str, int] = field(default_factory=dict)  # by name, how many
    cut: bool = False  # something with an end was stopped before it
    lines: StatusLines = field(init=False)

    def __post_init__(self) -> None:
        self.lines = StatusLines(self.say)

    def say(self, line: str) -> None:
        """One line for people, unless they want quiet."""
        if not self.asked.quiet:
            self.progress.say(line)

    def run(self, checkpoint: "Checkpoint") -> None:
        """Load the model, then watch all cameras until each has ended."""
        from svlm_cli.pipeline.run import run

        for line in introduction(self.asked, self.policy, self.options.context):
            self.say(line)
        feeds = self.feeds()
        first = next(feeds, None)
        if first is None:
            return
        streams = len(self.cameras)
        try:
            engine = self.gauge.engine = load(checkpoint, self.policy, self.asked, streams, self.say, asks=self.asks)
        except BaseException:
            first.close()
            raise
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

    def feeds(self) -> "Iterator[Feed]":
        """The cameras that can be opened."""
        for camera in self.cameras:
            try:
                watched = self.open(camera)
            except SvlmError as error:
                self.fail(error)
                continue
            self.watched[camera.name] = watched
            self.progress.begin(camera.name, watched.frames.duration_s)
            yield watched.feed

    def open(self, camera: "Camera") -> "Watched":
        """A lone one that will never let us in is told at once: loading the model may take a minute."""
        from svlm_cli.pipeline.watched import open_camera

        watched = open_camera(camera, self.policy, self.options, tell_status=self.become, tell=self.trouble(camera))
        if len(self.cameras) == 1:
            try:
                watched.check()
            except BaseException:
                watched.feed.close()
                raise
        return watched

    def trouble(self, camera: "Camera") -> Callable[[str], None]:
        """How trouble with a camera's files is told."""
        return lambda line: self.progress.say(f"svlm: {camera.name}: {line}")

    def become(self, status: SourceStatus) -> None:
        """A camera's state has changed."""
        self.progress.hear(status)
        self.lines.note(status)

    def listen(self, feed: "Feed", event: Chunk | TokenEvent | Segment) -> None:
        """Show what is seen and said, and a phrase when its second is over."""
        if isinstance(event, Chunk) and feed.live() is None:
            self.progress.hear(SourceStatus(feed.name, State.READING))
        told = event_of(event, feed.name)
        self.progress.hear(told, event.frames if isinstance(event, Chunk) else ())
        if isinstance(told, RoundEnded):
            self.tell_files(feed.name)
            self.lines.hear(told)

    def tell_files(self, name: str) -> None:
        """Where its words go, once for each file."""
        watched = self.watched[name]
        if len(watched.files) == self.told_files.get(name, 0):
            return
        self.told_files[name] = len(watched.files)
        files = ", ".join(map(path_name, watched.newest))
        self.progress.write(name, files)
        self.say(f"svlm: {name} -> {files}")

    def stop(self, report: "FeedReport") -> None:
        """One is stopped, and with it the command."""
        self.cut = self.cut or report.feed.ends
        self.note(report)

    def note(self, report: "FeedReport") -> None:
        """Tell how a camera went, also if it was stopped."""
        watched = self.watched.pop(report.feed.name)
        name = watched.camera.name
        self.progress.end(name)
        for notice in watched.frames.notices:
            self.progress.say(f"svlm: {notice}")
        if report.rounds:
            self.say(f"{name} -> {written(watched.files)}: {totals(report)}")
            if not report.spoken:
                self.say(f"svlm: {name}: nothing was said.")
        if report.error is not None:
            self.fail(report.error)

    def fail(self, error: SvlmError) -> None:
        """A lone camera's error ends the command; one of several is told at once, and the others go on."""
        if isinstance(error, OutputClosedError):
            return
        self.errors.append(error)
        if len(self.cameras) > 1:
            self.progress.say(error_sentence(error))

    def conclude(self) -> None:
        """The exit code: the error's own for a lone camera, 1 if any of several failed."""
        conclude(self.errors, alone=len(self.cameras) == 1)


def written(files: Sequence[Path]) -> str:
    """Which they are, the first few by name."""
    names = [path_name(path) for path in files[:_NAMED_FILES]] or ["stdout"]
    more = len(files) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def totals(report: "FeedReport") -> str:
    """How it went, in a line."""
    parts = [f"{report.video_s:.1f} s of video"]
    if report.gap_s:
        parts.append(f"{report.gap_s:.1f} s missed")
    if report.feed.live() is not None:
        parts.append(f"{report.dropped} frames dropped")
        latency = report.latency
        parts.append(
            f"words {latency.quantile(0.5):.2f} s after their frame (99 %: {latency.quantile(0.99):.2f} s, "
            f"longest {latency.longest_s:.2f} s)"
        )
    return ", ".join(parts)
