"""The host state of one stream between two rounds. Its keys and values are in its slot of the cache.

Opened by `Engine.open`, as a context manager. A round changes it twice: `apply` before prefill, `commit` after the last
token. Knows no network and no sampling rule.
"""

from collections import deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from svlm_cli.core.closing import Closing
from svlm_cli.engine.prompt import Span
from svlm_cli.networks.family import Positions

if TYPE_CHECKING:
    from svlm_cli.engine.plan import AssistantTurn, Plan


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """The options of one stream."""

    query: tuple[int, ...]  # ids
    context: tuple[int, ...]  # ids of the text at the start: title, teams...
    seed: int
    axes: int  # number of position axes
    carried_tokens: int  # own words carried over a reset in mode `window`
    recomputes: bool  # modes `window-overlap` and `recent`: features are used again as long as their pixels stay


@dataclass(slots=True, eq=False)
class StreamState(Closing):
    """The memory of one stream. `close`, or leaving the context, frees its slot."""

    slot: int
    options: StreamOptions
    release: Callable[[int], None]
    is_fork: bool = False
    spans: tuple[Span, ...] = ()
    rounds: int = 0
    end_s: float = 0.0  # of the last chunk
    closed: bool = False
    positions: Positions = field(init=False)  # of all tokens in `spans`
    next_position: float = 0.0
    features: dict[int, Tensor] = field(default_factory=dict)  # ``[F, n, D]`` per round that is still to be prefilled
    own_words: deque[int] = field(init=False)
    random: np.random.Generator = field(init=False)
    uniforms: list[float] = field(default_factory=list)  # for this round, one per token, each in [0, 1)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next round is this stream's first."""
        self.forget()
        self.rounds, self.end_s = 0, 0.0
        self.own_words = deque(maxlen=self.options.carried_tokens)
        self.random = np.random.default_rng(self.options.seed)

    def forget(self) -> None:
        """Drop the whole sequence, but keep the round count and the random state."""
        self.spans = ()
        self.positions = np.empty((0, self.options.axes))
        self.next_position = 0.0
        self.features.clear()

    def apply(self, plan: "Plan", features: Tensor | None) -> None:
        """Take over the plan's sequence, which is then prefilled. `features` are those of the round's chunk."""
        self.spans, self.positions, self.next_position = plan.spans, plan.positions, plan.next_position
        self.uniforms = self.random.random(plan.draws).tolist()
        if self.features:
            seen = {span.round for span in self.spans if span.grid is not None}
            self.features = {round_: self.features[round_] for round_ in self.features.keys() & seen}
        if features is not None:
            self.features[self.rounds] = features
        if plan.request.chunk is not None:
            self.end_s = plan.request.chunk.end_s

    def commit(self, answer: "AssistantTurn") -> None:
        """End the round: its words join the sequence. Tokens without keys yet get them in the next round."""
        self.spans += answer.spans
        self.positions = np.concatenate([self.positions, answer.positions])
        self.next_position = answer.next_position
        self.own_words.extend(answer.moving)
        self.rounds += 1
        if not self.options.recomputes:
            self.features.clear()

    def fork(self, slot: int, release: Callable[[int], None]) -> "StreamState":
        """A copy of the stream in another slot that shares no mutable state."""
        copy = StreamState(slot, self.options, release, is_fork=True)
        copy.positions, copy.next_position, copy.spans = self.positions, self.next_position, self.spans
        copy.rounds, copy.end_s, copy.features = self.rounds, self.end_s, dict(self.features)
        copy.own_words, copy.random = self.own_words.copy(), deepcopy(self.random)
        return copy

    def close(self) -> None:
        """Free the slot. Closing twice is harmless."""
        if not self.closed:
            self.closed = True
            self.forget()
            self.release(self.slot)
