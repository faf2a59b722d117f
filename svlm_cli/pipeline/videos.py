"""A job becomes a feed: its video is opened, its frames become chunks, its outputs wait for the first words.

Knows how sources, chunks and outputs fit together. Knows no model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from svlm_cli.core.policy import StreamPolicy
from svlm_cli.outputs.destination import make_folder, open_destination
from svlm_cli.outputs.encoding import UTF_8, Encoding
from svlm_cli.outputs.output import Output, Provenance, open_output
from svlm_cli.outputs.style import CueStyle
from svlm_cli.pipeline.batch import Job, Target
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
    make_folders: bool = False  # those of the outputs
    style: CueStyle = field(default_factory=CueStyle)
    encoding: Encoding = UTF_8
    raw_tsv: bool = False
    model: str = ""  # as people call it


@dataclass(frozen=True, slots=True, eq=False)
class Video:
    """A job whose source is open."""

    job: Job
    frames: FrameStream
    feed: Feed


def open_video(job: Job, policy: StreamPolicy, options: VideoOptions, products: Sequence[Product] = ()) -> Video:
    """Open a job's source; `InputError` if it cannot be read. Its outputs are opened with its first words.

    `products` see its pictures and take its words.
    """
    fps = policy.vision.fps
    frames = open_frames(
        job.source,
        fps=fps,
        start_s=options.start_s,
        end_s=options.end_s,
        decoder=options.decoder,
        follow_s=options.follow_s,
    )

    def outputs() -> Sequence[Output]:
        files = [_open(target, Provenance(job.name, options.model), options) for target in job.targets]
        return [*files, *(output for product in products for output in product.outputs())]

    feed = Feed(
        name=job.source,
        chunks=seen_by(products, chunks(frames, fps=fps, chunk_seconds=policy.chunk_seconds)),
        close=frames.close,
        outputs=outputs,
        query=options.query,
        context=options.context,
        seed=options.seed,
        endless=job.source == STDIN or options.follow_s is not None,
    )
    return Video(job, frames, feed)


def _open(target: Target, provenance: Provenance, options: VideoOptions) -> Output:
    if target.path is not None and options.make_folders:
        make_folder(target.path.parent, "Choose another --output-dir.")
    encoding = target.format.encoded(options.encoding)
    destination = open_destination(
        target.path, overwrite=options.overwrite, live=options.follow_s is not None, encoding=encoding
    )
    return open_output(target.format, destination, options.style, provenance, raw_tsv=options.raw_tsv)
