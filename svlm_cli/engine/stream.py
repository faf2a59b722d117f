"""All that one stream remembers between two rounds, on the host. Its keys and values are in its slot of the cache.

Opened by `Engine.open`, as a context manager. Knows no network and no sampling rule.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from svlm_cli.core.closing import Closing
from svlm_cli.engine.positions import Positions
from svlm_cli.engine.prompt import Span


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What makes a stream this stream."""

    query: tuple[int, ...]  # ids
    context: tuple[int, ...]  # ids of the text in front: title, teams...
    seed: int
    carried_tokens: int  # own words remembered for mode `window`


@dataclass(slots=True, eq=False)
class StreamState(Closing):
    """The memory of one stream. `close` gives its slot back; leaving the context does that too."""

    slot: int
    options: StreamOptions
    release: Callable[[int], None]
    spans: tuple[Span, ...] = ()
    keyed: int = 0  # tokens of `spans`, from the first, whose keys are in the cache
    rounds: int = 0
    closed: bool = False
    positions: Positions = field(default_factory=lambda: np.empty((0, 3)))  # of all tokens of `spans`
    next_position: float = 0.0
    features: dict[int, Tensor] = field(default_factory=dict)  # vision features of rounds that are still to be read
    own_words: deque[int] = field(init=False)
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next round is this stream's first."""
        self.forget()
        self.rounds = 0
        self.own_words = deque(maxlen=self.options.carried_tokens)
        self.random = np.random.default_rng(self.options.seed)

    def forget(self) -> None:
        """Drop the whole sequence, but neither the round count nor the random state (mode `window`)."""
        self.spans = ()
        self.keyed = 0
        self.positions = np.empty((0, 3))
        self.next_position = 0.0
        self.features.clear()

    def close(self) -> None:
        """Give the slot back. Closing twice is harmless."""
        if not self.closed:
            self.closed = True
            self.forget()
            self.release(self.slot)
