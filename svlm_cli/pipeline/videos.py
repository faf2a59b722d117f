"""A job becomes a feed: its video is opened, its frames become chunks, its outputs wait for the first words.

Knows how sources, chunks and outputs fit together. Knows no model.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from svlm_cli.core.errors import OutputError, OutputExistsError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.outputs.destination import (
    Destination,
    has_part,
    make_folder,
    open_destination,
)
from svlm_cli.outputs.encoding import UTF_8, Encoding
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.output import Output, Provenance
from svlm_cli.outputs.style import CueStyle
from svlm_cli.pipeline.batch import Job, Target, refuse_done, still_missing
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.pipeline.inputs import STDIN
from svlm_cli.pipeline.products import Product, seen_by
from svlm_cli.pipeline.run import Feed
from svlm_cli.sources.files import Decoder, FrameStream, open_frames


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """What every video of a call has in common."""

    start_s: float | None = None
    end_s: float | None = None
    decoder: Decoder = Decoder.FFMPEG
    follow_s: float | None = None  # the file is still written, and ends when it has not grown for so long
    query: str | None = None
    context: str = ""
    seed: int = 0
    overwrite: bool = False
    skip_existing: bool = False
    make_folders: bool = False  # those of the outputs
    style: CueStyle = field(default_factory=CueStyle)
    encoding: Encoding = UTF_8
    raw_tsv: bool = False
    model: str = ""  # as people call it
    several: bool = False  # JSON lines say which video they are of


@dataclass(frozen=True, slots=True, eq=False)
class Video:
    """A job whose source is open."""

    job: Job
    frames: FrameStream
    feed: Feed


def open_video(job: Job, policy: StreamPolicy, options: VideoOptions, products: Sequence[Product] = ()) -> Video:
    """Open a job's source; `InputError` if it cannot be read. Its outputs are opened with its first words.

    With `skip_existing` its files are taken now, so that two runs do not caption the same video: `OutputBusyError` if
    another run has one of them. What has appeared meanwhile is left out of the job; `OutputExistsError` if nothing is
    left of it. `products` see its pictures and take its words.
    """
    fps = policy.vision.fps
    frames = open_frames(
        job.source,
        fps=fps,
        start_s=options.start_s,
        end_s=options.end_s,
        decoder=options.decoder,
        follow_s=options.follow_s,
        enough_pixels=policy.vision.enough_pixels,
    )
    files = _Files(job, options)

    def close() -> None:
        frames.close()
        files.close()

    def outputs() -> Sequence[Output]:
        return [*files.outputs(), *(output for product in products for output in product.outputs())]

    try:
        if options.skip_existing:
            files.take()
            refuse_done(files.job, len(products))
    except BaseException:
        close()
        raise
    feed = Feed(
        name=job.source,
        chunks=seen_by(products, chunks(frames, fps=fps, chunk_seconds=policy.chunk_seconds)),
        close=close,
        outputs=outputs,
        query=options.query,
        context=options.context,
        seed=options.seed,
        endless=job.source == STDIN or options.follow_s is not None,
    )
    return Video(files.job, frames, feed)


class _Files:
    """The files of a job, from when they are opened until there is an output that writes to them."""

    def __init__(self, job: Job, options: VideoOptions) -> None:
        self.job = job
        self._options = options
        self._opened: dict[Target, Destination] = {}

    def take(self) -> None:
        """Open those that one run at a time can have, but for those that are there by now. Raises `OutputError`."""
        live = self._options.follow_s is not None
        while True:
            wanted = [one for one in self.job.targets if one.path is not None and has_part(one.path, live=live)]
            try:
                self._open(sorted(wanted, key=lambda one: one.name))  # in any two runs the same one comes first
            except OutputExistsError:
                missing = still_missing(self.job)
                if missing == self.job:
                    raise
                self.job = missing
            else:
                return

    def outputs(self) -> list[Output]:
        """What writes to them. Raises `OutputError` if one of them cannot be opened; then none is."""
        self._open(self.job.targets)
        opened, self._opened = self._opened, {}
        provenance, options = Provenance(self.job.name, self._options.model), self._options
        return [
            open_output(
                one.format, opened[one], options.style, provenance, raw_tsv=options.raw_tsv, several=options.several
            )
            for one in self.job.targets
        ]

    def _open(self, targets: Iterable[Target]) -> None:
        try:
            for target in targets:
                if target not in self._opened:
                    self._opened[target] = _destination(target, self._options)
        except OutputError:
            self.close()
            raise

    def close(self) -> None:
        """Those that have no output yet are let go."""
        while self._opened:
            _, file = self._opened.popitem()
            with suppress(OutputError):
                file.close(complete=False)


def _destination(target: Target, options: VideoOptions) -> Destination:
    if target.path is not None and options.make_folders:
        make_folder(target.path.parent, "Choose another --output-dir.")
    encoding = target.format.encoded(options.encoding)
    return open_destination(
        target.path, overwrite=options.overwrite, live=options.follow_s is not None, encoding=encoding
    )
