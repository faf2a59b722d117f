"""svlm as a library: a video or frames in, Segments out, one by one.

Imports what it needs when it is called, so that ``import svlm_cli`` stays light. Knows no command line and writes
nothing.
"""

import os
import warnings
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from svlm_cli.core.policy import Mode, StreamPolicy
    from svlm_cli.core.types import Chunk, Frame, Picture, Segment
    from svlm_cli.engine.engine import Engine


def caption(
    source: "str | os.PathLike[str] | Iterable[Frame | Picture]",
    *,
    model: "str | Engine | None" = None,
    start_s: float | None = None,
    end_s: float | None = None,
    query: str | None = None,
    context: str = "",
    seed: int = 0,
) -> "Generator[Segment, None, None]":
    """What the model says of a video, second by second: a Segment a round; with empty text it was silent.

    `source` is a path, ``-`` for standard input, or frames, maybe endless: `Frame` objects with their times, in order,
    or bare pictures (RGB, uint8, ``[H, W, 3]``), as many a second as the model sees. `start_s` and `end_s` are seconds
    as players count them; the end is left out itself.

    `model` is what ``--model`` takes, None the model that comes with svlm. An engine of `load_engine` is not loaded
    again; it takes as many captions at a time as it has streams. `context` is what ``--context`` takes, as text; that
    the model will not understand it is told.

    Nothing is opened before the first segment is asked for, and all is closed after the last one, or with the
    generator. Raises `svlm_cli.core.errors.SvlmError` for bad arguments, and for a video that cannot be read, or ends
    too early: then after its last segment. What there is to tell besides is a `UserWarning`.
    """
    from svlm_cli.checkpoints.patterns import matches
    from svlm_cli.core.types import Segment
    from svlm_cli.engine.plan import Request

    engine = load_engine(model) if model is None or isinstance(model, str) else model
    if misunderstood := engine.policy.prompt.misunderstood(context, matches):
        warnings.warn(misunderstood, stacklevel=2)
    chunks = _chunks(source, engine.policy, start_s, end_s)
    try:
        with engine.open(query=query, context=context, seed=seed) as stream:
            for chunk in chunks:
                for event in engine.step([Request(stream, chunk)]):
                    if isinstance(event, Segment):
                        yield event
    finally:
        chunks.close()


def load_engine(
    model: str | None = None,
    *,
    fps: float | None = None,
    mode: "Mode | None" = None,
    temperature: float | None = None,
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    offline: bool = False,
    max_streams: int = 1,
) -> "Engine":
    """A model on a device, for `caption`; what is None is the model's own. Raises `ModelError`, `UsageError`."""
    from svlm_cli.checkpoints.resolve import resolve
    from svlm_cli.compute.device import resolve_device, resolve_dtype
    from svlm_cli.engine.engine import Engine

    checkpoint = resolve(model, revision=revision, offline=offline)
    policy = checkpoint.policy.changed(mode=mode, fps=fps, temperature=temperature)
    where = resolve_device(device)
    return Engine.load(
        checkpoint.folder, policy, device=where, dtype=resolve_dtype(dtype, where), max_streams=max_streams
    )


def _chunks(
    source: "str | os.PathLike[str] | Iterable[Frame | Picture]",
    policy: "StreamPolicy",
    start_s: float | None,
    end_s: float | None,
) -> "Generator[Chunk, None, None]":
    if isinstance(source, str | os.PathLike):
        return _chunks_of_a_file(source, policy, start_s, end_s)
    return _chunks_of_frames(source, policy, start_s, end_s)


def _chunks_of_a_file(
    source: str | os.PathLike[str], policy: "StreamPolicy", start_s: float | None, end_s: float | None
) -> "Generator[Chunk, None, None]":
    """Read ahead, so that decoding and the model overlap."""
    from svlm_cli.core.errors import InputError
    from svlm_cli.pipeline.chunker import chunks
    from svlm_cli.pipeline.inbox import Inbox
    from svlm_cli.sources.files import open_frames

    fps = policy.vision.fps
    enough_pixels = policy.vision.enough_pixels
    with open_frames(source, fps=fps, start_s=start_s, end_s=end_s, enough_pixels=enough_pixels) as frames:
        inbox: Inbox[str] = Inbox()
        inbox.add("video", chunks(frames, fps=fps, chunk_seconds=policy.chunk_seconds), frames.close)
        try:
            while inbox.wait() and (chunk := inbox.take("video")) is not None:
                yield chunk
        finally:
            inbox.remove("video")
        for notice in frames.notices:
            warnings.warn(notice, stacklevel=3)
        if frames.truncated:
            raise InputError(f"{os.fspath(source)} ends too early.", "What could be read was captioned.")


def _chunks_of_frames(
    source: "Iterable[Frame | Picture]", policy: "StreamPolicy", start_s: float | None, end_s: float | None
) -> "Generator[Chunk, None, None]":
    """In the caller's own thread: frames may come from anywhere."""
    from svlm_cli.pipeline.chunker import chunks

    fps = policy.vision.fps
    frames = (
        frame
        for frame in _timed(source, fps)
        if (start_s is None or frame.time_s >= start_s) and (end_s is None or frame.time_s < end_s)
    )
    yield from chunks(frames, fps=fps, chunk_seconds=policy.chunk_seconds)


def _timed(source: "Iterable[Frame | Picture]", fps: float) -> "Iterator[Frame]":
    from svlm_cli.core.errors import UsageError
    from svlm_cli.core.types import Frame

    for index, one in enumerate(source):
        frame = one if isinstance(one, Frame) else Frame(one, index / fps)
        if not _is_picture(frame.pixels):
            raise UsageError(f"Frame {index} is no picture.", "Give RGB pictures: numpy arrays of uint8, [H, W, 3].")
        yield frame


def _is_picture(pixels: object) -> bool:
    """Whatever was given: a list, a tensor, an array of another kind."""
    import numpy as np

    return isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
