"""Turns a window's rounds into token ids, positions and targets, in the engine's own layout (mode `full`).

Also computes what each round sees if the window is trained in streaming layout, and what questions see.

`Prompt` writes the markup and `Placement` the positions, as in streaming; this module selects the tokens in the loss.
Knows no picture and no tensor.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.errors import InputError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.positions import Placement
from svlm_cli.engine.prompt import Part, Prompt, Span, count_ids, flatten
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.family import Family, Grid, Positions
from svlm_cli.training.overlap import Ids
from svlm_cli.training.runs import ViewRuns
from svlm_cli.training.views import Spans, View, branch, stream_views, whole_views

IGNORED: Final = -100
"""A target that is not trained on, as in torch's `cross_entropy`."""


class Role(IntEnum):
    """A token's role in the loss. All but NONE are trained on; the log distinguishes the rest."""

    NONE = 0
    SILENCE = 1  # the marker of a second without words
    FIRST = 2  # the first token of a second with words
    WORD = 3  # further tokens of words
    END = 4  # the marker after words, and <|im_end|>
    DENSE = 5  # a word of a dense description
    ANSWER = 6  # to a question
    CELL = 7  # no token's: of visual tokens at which something moves, see `WindowTokens.cells`


@dataclass(frozen=True, slots=True)
class Round:
    """A second of a window: what is shown and said."""

    start_s: float
    end_s: float
    grid: Grid  # in tokens
    words: Ids  # without the marker
    meant: tuple[int | None, ...] | None = None  # target per token, None: not trained on; None: the tokens themselves


@dataclass(frozen=True, slots=True)
class Aside:
    """A question to a fork of the stream, and its answer."""

    second: int  # of the window, counted from 0; the question follows it
    query: Ids
    answer: Ids


@dataclass(frozen=True, slots=True)
class AskedClip:
    """Pictures shown at once, and independent questions about them."""

    start_s: float
    end_s: float
    frames: int
    grid: Grid  # in tokens
    asked: tuple[tuple[Ids, Ids], ...]  # queries and answers


