"""The layout of a streaming conversation: turns chunks and earlier words into spans of token ids.

Knows the markup and its order, for one stream. Knows no window, no position and no tensor.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain

from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import MarkerRule, Mode, StreamPolicy
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.family import Family, Grid, TimeText, VisionPads, VisionToken


class Part(Enum):
    """The role of a span, which decides its eviction."""

    SYSTEM = auto()
    PREVIOUS_HEAD = auto()  # <|im_start|>previous text\n
    PREVIOUS = auto()  # the user's context, then words that have left the text window
    PREVIOUS_TAIL = auto()  # <|im_end|>\n
    USER_HEAD = auto()  # <|im_start|>user\n
    TIME = auto()  # Time=0.0-1.0s
    VISION = auto()  # the pads of a video block, with the control tokens around them
    QUERY = auto()
    USER_TAIL = auto()
    ASSISTANT_HEAD = auto()  # <|im_start|>assistant\n
    WORDS = auto()  # as generated, with the marker, without the closing <|im_end|>
    ASSISTANT_TAIL = auto()  # <|im_end|>\n


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive token ids of one part. With a `grid`, they are all pads, one per feature of a video block."""

    part: Part
    ids: tuple[int, ...]
    round: int = -1
    grid: Grid | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def visual_tokens(self) -> int:
        """The number of ids that stand for pixels."""
        return 0 if self.grid is None else len(self.ids)

    def cut(self, start: int, stop: int) -> "Span":
        """The span with only `ids[start:stop]`."""
        return Span(self.part, self.ids[start:stop], self.round, self.grid)


def count_ids(spans: Iterable[Span]) -> int:
    """The total number of ids."""
    return sum([len(span.ids) for span in spans])


def flatten(spans: Iterable[Span]) -> list[int]:
    """All ids, in order."""
    return list(chain.from_iterable([span.ids for span in spans]))


def distinct(spans: Iterable[Span]) -> set[int]:
    """The set of ids. Fast because most ids are the same pad of a video block."""
    return set(chain.from_iterable([span.ids if span.grid is None else span.ids[:1] for span in spans]))


def last(spans: tuple[Span, ...], count: int) -> tuple[tuple[Span, ...], int]:
    """The fewest spans from the end that hold `count` ids, and how many ids more they hold."""
    begin, held = len(spans), 0
    while held < count:
        begin -= 1
        held += len(spans[begin].ids)
    return spans[begin:], held - count


def spoken(words: Sequence[int], marker: Sequence[int], rule: MarkerRule, end_ids: Collection[int]) -> int:
    """The number of leading ids in a round's `words` that move to the previous text.

    `positional` drops as many ids as the marker has, whatever they are; `exact` drops an end-of-sequence id and then
    the marker, if they are there.
    """
    if rule is MarkerRule.POSITIONAL:
        return max(len(words) - len(marker), 0)
    count = len(words)
    if count and words[count - 1] in end_ids:
        count -= 1
    if count >= len(marker) and tuple(words[count - len(marker) : count]) == tuple(marker):
        count -= len(marker)
    return count


