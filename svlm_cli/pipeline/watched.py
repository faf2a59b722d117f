"""A camera becomes a feed: its source is opened, its frames become chunks, its outputs wait for the first words.

Knows how sources, chunks and outputs fit together. Knows no model.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from svlm_cli.core.events import SourceStatus
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.media.network import tells_who_may_watch
from svlm_cli.outputs.destination import Destination, make_folder, open_destination
from svlm_cli.outputs.encoding import UTF_8, Encoding
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.output import Output, Provenance
from svlm_cli.outputs.patient import PatientFile
from svlm_cli.outputs.rotation import RotatingOutput, file_at, fixed_name
from svlm_cli.outputs.style import CueStyle
from svlm_cli.pipeline.batch import Target
from svlm_cli.pipeline.cameras import Camera
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.pipeline.run import Feed, Live
from svlm_cli.sources.files import FrameStream
from svlm_cli.sources.live import LiveStream
from svlm_cli.sources.opening import SourceOptions, open_source
from svlm_cli.sources.web import WebSource


@dataclass(frozen=True, slots=True)
class CameraOptions:
    """What every camera of a call has in common."""

    sources: SourceOptions
    resets: bool = False  # forget everything at a gap
    segment_s: float | None = None
    query: str | None = None
    context: str = ""
    seed: int = 0
    overwrite: bool = False
    style: CueStyle = field(default_factory=CueStyle)
    encoding: Encoding = UTF_8
    raw_tsv: bool = False
    model: str = ""  # as people call it


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A camera whose source is open."""

    camera: Camera
    frames: FrameStream | LiveStream | WebSource
    feed: Feed
    files: list[Path]  # that were begun, in order

    @property
    def newest(self) -> tuple[Path, ...]:
        """Those that the words go into now, one of each format."""
        return tuple({path.suffix: path for path in self.files}.values())

    def check(self) -> None:
        """Call once, and keep what comes of that; `InputError` if no other try could help.

        Not where a call is worth something: who sends by SRT, RTMP or UDP may serve one alone, from its beginning.
        """
        if isinstance(self.frames, WebSource) or (
            isinstance(self.frames, LiveStream) and tells_who_may_watch(self.camera.source.reveal())
        ):
            self.frames.check()


def open_camera(
    camera: Camera,
    policy: StreamPolicy,
    options: CameraOptions,
    *,
    tell_status: Callable[[SourceStatus], None],
    tell: Callable[[str], None],
) -> Watched:
    """Open a camera, without waiting for it; `UsageError` for a request that makes no sense.

    `tell_status` hears how the source is, `tell` of trouble with its files.
    """
    fps = policy.vision.fps
    frames = open_source(
        camera.source,
        name=camera.name,
        fps=fps,
        options=options.sources,
        enough_pixels=policy.vision.enough_pixels,
        tell=tell_status,
    )
    files: list[Path] = []

    def outputs() -> Sequence[Output]:
        provenance, live = Provenance(camera.name, options.model), _live(frames, options) is not None
        return [_open_output(target, provenance, options, files, tell if live else None) for target in camera.targets]

    feed = Feed(
        name=camera.name,
        chunks=chunks(frames, fps=fps, chunk_seconds=policy.chunk_seconds),
        close=frames.close,
        outputs=outputs,
        query=options.query,
        context=options.context,
        seed=options.seed,
        live=partial(_live, frames, options),
    )
    return Watched(camera, frames, feed, files)


def _live(frames: FrameStream | LiveStream | WebSource, options: CameraOptions) -> Live | None:
    """What there is to know of a live source; None for a recording, and for what nobody has looked at yet."""
    if isinstance(frames, WebSource):
        return None if frames.opened is None else _live(frames.opened, options)
    if not isinstance(frames, LiveStream):
        return None
    return Live(frames.now_s, drops=not options.sources.catch_up, resets=options.resets)


def _open_output(
    target: Target,
    provenance: Provenance,
    options: CameraOptions,
    files: list[Path],
    tell: Callable[[str], None] | None,
) -> Output:
    """`tell` is for live sources, whose files are written in place and not given up."""
    pattern, encoding = target.path, target.format.encoded(options.encoding)
    if pattern is None:
        destination = open_destination(None, overwrite=False, encoding=encoding)
        return open_output(target.format, destination, options.style, provenance, raw_tsv=options.raw_tsv)

    newest: PatientFile | None = None

    def at(wall_s: float) -> Output:
        nonlocal newest
        overwrite, live = options.overwrite, tell is not None
        open_file = partial(_open_file, pattern, wall_s, files, overwrite=overwrite, live=live, encoding=encoding)
        destination: Destination
        if tell is None:
            destination = open_file()
        else:
            destination = newest = PatientFile(open_file, tell, after=newest)
        return open_output(target.format, destination, options.style, provenance, raw_tsv=options.raw_tsv)

    every_s = None if tell is None else options.segment_s
    return RotatingOutput(at, every_s=every_s, shifts=target.format.traits.has_cues, tell=tell or _say_nothing)


def _open_file(
    pattern: Path, wall_s: float, files: list[Path], *, overwrite: bool, live: bool, encoding: Encoding
) -> Destination:
    path = fixed_name(pattern)
    if path is None:
        path = file_at(pattern, wall_s, taken=lambda path: not overwrite and os.path.lexists(path))
    make_folder(path.parent, "Choose another -o or --output-dir.")
    destination = open_destination(path, overwrite=overwrite, live=live, encoding=encoding)
    files.append(path)
    return destination


def _say_nothing(_line: str) -> None:
    """Files that are written once have nothing to tell."""
