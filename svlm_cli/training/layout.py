"""A window's rounds -> token ids, positions and what is to be learned: the engine's own layout, in mode `full`; and
what each round sees of it, where a window is to be learned as a stream.

`Prompt` writes the markup and `Placement` counts, as while streaming; here it is only said which tokens the loss is on.
Knows no picture and no tensor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.errors import InputError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.positions import Placement
from svlm_cli.engine.prompt import Part, Prompt, Span, flatten
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.family import Family, Grid, Positions
from svlm_cli.training.overlap import Ids
from svlm_cli.training.views import View, stream_views


class Role(IntEnum):
    """What a token is to the loss. All but NONE are learned; the rest tells them apart in the log."""

    NONE = 0
    SILENCE = 1  # the marker of a second without words
    FIRST = 2  # the first token of a second with words
    WORD = 3  # the others
    END = 4  # the marker after words, and <|im_end|>
    DENSE = 5  # a word of a dense description


@dataclass(frozen=True, slots=True)
class Round:
    """A second of a window: what is shown and what is said."""

    start_s: float
    end_s: float
    grid: Grid  # in tokens
    words: Ids  # without the marker
    meant: tuple[int | None, ...] | None = None  # what is learned in place of each, None for nothing; None: themselves


@dataclass(frozen=True, slots=True, eq=False)
class WindowTokens:
    """One window. Of token i, `targets[i]` is learned if `roles[i]` is not NONE; it is predicted from token i - 1."""

    ids: NDArray[np.int32]  # [S]
    positions: NDArray[np.float32]  # [S, A]
    roles: NDArray[np.int8]  # [S]
    pads: NDArray[np.int32]  # where the pictures go
    targets: NDArray[np.int32]  # [S] the ids, but for words that should have been others
    views: tuple[View, ...] = ()  # what each round sees; none: everything before it, at `positions`

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Layout:
    """All that the tokens of a window depend on besides its content. Small: it travels to worker processes."""

    tokenizer: Path  # a checkpoint's folder
    policy: StreamPolicy
    family: Family
    streamed: bool = False  # windows are learned as a stream holds them

    @property
    def prompt(self) -> Prompt:
        """The checkpoint's markup."""
        return _prompt(self.tokenizer, self.policy, self.family)

    def words(self, text: str) -> Ids:
        """The ids of a second's words."""
        return _words(self.tokenizer, text)

    def spans(self, rounds: Sequence[Round], *, previous: Ids, query: Ids) -> tuple[Span, ...]:
        """The sequence, as the engine would hold it after the last round."""
        prompt, policy = self.prompt, self.policy
        spans = list(prompt.opening(previous))
        for index, one in enumerate(rounds):
            said = (*one.words, *prompt.marker, prompt.turn_end)
            if len(said) > policy.sampling.max_new_tokens:
                raise InputError(
                    f"From {one.start_s:g} s to {one.end_s:g} s {len(said)} tokens are said, "
                    f"but the policy allows {policy.sampling.max_new_tokens}.",
                    "Raise policy.sampling.max_new_tokens, or spread the words.",
                )
            asked = query if index == 0 or policy.prompt.keep_query else ()
            spans += prompt.turn(index, one.start_s, one.end_s, one.grid, asked)
            spans += prompt.answer(index, said)
        return tuple(spans)

    def window(
        self, rounds: Sequence[Round], *, previous: Ids, query: Ids, fps: float, dense: bool = False
    ) -> WindowTokens:
        """The tokens of a window; `previous` is already cut. `InputError` if a second has too many words."""
        spans = self.spans(rounds, previous=previous, query=query)
        where = partial(self._positions, fps=fps)
        ids = np.array(flatten(spans), np.int32)
        marker = len(self.prompt.marker)
        roles = np.array([role for span in spans for role in _roles(span, marker, dense)], np.int8)
        pads = np.flatnonzero(ids == self.prompt.video_pad).astype(np.int32)
        targets = ids.copy()
        _write_meant(targets, roles, spans, rounds)
        views = stream_views(spans, self.policy.windows, self.prompt.moving_words, where) if self.streamed else ()
        return WindowTokens(ids, where(spans).astype(np.float32), roles, pads, targets, tuple(views))

    def _positions(self, spans: Sequence[Span], fps: float) -> Positions:
        return _placement(self.family, fps)(spans)[0]


def _roles(span: Span, marker: int, dense: bool) -> list[Role]:
    """Words, marker and `<|im_end|>` are learned; the line break after it is not generated, so it is not."""
    if span.part is Part.ASSISTANT_TAIL:
        return [Role.END] + [Role.NONE] * (len(span) - 1)
    if span.part is not Part.WORDS:
        return [Role.NONE] * len(span)
    words = len(span) - marker
    if words == 0:
        return [Role.SILENCE] * marker
    spoken = [Role.DENSE] * words if dense else [Role.FIRST] + [Role.WORD] * (words - 1)
    return spoken + [Role.END] * marker


def _write_meant(
    targets: NDArray[np.int32], roles: NDArray[np.int8], spans: Sequence[Span], rounds: Sequence[Round]
) -> None:
    """Writes what was meant into the targets; what nobody could know is not learned."""
    end = 0
    for span in spans:
        start, end = end, end + len(span)
        meant = rounds[span.round].meant if span.part is Part.WORDS else None
        for index, token in enumerate(meant or (), start):
            if token is None:
                roles[index] = Role.NONE
            else:
                targets[index] = token


@lru_cache(maxsize=8)
def _tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer(folder)


@lru_cache(maxsize=8)
def _prompt(folder: Path, policy: StreamPolicy, family: Family) -> Prompt:
    return Prompt(_tokenizer(folder), policy, family)


@lru_cache(maxsize=8)
def _placement(family: Family, fps: float) -> Placement:
    return Placement(family, fps)


@lru_cache(maxsize=65_536)  # commentary repeats itself
def _words(folder: Path, text: str) -> Ids:
    return tuple(_tokenizer(folder).encode(text))
