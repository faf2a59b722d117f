"""A video file from disk to words: how much longer a round takes when its frames have to be decoded first.

Decoding runs ahead of the model, as when captioning. Knows no output and no terminal.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from svlm_cli.bench.stages import WARM_UP_ROUNDS
from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Chunk, Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.turn import Request
from svlm_cli.pipeline.inbox import Inbox


@dataclass(frozen=True, slots=True)
class Playback:
    """Means over the rounds after the warm-up, in seconds."""

    rounds: int
    round_s: float  # from the end of one to the end of the next, so all is in it
    work_s: float  # of that, the engine's
    wait_s: float  # of that, until the next frames were there


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
    """Caption the first `rounds` chunks after the warm-up, with `tokens` forced in each; `close` ends `chunks`.

    `UsageError` if there are fewer than the warm-up and one more.
    """
    ends: list[float] = []
    work: list[float] = []
    waits: list[float] = []
    with ExitStack() as stack:
        stream = stack.enter_context(engine.open(seed=seed))
        inbox: Inbox[int] = Inbox()
        inbox.add(0, chunks, close)
        stack.callback(inbox.remove, 0)
        while len(ends) < WARM_UP_ROUNDS + rounds:
            asked = time.perf_counter()
            inbox.wait()
            chunk = inbox.take(0)
            if chunk is None:
                break
            waits.append(time.perf_counter() - asked)
            said = engine.step([Request(stream, chunk, forced_count=tokens)])
            work += [event.work_s for event in said if isinstance(event, Segment)]
            ends.append(time.perf_counter())
            progress(len(ends) - 1)
    counted = len(ends) - WARM_UP_ROUNDS
    if counted < 1:
        needed_s = (WARM_UP_ROUNDS + 1) * engine.policy.chunk_seconds
        raise UsageError(f"The video is too short: it must last {needed_s:g} s.", "Take a longer one.")
    return Playback(
        rounds=counted,
        round_s=(ends[-1] - ends[WARM_UP_ROUNDS - 1]) / counted,
        work_s=sum(work[WARM_UP_ROUNDS:]) / counted,
        wait_s=sum(waits[WARM_UP_ROUNDS:]) / counted,
    )
