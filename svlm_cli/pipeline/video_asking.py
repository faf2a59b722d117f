"""Questions about a video that is decoded for them, at moments of it."""

from collections.abc import Iterator, Sequence

from svlm_cli.engine.engine import Engine
from svlm_cli.outputs.progress import Progress, clock
from svlm_cli.pipeline.asking import answers
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.pipeline.inbox import read_ahead
from svlm_cli.pipeline.questions import Question, Reply
from svlm_cli.sources.files import FrameStream


def watch_and_answer(
    engine: Engine,
    frames: FrameStream,
    name: str,
    questions: Sequence[Question],
    times_s: Sequence[float],
    progress: Progress,
    *,
    context: str = "",
    seed: int = 0,
) -> Iterator[Reply]:
    """As `asking.answers`, of a video that is decoded ahead; `progress` shows how it goes on, by its `name`."""
    policy = engine.policy
    coming = chunks(frames, fps=policy.vision.fps, chunk_seconds=policy.chunk_seconds)
    progress.begin(name, max(times_s) if times_s else frames.duration_s)
    last_s = 0.0
    with engine.open(context=context, seed=seed) as stream, read_ahead(coming, frames.close) as seen:
        for reply in answers(
            engine, stream, seen, questions, times_s, seen=lambda chunk: progress.move(name, chunk.end_s)
        ):
            last_s = reply.seen_s
            yield reply
    progress.end(name)
    for notice in frames.notices:
        progress.say(f"svlm: {notice}")
    if times_s and max(times_s) > last_s + policy.chunk_seconds:
        progress.say(f"svlm: {name} ends at {clock(last_s)}: later questions were asked there.")
