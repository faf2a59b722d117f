"""A video file from disk to words: how much longer a round takes when frames have to be decoded.

Decoding runs ahead of the model, as in captioning. Knows no output and no terminal.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from svlm_cli.bench.windows import filled_rounds, filling
from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Chunk, Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.pipeline.inbox import Inbox


@dataclass(frozen=True, slots=True)
class Playback:
    """Means in seconds, over rounds with full windows."""

    rounds: int
    width: int  # of the displayed picture
    height: int
    round_s: float  # from the end of one round to the end of the next
    work_s: float  # of that, the engine's part
    wait_s: float  # of that, waiting for frames


def measure(
    engine: Engine,
    chunks: Iterator[Chunk],
    close: Callable[[], None],
    *,
    rounds: int,
    tokens: int,
    seed: int = 0,
    progress: Callable[[int], None] = lambda round_: None,
) -> Playback:
    """Caption the first `rounds` chunks once windows are full, with `tokens` forced in each; `close` ends `chunks`.

    `UsageError` if the video ends before windows are full.
    """
    policy = engine.policy
    full_after = filled_rounds(policy)
    ends: list[float] = []
    work: list[float] = []
    waits: list[float] = []
    height = width = 0
    with ExitStack() as stack:
        stream = stack.enter_context(engine.open(context=filling(policy), seed=seed))
        inbox: Inbox[int] = Inbox()
        inbox.add(0, chunks, close)
        stack.callback(inbox.remove, 0)
        while len(ends) < full_after + rounds:
            asked = time.perf_counter()
            inbox.wait()
            chunk = inbox.take(0)
            if chunk is None:
                break
            waits.append(time.perf_counter() - asked)
            said = engine.step([Request(stream, chunk, forced_count=tokens)])
            work += [event.work_s for event in said if isinstance(event, Segment)]
            ends.append(time.perf_counter())
            if len(ends) > full_after:
                progress(len(ends) - full_after - 1)
            height, width = chunk.frames[-1].shape[:2]
    counted = len(ends) - full_after
    if counted < 1:
        needed_s = (full_after + 1) * policy.chunk_seconds
        raise UsageError(f"The video is too short: it must last {needed_s:g} s.", "Take a longer one.")
    return Playback(
        rounds=counted,
        width=width,
        height=height,
        round_s=(ends[-1] - ends[full_after - 1]) / counted,
        work_s=sum(work[full_after:]) / counted,
        wait_s=sum(waits[full_after:]) / counted,
    )
