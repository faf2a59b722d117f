"""Videos before a bench: a file as it is read from disk, and videos as live sources, each read at its own pace.

What is measured is in ``bench/playback.py`` and ``bench/live.py``. The one module of this package that reads media, and
imports what does in its functions.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from svlm_cli.bench.live import EvenEngine, LiveTrial, Watch
from svlm_cli.bench.windows import filling
from svlm_cli.core.errors import InputError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.pipeline.run import Feed, Live, run

if TYPE_CHECKING:
    from svlm_cli.media.ffmpeg import Address

SAMPLE_S = 20.0
_PACED = (("stream_loop", "-1"), ("readrate", "1"))  # ffmpeg's words


@contextmanager
def video_or_sample(video: Path | None, width: int, height: int) -> Iterator[Path]:
    """The video, or one that is made for the time being."""
    if video is not None:
        yield video
        return

    from svlm_cli.media.sample import make_sample

    with TemporaryDirectory(prefix="svlm-bench-") as folder:
        sample = Path(folder) / f"sample-{width}x{height}.mp4"
        make_sample(sample, width=width, height=height, seconds=SAMPLE_S)
        yield sample


@contextmanager
def file_chunks(video: Path, policy: StreamPolicy) -> Iterator[tuple[Iterator[Chunk], Callable[[], None]]]:
    """The chunks of a file as they are decoded, and what ends that. Raises `InputError`."""
    from svlm_cli.sources.files import open_frames

    fps = policy.vision.fps
    with open_frames(video, fps=fps, enough_pixels=policy.vision.enough_pixels) as frames:
        yield chunks(frames, fps=fps, chunk_seconds=policy.chunk_seconds), frames.close


def video_facts(video: Path) -> dict[str, Any]:
    """What its header says, for a report. `InputError` if it cannot be read."""
    from svlm_cli.media.conversion import read_header
    from svlm_cli.media.ffmpeg import file_address, find_ffmpeg, path_name

    address = file_address(video)
    header = read_header(find_ffmpeg(), address)
    if header.size is None:
        raise InputError(f"{address.name} has no pictures of a known size.", "Take another video.")
    width, height = header.size
    facts = {"name": path_name(video.name), "width": width, "height": height}
    return facts | {"pictures_per_s": header.rate, "duration_s": header.duration_s}


def attempt_live(engine: EvenEngine, video: Path, streams: int, rounds: int) -> LiveTrial:
    """So many streams of the video side by side, as cameras are run."""
    from svlm_cli.media.ffmpeg import file_address

    watch = Watch(engine.policy, streams, rounds)
    address = replace(file_address(video), options=_PACED)
    feeds = [_feed(engine, address, index / streams, watch.rounds) for index in range(streams)]
    for report in run(engine, feeds, max_streams=streams, listen=lambda _, event: watch.hear(event)):
        if report.error is not None:
            raise report.error
    trial = watch.trial()
    if trial is None:
        raise InputError(f"{address.name} gave too few pictures.", "Take another video.")
    return trial


def _feed(engine: EvenEngine, address: "Address", begin: float, rounds: int) -> Feed:
    """A camera that shows the video, for so many rounds; it begins later by the part `begin` of a round: the seconds of
    cameras do not begin together.
    """
    from svlm_cli.media.ffmpeg import find_ffmpeg
    from svlm_cli.sources.live import LiveOptions, LiveStream

    policy = engine.policy
    fps, chunk_s = policy.vision.fps, policy.chunk_seconds
    frames = LiveStream(find_ffmpeg(), address, fps=fps, options=LiveOptions(max_reconnects=0))
    shown = islice(chunks(frames, fps=fps, chunk_seconds=chunk_s), rounds)
    return Feed(
        name=address.name,
        chunks=_later(shown, begin * chunk_s),
        close=frames.close,
        outputs=list,
        context=filling(policy),
        live=lambda: Live(frames.now_s),
        endless=True,
    )


def _later(chunks: Iterator[Chunk], delay_s: float) -> Iterator[Chunk]:
    time.sleep(delay_s)
    yield from chunks
