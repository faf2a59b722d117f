"""The rounds of one video: its source and the engine are opened, chunks go in, segments come out, all is closed.

Knows neither who asks for the next segment nor whether what was asked for makes sense.
"""

import os
import warnings
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager

from svlm_cli.checkpoints.patterns import matches
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.types import Chunk, Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.stream import StreamState
from svlm_cli.library import load_engine
from svlm_cli.library.captions import CaptionControl
from svlm_cli.library.frames import timed_frames
from svlm_cli.library.wish import Wish
from svlm_cli.pipeline.asking import ask
from svlm_cli.pipeline.cameras import Camera, camera_name
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.pipeline.inbox import read_ahead
from svlm_cli.pipeline.questions import Question, Reply
from svlm_cli.pipeline.run import with_latency
from svlm_cli.pipeline.watched import CameraOptions, open_camera
from svlm_cli.sources.files import FrameStream
from svlm_cli.sources.web import WebSource


def rounds(wish: Wish, control: CaptionControl) -> Generator[Segment, None, None]:
    """The segments of what is wished for. Raises `SvlmError`."""
    engine = wish.model if isinstance(wish.model, Engine) else load_engine(wish.model)
    if misunderstood := engine.policy.prompt.misunderstood(wish.context, matches):
        warnings.warn(misunderstood, stacklevel=3)
    with engine.open(query=wish.query, context=wish.context, seed=wish.seed) as stream, asked(engine, stream, control):
        if isinstance(wish.source, str | os.PathLike):
            yield from _of_a_source(wish.source, wish, engine, stream, control)
        else:
            yield from _of_frames(wish, engine, stream, control)


@contextmanager
def asked(engine: Engine, stream: StreamState, control: CaptionControl) -> Iterator[None]:
    """Questions are answered meanwhile."""

    def reply(question: Question) -> Reply:
        if not engine.questions.forks:
            raise UsageError("This engine has no room for questions.", "Load it with load_engine(questions=1).")
        return ask(engine, stream, question)

    control.reply = reply
    try:
        yield
    finally:
        control.reply = None


def _of_a_source(
    source: str | os.PathLike[str], wish: Wish, engine: Engine, stream: StreamState, control: CaptionControl
) -> Generator[Segment, None, None]:
    """Read ahead, so that decoding and the model overlap."""
    address = SourceAddress(_text(source))
    camera = Camera(address, camera_name(address), targets=())
    watched = open_camera(
        camera, engine.policy, CameraOptions(wish.sources), tell_status=control.note, tell=warnings.warn
    )
    feed = watched.feed
    with watched.frames as frames, read_ahead(feed.chunks, feed.close, drops=feed.drops) as seen:
        control.end_source = frames.stop
        if control.stopped:
            return
        for segment in _spoken(engine, stream, seen, control):
            live = feed.live()
            yield segment if live is None else with_latency(segment, live, engine.policy)
        if control.stopped:
            return
        for notice in frames.notices:
            warnings.warn(notice, stacklevel=4)
        recording = frames.opened if isinstance(frames, WebSource) else frames
        if isinstance(recording, FrameStream) and recording.truncated:
            raise InputError(f"{camera.name} ends too early.", "What could be read was captioned.")


def _of_frames(
    wish: Wish, engine: Engine, stream: StreamState, control: CaptionControl
) -> Generator[Segment, None, None]:
    """In the caller's own thread: frames may come from anywhere."""
    assert not isinstance(wish.source, str | os.PathLike)
    policy = engine.policy
    frames = timed_frames(wish.source, wish.fps, start_s=wish.sources.start_s, end_s=wish.sources.end_s)
    yield from _spoken(
        engine, stream, chunks(frames, fps=policy.vision.fps, chunk_seconds=policy.chunk_seconds), control
    )


def _spoken(
    engine: Engine, stream: StreamState, seen: Iterable[Chunk], control: CaptionControl
) -> Generator[Segment, None, None]:
    for chunk in seen:
        if control.stopped:
            return
        for event in engine.step([Request(stream, chunk)]):
            if isinstance(event, Segment):
                yield event


def _text(source: str | os.PathLike[str]) -> str:
    """A path is a file's, whatever it reads like; a text may be an address, or ``-``."""
    text = os.fspath(source)
    is_path = not isinstance(source, str)
    return f"./{text}" if is_path and (text == "-" or "://" in text) else text
