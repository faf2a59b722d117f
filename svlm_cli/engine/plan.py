"""The plan of a stream's round, made before anything changes: which tokens are kept, moved and prefilled, and where.

Planning touches neither the device nor the stream. Knows no network and no keys.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from svlm_cli.core.errors import CapacityError, UsageError
from svlm_cli.core.policy import Mode, PromptPolicy, SamplingPolicy, StreamPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.engine.eviction import Eviction, cut_previous, evict
from svlm_cli.engine.positions import Placement
from svlm_cli.engine.prompt import Part, Prompt, Span, count_ids
from svlm_cli.engine.stream import StreamState
from svlm_cli.networks.family import Family, Grid, Positions
from svlm_cli.networks.pixels import Preprocessor, learned_size


@dataclass(frozen=True, slots=True)
class Request:
    """One stream's next round: a chunk, or a question to a fork about its context."""

    stream: StreamState
    chunk: Chunk | None
    query: str | None = None  # for this round; None: as the policy says
    max_tokens: int | None = None  # to generate at most; None: as the sampling policy says
    sampling: SamplingPolicy | None = None  # None: the policy's
    forced_ids: tuple[int, ...] | None = None  # tokens to use instead of sampled ones (scoring)
    forced_count: int | None = None  # exactly this many tokens, none of them an end (benchmarks)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Everything a round does to a stream. Token indices refer to the stream's tokens before the round."""

    request: Request
    sampling: SamplingPolicy
    limit: int  # maximum number of tokens to generate
    draws: int  # random numbers consumed: as many as the round may generate, however few it does
    read_first: int  # tokens without keys that are about to move, so they are prefilled first, where they stand
    kept: tuple[range, ...]  # tokens whose keys and values are kept, as consecutive ranges
    spans: tuple[Span, ...]  # the sequence after the plan, up to where the model starts to generate
    positions: Positions  # of all tokens in `spans`
    next_position: float

    @property
    def stream(self) -> StreamState:
        """The stream that the plan is for."""
        return self.request.stream

    @property
    def prefilled(self) -> int:
        """How many tokens are prefilled before the first is generated: the last ones of the sequence."""
        return len(self.positions) - sum(map(len, self.kept))


@dataclass(frozen=True, slots=True, eq=False)
class AssistantTurn:
    """The tokens generated in a round, in the form in which they join the stream's memory."""

    spans: tuple[Span, ...]
    positions: Positions
    next_position: float
    moving: tuple[int, ...]  # the words that will move to the previous text later
    keyed: int  # number of leading tokens with keys: all but the last, which was never fed back


