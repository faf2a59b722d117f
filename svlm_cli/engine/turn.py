"""One round of one stream: what is asked for, and the plan of what the stream forgets and reads.

Planning touches neither the device nor the stream. Knows no network and no key.
"""

import math
from dataclasses import dataclass, field

from svlm_cli.core.errors import CapacityError
from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.engine.eviction import Eviction, cut_previous, evict
from svlm_cli.engine.positions import Positions, positions
from svlm_cli.engine.prompt import Part, Prompt, Span, count_ids
from svlm_cli.engine.stream import StreamState
from svlm_cli.engine.tokenizer import TextStream, Tokenizer
from svlm_cli.networks.qwen2_5_vl.preprocess import Preprocessor


@dataclass(frozen=True, slots=True)
class Request:
    """One stream's next round."""

    stream: StreamState
    chunk: Chunk
    forced_ids: tuple[int, ...] | None = None  # said instead of what the model would say (scoring)
    forced_count: int | None = None  # exactly so many tokens, none of them an end (benches)


@dataclass(slots=True, eq=False)
class Turn:
    """One round of one stream while it is worked on."""

    request: Request
    kept: Eviction  # what the stream keeps of its past
    restarts: bool  # whether this round is the first of its sequence
    new: tuple[Span, ...]  # what it reads in this round
    limit: int  # tokens that it may say
    text: TextStream
    uniforms: list[float] = field(default_factory=list)
    generated: list[int] = field(default_factory=list)
    done: bool = False

    @property
    def stream(self) -> StreamState:
        """Whose round it is."""
        return self.request.stream


class Planner:
    """Plans the rounds of all streams of one engine."""

    def __init__(
        self,
        prompt: Prompt,
        policy: StreamPolicy,
        preprocessor: Preprocessor,
        tokenizer: Tokenizer,
        *,
        capacity: int,
        tokens_per_second: float,
    ) -> None:
        self._prompt = prompt
        self._policy = policy
        self._preprocessor = preprocessor
        self._tokenizer = tokenizer
        self._capacity = capacity
        self._tokens_per_second = tokens_per_second
        self._seconds_per_pair = preprocessor.temporal_patch_size / policy.vision.fps

    def plan(self, request: Request) -> Turn:
        """Decide a round; `CapacityError` if the stream has no room for it."""
        stream, chunk, policy = request.stream, request.chunk, self._policy
        restarts = not stream.spans or (policy.mode is Mode.WINDOW and stream.rounds % policy.windows.reset_rounds == 0)
        size = self.shown_size(chunk)
        grid = None if size is None else self._preprocessor.merged_grid(len(chunk.frames), *size)
        coming = 0 if grid is None else math.prod(grid)
        kept = Eviction(self._opening(stream), ()) if restarts else self._evict(stream, coming)
        query = stream.options.query if restarts or policy.prompt.keep_query else ()
        new = self._prompt.turn(stream.rounds, chunk.start_s, chunk.end_s, grid, query)
        limit = self._limit(request)
        held = count_ids(kept.spans) if restarts else kept.count
        needed = held + count_ids(new) + limit + len(self._prompt.tail)
        if needed > self._capacity:
            raise self._no_room(stream, needed)
        return Turn(request, kept, restarts, new, limit, TextStream(self._tokenizer, policy.prompt.marker))

    def shown_size(self, chunk: Chunk) -> tuple[int, int] | None:
        """Height and width that the frames are resized to; None shows no pixels."""
        if not self._policy.windows.vision_rounds:
            return None
        bounds = self._policy.vision
        height, width = chunk.frames[-1].shape[:2]
        return self._preprocessor.target_size(height, width, min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels)

    def positions(self, spans: tuple[Span, ...], start: float = 0.0) -> tuple[Positions, float]:
        """Contiguous positions of `spans` from `start` on, and the one after them."""
        return positions(
            spans, seconds_per_pair=self._seconds_per_pair, tokens_per_second=self._tokens_per_second, start=start
        )

    def moving_without_keys(self, turn: Turn) -> int:
        """How many ids the stream must feed before it forgets, since they move to the previous text without keys yet.

        Only where the newest round leaves the text window at once (`text_rounds` 1) having been cut at its limit.
        """
        stream = turn.stream
        evicts = self._policy.mode in (Mode.STREAMING, Mode.NATIVE_POSITIONS)
        if turn.restarts or not evicts or self._policy.windows.text_rounds > 1:
            return 0
        end = len(stream.positions)
        for span in reversed(stream.spans):
            end -= len(span)
            if span.part is Part.WORDS:
                return max(end + len(self._prompt.moving_words(span.ids)) - stream.keyed, 0)
        return 0

    def _opening(self, stream: StreamState) -> tuple[Span, ...]:
        """What a sequence starts with: the context, cut (but in mode `full`), and own words that survived a reset."""
        context = stream.options.context
        if self._policy.mode is not Mode.FULL:
            start, stop = cut_previous(len(context), self._policy.windows)
            context = context[:start] + context[stop:]
        return self._prompt.opening(context + tuple(stream.own_words))

    def _evict(self, stream: StreamState, coming: int) -> Eviction:
        if self._policy.mode in (Mode.FULL, Mode.WINDOW):
            return Eviction(stream.spans, (range(len(stream.positions)),))
        return evict(stream.spans, stream.rounds, self._policy.windows, self._prompt.moving_words, coming=coming)

    def _limit(self, request: Request) -> int:
        most = self._policy.sampling.max_new_tokens
        limit = most
        if request.forced_ids is not None:
            limit = len(request.forced_ids)
        if request.forced_count is not None:
            limit = request.forced_count
        assert 0 < limit <= most, "forced tokens are at most max_new_tokens"
        return limit

    def _no_room(self, stream: StreamState, needed: int) -> CapacityError:
        message = f"Round {stream.rounds} needs {needed} tokens of context; the stream has room for {self._capacity}."
        if self._policy.mode is Mode.FULL:
            hint = "Use --mode streaming, which forgets, or raise windows.full_tokens in the policy."
        else:
            hint = "The picture's shape needs more vision tokens than max_pixels allows: raise it in the policy."
        return CapacityError(message, hint, stream=stream.slot)