class Prompt:
    """Builds the spans of conversations for one checkpoint. Stateless; fixed texts are tokenized once, here."""

    def __init__(self, tokenizer: Tokenizer, policy: StreamPolicy, family: Family) -> None:
        if policy.prompt.clip and policy.mode is not Mode.FULL:
            raise UsageError("prompt.clip works only in mode full.", "Remove prompt.clip, or use mode full.")
        self._tokenizer, self._family = tokenizer, family
        self._fps, self._markup = policy.vision.fps, policy.prompt.markup
        steps = math.ceil(policy.frames_per_chunk / family.temporal_patch_size)
        words = policy.prompt
        self._clip, self._marker_rule = words.clip, words.marker_rule
        markup = words.markup
        start, end = (tokenizer.special(name) for name in (markup.turn_start, markup.turn_end))
        newline = tokenizer.encode("\n")
        self.turn_start, self.turn_end = start, end
        self.video_pad = tokenizer.special(markup.video_pad)
        self.marker = tuple(tokenizer.encode(words.marker))
        self._least_grid = (steps, 1, 1)
        pieces = family.markings(0, 1, self._least_grid, self._fps, markup)
        self._control = {one.name: tokenizer.special(one.name) for one in pieces if isinstance(one, VisionToken)}
        self.tail = (end, *newline)
        self._system = (start, *tokenizer.encode("system\n" + words.system), *self.tail)
        self._previous_head = (start, *tokenizer.encode(words.previous_role + "\n"))
        self._user_head = (start, *tokenizer.encode("user\n"))
        self._assistant_head = (start, *tokenizer.encode("assistant\n"))

    def text_ids(self, text: str) -> tuple[int, ...]:
        """The ids of a user's text; control tokens spelled out in it stay plain text."""
        return tuple(self._tokenizer.encode(text.strip()))

    def moving_words(self, words: tuple[int, ...]) -> tuple[int, ...]:
        """The ids of a round's words that move to the previous text once it leaves the text window."""
        return words[: spoken(words, self.marker, self._marker_rule, self._tokenizer.end_ids)]

    def opening(self, previous: tuple[int, ...]) -> tuple[Span, ...]:
        """The spans before the first round."""
        if self._clip:
            return (Span(Part.SYSTEM, self._system),)
        return (
            Span(Part.SYSTEM, self._system),
            Span(Part.PREVIOUS_HEAD, self._previous_head),
            Span(Part.PREVIOUS, previous),
            Span(Part.PREVIOUS_TAIL, self.tail),
        )

    def turn(
        self,
        round_: int,
        start_s: float,
        end_s: float,
        grid: Grid | None,
        query: tuple[int, ...],
    ) -> tuple[Span, ...]:
        """One round, up to where the model starts to generate. Without a grid no pixels are shown."""
        pieces = self._family.markings(start_s, end_s, grid, self._fps, self._markup)
        shown = [piece for piece in pieces if not (self._clip and isinstance(piece, TimeText))]
        return self._turn(round_, [self._marked(piece, round_) for piece in shown], query)

    def question(self, round_: int, query: tuple[int, ...]) -> tuple[Span, ...]:
        """A round that shows nothing new, up to where the model starts to answer."""
        return self._turn(round_, (), query)

    def _turn(self, round_: int, shown: Iterable[Span], query: tuple[int, ...]) -> tuple[Span, ...]:
        asked = (Span(Part.QUERY, query, round_),) if query else ()
        return (
            Span(Part.USER_HEAD, self._user_head, round_),
            *shown,
            *asked,
            Span(Part.USER_TAIL, self.tail, round_),
            Span(Part.ASSISTANT_HEAD, self._assistant_head, round_),
        )

    def _marked(self, piece: TimeText | VisionToken | VisionPads, round_: int) -> Span:
        if isinstance(piece, TimeText):
            return Span(Part.TIME, tuple(self._tokenizer.encode(piece.text)), round_)
        if isinstance(piece, VisionToken):
            return Span(Part.VISION, (self._control[piece.name],), round_)
        return Span(Part.VISION, (self.video_pad,) * math.prod(piece.grid), round_, piece.grid)

    def answer(self, round_: int, generated: tuple[int, ...]) -> tuple[Span, ...]:
        """The generated words, closed by `<|im_end|>` whether or not the model generated it."""
        words = generated[:-1] if generated[-1:] == (self.turn_end,) else generated
        return Span(Part.WORDS, words, round_), Span(Part.ASSISTANT_TAIL, self.tail, round_)

    def longest_turn(self, max_new_tokens: int) -> int:
        """The most tokens that a round needs, apart from its pixels and its query."""
        latest_s = 1e9  # 31 years
        turn = self.turn(0, latest_s, latest_s + 1, self._least_grid, ())
        markup = count_ids(span for span in turn if span.grid is None)
        return markup + max_new_tokens + len(self.tail)

    def longest_question(self, max_query_tokens: int, max_answer_tokens: int) -> int:
        """The most tokens that a question and its answer need."""
        return count_ids(self.question(0, ())) + max_query_tokens + max_answer_tokens + len(self.tail)
