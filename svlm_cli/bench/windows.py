"""When the windows of a stream are full, and how benchmarks fill them before measuring.

Before that, a round attends to less, and evicts less, than later rounds. Knows no clock.
"""

import math

from svlm_cli.core.policy import Mode, StreamPolicy, WindowPolicy
from svlm_cli.engine.engine import Engine

_WORD = "word "  # at least one token in any vocabulary


def previous_room(windows: WindowPolicy) -> int:
    """The number of tokens in a full previous text, after a cut."""
    return windows.sink_tokens + max(windows.window_tokens - 1, 0)


def forgets(policy: StreamPolicy) -> bool:
    """Whether streams with that policy reach a constant size."""
    return policy.mode not in (Mode.FULL, Mode.WINDOW, Mode.RECENT)


def rounds_until_full(policy: StreamPolicy, moving: int, *, previous: int = 0) -> int:
    """The number of rounds before one that finds every window full, and so evicts as much as it adds.

    That is the length of the vision and text windows, plus the rounds that fill the previous text, which starts with
    `previous` tokens and gains `moving` per round. If `moving` is 0, it never grows.
    """
    windows = policy.windows
    rounds = max(windows.vision_rounds, windows.text_rounds)
    missing = previous_room(windows) - previous
    if missing <= 0 or moving <= 0:
        return rounds
    return max(rounds, windows.text_rounds - 1 + math.ceil(missing / moving))


def rounds_to_fill(engine: Engine, tokens: int) -> int:
    """The same for a stream of an engine with `tokens` tokens per round, none of which ends it."""
    return rounds_until_full(engine.policy, max(tokens - len(engine.prompt.marker), 0))


def filled_rounds(policy: StreamPolicy) -> int:
    """The same for a stream opened with `filling`: only vision and turns have to be filled."""
    return rounds_until_full(policy, 0)


def filling(policy: StreamPolicy) -> str:
    """A context that fills the previous text at once, which saves a minute of rounds.

    The stream's sizes are the same as after those rounds. Empty under a policy that evicts nothing.
    """
    return _WORD * (previous_room(policy.windows) + 1) if forgets(policy) else ""
