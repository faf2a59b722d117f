"""When the windows of a stream are full, and how a bench fills them before it measures.

Up to then a round has less to attend to, and less to forget, than all that come after it. Knows no clock.
"""

import math

from svlm_cli.core.policy import Mode, StreamPolicy, WindowPolicy
from svlm_cli.engine.engine import Engine

_WORD = "word "  # a token at least, in any vocabulary


def previous_room(windows: WindowPolicy) -> int:
    """How many tokens the previous text holds when it is full: what a cut leaves of it."""
    return windows.sink_tokens + max(windows.window_tokens - 1, 0)


def forgets(policy: StreamPolicy) -> bool:
    """Whether streams under that policy come to hold the same amount for ever."""
    return policy.mode not in (Mode.FULL, Mode.WINDOW, Mode.RECENT)


def rounds_until_full(policy: StreamPolicy, moving: int, *, previous: int = 0) -> int:
    """How many rounds pass until one finds every window full, and so forgets as much as it brings.

    The rounds of vision and text; and those after which the previous text, which begins with `previous` tokens, is full
    of words, of which each round moves `moving` to it. If none move, it stays as it is.
    """
    windows = policy.windows
    rounds = max(windows.vision_rounds, windows.text_rounds)
    missing = previous_room(windows) - previous
    if missing <= 0 or moving <= 0:
        return rounds
    return max(rounds, windows.text_rounds - 1 + math.ceil(missing / moving))


def rounds_to_fill(engine: Engine, tokens: int) -> int:
    """The same for a stream of an engine that says so many `tokens` a round, none of which ends it."""
    return rounds_until_full(engine.policy, max(tokens - len(engine.prompt.marker), 0))


def filled_rounds(policy: StreamPolicy) -> int:
    """The same for a stream that was opened with `filling`: only vision and turns are still to be filled."""
    return rounds_until_full(policy, 0)


def filling(policy: StreamPolicy) -> str:
    """A context that fills the previous text at once: a minute of rounds is spared, and what a stream then holds has
    the same shape. Nothing under a policy that forgets nothing.
    """
    return _WORD * (previous_room(policy.windows) + 1) if forgets(policy) else ""