class Planner:
    """Plans the rounds of all streams of one engine."""

    def __init__(
        self,
        prompt: Prompt,
        policy: StreamPolicy,
        family: Family,
        preprocessor: Preprocessor,
        *,
        capacity: int,
        most: int,
    ) -> None:
        """`capacity` is the number of tokens per slot, `most` the number that a round may generate."""
        self._prompt = prompt
        self._policy = policy
        self._preprocessor = preprocessor
        self._family = family
        self._place = Placement(family, policy.vision.fps)
        self._capacity, self._most = capacity, most

    def plan(self, request: Request, keyed: int) -> Plan:
        """Plan a round of a stream whose first `keyed` tokens have keys.

        `CapacityError` if the stream has no room for it, `UsageError` for an invalid request.
        """
        stream = request.stream
        restarts = request.chunk is not None and self._restarts(stream)
        grid = None if request.chunk is None else self.shown_grid(request.chunk)
        kept = self._kept(request, restarts=restarts, coming=0 if grid is None else math.prod(grid))
        spans = (*kept.spans, *self._new(request, grid, restarts=restarts))
        sampling = self._policy.sampling if request.sampling is None else request.sampling
        limit = self._limit(request, sampling)
        needed = count_ids(spans) + limit + len(self._prompt.tail)
        if needed > self._capacity:
            raise self._no_room(stream, needed)
        first = 0 if restarts or request.chunk is None else self._moving_without_keys(stream, keyed)
        recomputes = self._policy.mode.recomputes and request.chunk is not None
        positions, next_position = self._positions(request, kept, spans, restarts=restarts)
        return Plan(
            request,
            sampling,
            limit,
            min(max(sampling.max_new_tokens, limit), self._most),
            first,
            () if recomputes else _below(kept.stretches, keyed + first),
            spans,
            positions,
            next_position,
        )

    def answer(self, plan: Plan, said: Sequence[int]) -> AssistantTurn:
        """The end of a round in which the ids `said` were generated, including the end token."""
        words, tail = self._prompt.answer(plan.stream.rounds, tuple(said))
        positions, next_position = self._place((words, tail), plan.next_position)
        moving = self._prompt.moving_words(words.ids)
        return AssistantTurn((words, tail), positions, next_position, moving, max(len(said) - 1, 0))

    def shown_size(self, chunk: Chunk) -> tuple[int, int] | None:
        """Height and width that the frames are resized to; None shows no pixels."""
        if not self._policy.windows.vision_rounds:
            return None
        bounds = self._policy.vision
        height, width = chunk.frames[-1].shape[:2]
        if bounds.aspect:  # every picture gets the size that the model has learned
            height, width = learned_size(bounds.max_pixels, bounds.aspect)
        return self._preprocessor.target_size(height, width, min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels)

    def shown_grid(self, chunk: Chunk) -> Grid | None:
        """The grid of tokens for the frames; None shows no pixels."""
        size = self.shown_size(chunk)
        return None if size is None else self._preprocessor.merged_grid(len(chunk.frames), *size)

    def _restarts(self, stream: StreamState) -> bool:
        """Whether a chunk starts a new sequence."""
        policy = self._policy
        if not stream.spans or policy.mode is Mode.RECENT:
            return True
        return policy.mode is Mode.WINDOW and stream.rounds % policy.windows.reset_rounds == 0

    def _kept(self, request: Request, *, restarts: bool, coming: int) -> Eviction:
        """The tokens that the stream keeps. A question evicts nothing: it may use the whole context."""
        stream = request.stream
        if restarts:
            return Eviction(self._opening(stream), ())
        if request.chunk is None or self._policy.mode in (Mode.FULL, Mode.WINDOW):
            return Eviction(stream.spans, (range(len(stream.positions)),))
        return evict(stream.spans, stream.rounds, self._policy.windows, self._prompt.moving_words, coming=coming)

    def _opening(self, stream: StreamState) -> tuple[Span, ...]:
        """The start of a sequence: the context, cut except in mode `full`, and own words carried over a reset."""
        context = stream.options.context
        if self._policy.mode is not Mode.FULL:
            start, stop = cut_previous(len(context), self._policy.windows)
            context = context[:start] + context[stop:]
        carried = tuple(stream.own_words) if self._policy.mode is Mode.WINDOW else ()
        return self._prompt.opening(context + carried)

    def _new(self, request: Request, grid: Grid | None, *, restarts: bool) -> tuple[Span, ...]:
        """The spans of this round, apart from tokens of earlier rounds that still have no keys."""
        stream, chunk = request.stream, request.chunk
        asked = None if request.query is None else query_ids(self._prompt, self._policy.prompt, request.query)
        if chunk is None:
            _require_question(stream, asked)
            return self._prompt.question(stream.rounds, asked or ())
        if asked is None:
            asked = stream.options.query if restarts or self._policy.prompt.keep_query else ()
        turn = self._prompt.turn(stream.rounds, chunk.start_s, chunk.end_s, grid, asked)
        return turn if self._policy.mode is not Mode.RECENT else (turn[0], *self._recent(stream), *turn[1:])

    def _recent(self, stream: StreamState) -> Iterator[Span]:
        """The newest earlier rounds, with their times, which mode `recent` shows once more."""
        oldest = stream.rounds - self._policy.windows.recent_rounds + 1
        return (span for span in stream.spans if span.part in (Part.TIME, Part.VISION) and span.round >= oldest)

    def _positions(
        self, request: Request, kept: Eviction, spans: tuple[Span, ...], *, restarts: bool
    ) -> tuple[Positions, float]:
        """Contiguous positions. Those of tokens that do not move, or keep their first position, are reused."""
        stream, place = request.stream, self._placement(request.chunk)
        whole = kept.stretches == (range(len(stream.positions)),)
        if restarts or not (whole or self._policy.mode is Mode.NATIVE_POSITIONS):
            return place(spans)
        new, after = place(spans[len(kept.spans) :], stream.next_position)
        return np.concatenate([stream.positions if whole else stream.positions[kept.order], new]), after

    def _placement(self, chunk: Chunk | None) -> Placement:
        """By the policy's frame rate; a clip has its own."""
        if chunk is None or not self._policy.prompt.clip:
            return self._place
        return Placement(self._family, len(chunk.frames) / (chunk.end_s - chunk.start_s), whole=True)

    def _moving_without_keys(self, stream: StreamState, keyed: int) -> int:
        """How many tokens without keys are about to move to the previous text.

        Only possible if the newest round leaves the text window at once (`text_rounds` 1) and was cut at its limit.
        """
        evicts = self._policy.mode in (Mode.STREAMING, Mode.NATIVE_POSITIONS)
        if not evicts or self._policy.windows.text_rounds > 1:
            return 0
        end = len(stream.positions)
        for span in reversed(stream.spans):
            end -= len(span)
            if span.part is Part.WORDS:
                return max(end + len(self._prompt.moving_words(span.ids)) - keyed, 0)
        return 0

    def _limit(self, request: Request, sampling: SamplingPolicy) -> int:
        limit = sampling.max_new_tokens if request.max_tokens is None else request.max_tokens
        if request.forced_ids is not None:
            limit = len(request.forced_ids)
        if request.forced_count is not None:
            limit = request.forced_count
        if not 0 < limit <= self._most:
            raise UsageError(
                f"A round of this engine can have 1 to {self._most} tokens, not {limit}.",
                "Ask for fewer, or load the engine with a larger max_answer_tokens.",
            )
        return limit

    def _no_room(self, stream: StreamState, needed: int) -> CapacityError:
        message = f"Round {stream.rounds} needs {needed} tokens of context; the stream has room for {self._capacity}."
        if self._policy.mode is Mode.FULL:
            hint = "Use --mode streaming, which evicts old tokens, or raise windows.full_tokens in the policy."
        else:
            hint = "The picture's shape needs more vision tokens than max_pixels allows: raise it in the policy."
        return CapacityError(message, hint, stream=stream.slot)