@dataclass(frozen=True, slots=True, eq=False)
class WindowTokens:
    """One window. Token i has target `targets[i]`, predicted from token i - 1, if `roles[i]` is not NONE."""

    ids: NDArray[np.int32]  # [S]
    positions: NDArray[np.float32]  # [S, A]; with views, those at which a token is a query
    roles: NDArray[np.int8]  # [S]
    pads: NDArray[np.int32]  # positions of visual tokens in the sequence
    targets: NDArray[np.int32]  # [S] the ids, except for corrupted words
    views: ViewRuns | None = None  # what each round sees; None: everything before it, at `positions`
    cells: NDArray[np.int8] | None = None  # for each visual token, what moves there, in `MOTIONS`; or IGNORED

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything the tokens of a window depend on besides its content. Small, as it is sent to worker processes."""

    tokenizer: Path  # folder of a checkpoint
    policy: StreamPolicy
    family: Family
    streamed: bool = False  # windows are trained as a stream holds them

    @property
    def prompt(self) -> Prompt:
        """The checkpoint's markup."""
        return _prompt(self.tokenizer, self.policy, self.family)

    def words(self, text: str) -> Ids:
        """The ids of a second's words."""
        return _words(self.tokenizer, text)

    def place(self, spans: Sequence[Span], fps: float) -> NDArray[np.float32]:
        """The positions of tokens if nothing is evicted: [S, A]."""
        return self._positions(spans, fps).astype(np.float32)

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
        self,
        rounds: Sequence[Round],
        *,
        previous: Ids,
        query: Ids,
        fps: float,
        dense: bool = False,
        asides: Sequence[Aside] = (),
    ) -> WindowTokens:
        """The tokens of a window; `previous` is already cut.

        `InputError` if a second, or a question, has too many words.
        """
        spans = self.spans(rounds, previous=previous, query=query)
        place = partial(self._positions, fps=fps)
        ids = np.array(flatten(spans), np.int32)
        marker = len(self.prompt.marker)
        roles = np.array([role for span in spans for role in _roles(span, marker, dense)], np.int8)
        targets = ids.copy()
        _write_meant(targets, roles, spans, rounds)
        if not self.streamed and not asides:
            return WindowTokens(ids, self.place(spans, fps), roles, self._pads(ids), targets)
        after: dict[int, list[Spans]] = defaultdict(list)
        for one in sorted(asides, key=lambda aside: aside.second):
            unread = Span(Part.ASSISTANT_TAIL, self.prompt.tail, one.second)
            asked = self.prompt.question(one.second + 1, self._query(one.query))
            after[one.second].append((unread, *asked, *self._answer(one.answer)))
        if self.streamed:
            seen = stream_views(spans, self.policy.windows, self.prompt.moving_words, place, after)
        else:
            seen = whole_views(spans, place, after)
        return self._with_branches(ids, roles, targets, [*chain.from_iterable(after.values())], seen)

    def no_words(self) -> WindowTokens:
        """A window of which only the pictures are looked at."""
        none = np.empty(0, np.int32)
        return WindowTokens(none, np.empty((0, self.family.axes), np.float32), none.astype(np.int8), none, none)

    def clips(self, clips: Sequence[AskedClip]) -> WindowTokens:
        """The tokens of clips in the format of offline models, concatenated. Clips do not see each other."""
        assert self.streamed, "whole windows are one sequence"
        prompt = _prompt(self.tokenizer, self.policy.of_clips(), self.family)
        parts: list[WindowTokens] = []
        for clip in clips:
            place = partial(self._positions, fps=clip.frames / (clip.end_s - clip.start_s), whole=True)
            *turn, tail, head = prompt.turn(0, clip.start_s, clip.end_s, clip.grid, ())
            trunk = (*prompt.opening(()), *turn)
            branches = [
                (Span(Part.QUERY, self._query(query)), tail, head, *self._answer(answer))
                for query, answer in clip.asked
            ]
            ids = np.array(flatten(trunk), np.int32)
            keys = np.arange(len(ids), dtype=np.int32)
            views = [View(keys, place(trunk).astype(np.float32), len(ids), opens=True)]
            beyond = len(ids)
            for spans in branches:
                views.append(branch(trunk, keys, spans, beyond, place))
                beyond += count_ids(spans)
            roles = np.full(len(ids), Role.NONE, np.int8)
            parts.append(self._with_branches(ids, roles, ids, branches, views))
        return _joined(parts)

    def _with_branches(
        self,
        ids: NDArray[np.int32],
        roles: NDArray[np.int8],
        targets: NDArray[np.int32],
        branches: Sequence[Spans],
        seen: Iterable[View],
    ) -> WindowTokens:
        own = np.array([token for spans in branches for token in flatten(spans)], np.int32)
        own_roles = np.array([role for spans in branches for role in _branch_roles(spans)], np.int8)
        ids = np.append(ids, own)
        views, positions = ViewRuns.of(seen, len(ids))
        roles, targets = np.append(roles, own_roles), np.append(targets, own)
        return WindowTokens(ids, positions, roles, self._pads(ids), targets, views)

    def _query(self, ids: Ids) -> Ids:
        most = self.policy.prompt.max_query_tokens
        if len(ids) > most:
            raise InputError(
                f"A question has {len(ids)} tokens, but the policy allows {most}.",
                "Raise policy.prompt.max_query_tokens.",
            )
        return ids

    def _answer(self, ids: Ids) -> Spans:
        words, tail = self.prompt.answer(0, ids)
        return words, tail.cut(0, 1)

    def _pads(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.flatnonzero(ids == self.prompt.video_pad).astype(np.int32)

    def _positions(self, spans: Sequence[Span], fps: float, *, whole: bool = False) -> Positions:
        return _placement(self.family, fps, whole)(spans)[0]


def _joined(parts: Sequence[WindowTokens]) -> WindowTokens:
    """Concatenate sequences that do not see each other into one row."""
    offsets = np.cumsum([0, *map(len, parts)])
    views = [part.views for part in parts if part.views is not None]
    pads = [part.pads + np.int32(offset) for part, offset in zip(parts, offsets, strict=False)]
    return WindowTokens(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.roles for part in parts]),
        np.concatenate(pads),
        np.concatenate([part.targets for part in parts]),
        ViewRuns.join(views, offsets[:-1]),
    )


def _branch_roles(spans: Spans) -> list[Role]:
    """For a question and its answer: the answer and its end are trained on."""
    answer = len(spans[-2])
    return [Role.NONE] * (count_ids(spans) - answer - 1) + [Role.ANSWER] * answer + [Role.END]


def _roles(span: Span, marker: int, dense: bool) -> list[Role]:
    """Words, marker and `<|im_end|>` are trained on; the line break after it is not, as it is never generated."""
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
    """Set the targets of corrupted words; those that cannot be known are not trained on."""
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


@lru_cache(maxsize=2048)  # each clip length has its own rate
def _placement(family: Family, fps: float, whole: bool) -> Placement:
    return Placement(family, fps, whole=whole)


@lru_cache(maxsize=65_536)  # commentary repeats itself
def _words(folder: Path, text: str) -> Ids:
    return tuple(_tokenizer(folder).encode(text))
