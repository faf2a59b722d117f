"""Turns a job into a feed: opens its source, chunks its frames, and opens its outputs at the first words.

Knows how sources, chunks and outputs fit together. Knows no model.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from svlm_cli.core.events import SourceStatus
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Frame
from svlm_cli.media.network import tells_who_may_watch
from svlm_cli.outputs.output import Output
from svlm_cli.pipeline.batch import Job, refuse_done
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.pipeline.inputs import STDIN
from svlm_cli.pipeline.job_files import DatedFiles, JobFiles, Tell
from svlm_cli.pipeline.products import Product, seen_by
from svlm_cli.pipeline.run import Feed, Live
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.sources.files import FrameStream
from svlm_cli.sources.live import LiveStream
from svlm_cli.sources.opening import is_file, open_source
from svlm_cli.sources.web import WebSource


class GivenFrames:
    """Frames from the caller, read in the thread that runs the session. They end by themselves."""

    duration_s: float | None = None

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = frames
        self.notices: list[str] = []

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    def stop(self) -> None:
        """Does nothing: there is nothing to stop."""

    def close(self) -> None:
        """Does nothing: there is nothing to release."""


Frames = FrameStream | LiveStream | WebSource | GivenFrames


@dataclass(frozen=True, slots=True, eq=False)
class OpenSource:
    """A job with its source open."""

    job: Job
    frames: Frames
    feed: Feed
    begun: list[Path] = field(default_factory=list)  # files of a camera or web address, in order

    @property
    def duration_s(self) -> float | None:
        """The length of a recording, if its header says it."""
        return self.frames.duration_s

    @property
    def notices(self) -> Sequence[str]:
        """What people should know of how it was read."""
        return self.frames.notices

    @property
    def ends(self) -> bool:
        """Whether it is cut off if it is stopped."""
        return self.feed.ends

    @property
    def truncated(self) -> bool:
        """Whether a recording broke off early."""
        frames = self.frames.opened if isinstance(self.frames, WebSource) else self.frames
        return isinstance(frames, FrameStream) and frames.truncated

    def check(self) -> None:
        """Connect to a live source once, and keep the connection; `InputError` if no retry could help.

        Skipped where a connection is precious: an SRT, RTMP or UDP sender may serve only one, from the beginning.
        """
        if isinstance(self.frames, WebSource) or (
            isinstance(self.frames, LiveStream) and tells_who_may_watch(self.job.source.reveal())
        ):
            self.frames.check()


def open_job(
    job: Job,
    settings: SessionSettings,
    policy: StreamPolicy,
    *,
    products: Sequence[Product] = (),
    given: Iterable[Frame] | None = None,
    hear: Callable[[SourceStatus], None] = lambda status: None,
    tell: Tell = lambda line: None,
) -> OpenSource:
    """Open a job's source; a live one is not waited for. Outputs are opened with the first words.

    `hear` is called with the state of a live source, `tell` with problems of its files.

    With `skip_existing` the files of a video are locked now, so that two runs do not caption the same one:
    `OutputBusyError` if another run holds one of them. Outputs that have appeared meanwhile are left out;
    `OutputExistsError` if none is left. `products` see the pictures and take the words; `given` are frames that replace
    the source. `InputError` for an unreadable file, `UsageError` for an invalid request.
    """
    frames = GivenFrames(given) if given is not None else _frames(job, settings, policy, hear)
    if given is None and not is_file(job.source, settings.sources):
        return _watched(job, frames, settings, policy, tell)
    files = JobFiles(job, settings)

    def close() -> None:
        frames.close()
        files.close()

    def outputs() -> Sequence[Output]:
        return [*files.outputs(), *(output for product in products for output in product.outputs())]

    try:
        if settings.skip_existing:
            files.take()
            refuse_done(files.job, len(products))
    except BaseException:
        close()
        raise
    feed = _feed(job, frames, settings, policy, outputs)
    endless = job.source == STDIN or settings.sources.follow
    feed = replace(feed, chunks=seen_by(products, feed.chunks), close=close, endless=endless, ahead=given is None)
    return OpenSource(files.job, frames, feed)


def _frames(
    job: Job, settings: SessionSettings, policy: StreamPolicy, hear: Callable[[SourceStatus], None]
) -> FrameStream | LiveStream | WebSource:
    return open_source(
        job.source,
        name=job.name,
        fps=policy.vision.fps,
        options=settings.sources,
        enough_pixels=policy.vision.enough_pixels,
        tell=hear,
    )


def _watched(job: Job, frames: Frames, settings: SessionSettings, policy: StreamPolicy, tell: Tell) -> OpenSource:
    """A camera or web address: only its first picture shows whether it is live."""
    files, live = DatedFiles(job, settings, tell), partial(_live, frames, settings)
    feed = _feed(job, frames, settings, policy, lambda: files.outputs(live=live() is not None))
    return OpenSource(job, frames, replace(feed, live=live), files.begun)


def _feed(
    job: Job,
    frames: Frames,
    settings: SessionSettings,
    policy: StreamPolicy,
    outputs: Callable[[], Sequence[Output]],
) -> Feed:
    return Feed(
        name=job.name,
        chunks=chunks(frames, fps=policy.vision.fps, chunk_seconds=policy.chunk_seconds),
        close=frames.close,
        outputs=outputs,
        query=settings.query,
        context=" ".join(filter(None, (settings.context, job.said))),
        seed=settings.seed,
    )


def _live(frames: Frames, settings: SessionSettings) -> Live | None:
    """The properties of a live source; None for a recording, and for a web address not opened yet."""
    if isinstance(frames, WebSource):
        return None if frames.opened is None else _live(frames.opened, settings)
    if not isinstance(frames, LiveStream):
        return None
    return Live(frames.now_s, drops=not settings.sources.catch_up, resets=settings.resets)