def query_ids(prompt: Prompt, policy: PromptPolicy, query: str) -> tuple[int, ...]:
    """The ids of a query; `UsageError` if it is longer than the room reserved for one."""
    ids = prompt.text_ids(query)
    if len(ids) > policy.max_query_tokens:
        raise UsageError(
            f"The query has {len(ids)} tokens; there is room for {policy.max_query_tokens}.",
            "Shorten it, give the background as context, or raise prompt.max_query_tokens in the policy.",
        )
    return ids


def _require_question(stream: StreamState, query: tuple[int, ...] | None) -> None:
    if not stream.is_fork:
        raise UsageError("Only a fork of a stream can be asked without a chunk.", "Ask a fork (Engine.fork).")
    if not query:
        raise UsageError("A question without a chunk needs a query.", "Pass the question as the query.")
    if not stream.spans:
        raise UsageError("The stream has not seen a chunk yet.", "Ask after its first round.")


def _below(stretches: tuple[range, ...], stop: int) -> tuple[range, ...]:
    """The part of the stretches below `stop`. Tokens without keys come last, so this is a prefix."""
    cut = tuple(range(one.start, min(one.stop, stop)) for one in stretches if one.start < stop)
    assert cut[:-1] == stretches[: len(cut)][:-1], "tokens without keys come last"
    return cut
