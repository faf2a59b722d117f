"""Windows in the layout of StreamingVLM's own training, with the same ids as its loader, to reproduce that training.

Differences from the layout in which the same model is streamed (`layout.py`): a line break before the words and, from
the second turn on, a space after the time; questions are in the turn of their second; there is no query; sink and
window of the previous text include its markup. Knows no picture and no tensor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from svlm_cli.core.policy import WindowPolicy
from svlm_cli.engine.prompt import Part, Span, flatten
from svlm_cli.networks.family import Grid, TimeText
from svlm_cli.training.layout import Layout, Role, WindowTokens
from svlm_cli.training.overlap import Ids
from svlm_cli.training.records import StreamQuestion


@dataclass(frozen=True, slots=True)
class PublishedRound:
    """A second of a window: what is shown, asked and said."""

    start_s: float
    grid: Grid  # in tokens
    words: str  # each with a space before it
    question: str = ""
    answer: str = ""
    meant: tuple[int | None, ...] | None = None  # targets of the words' ids, as in `layout.Round`

    @property
    def end_s(self) -> float:
        """A partial last second counts as a whole one."""
        return self.start_s + 1


def asked_in(questions: Sequence[StreamQuestion], starts_s: Sequence[float]) -> tuple[StreamQuestion | None, ...]:
    """The question in each of these seconds, if any.

    Like the loader, asks one question per second and waits for the second of the next one: after two in one second, or
    one before the window, no more are asked.
    """
    coming, found = list(questions), list[StreamQuestion | None]()
    for start_s in starts_s:
        comes = bool(coming) and start_s < coming[0].asked_s <= start_s + 1
        found.append(coming.pop(0) if comes else None)
    return tuple(found)


def published_window(layout: Layout, rounds: Sequence[PublishedRound], *, previous: Ids, fps: float) -> WindowTokens:
    """The tokens of a window. Text between two control tokens is encoded as one piece, as in the loader.

    `previous`: the role, a line break and the text, which is cut here.
    """
    prompt, words = layout.prompt, layout.policy.prompt
    front = (prompt.turn_start, *previous, *prompt.tail)
    opening = Span(Part.PREVIOUS, cut_published(front, layout.policy.windows))
    spans, roles = [prompt.opening(())[0], opening], list[Role]()
    meant: dict[int, int] = {}
    for index, one in enumerate(rounds):
        spans += _turn(layout, index, one, fps)
        roles += [Role.NONE] * (sum(map(len, spans)) - len(roles))
        said = layout.words(f"assistant\n{one.answer}\n{one.words}{words.marker}")
        spans.append(Span(Part.WORDS, (prompt.turn_start, *said, *prompt.tail), index))
        # In Qwen's vocabulary, unlike others, two line breaks are one token.
        unlearned = len(layout.words("assistant\n" if one.answer else "assistant\n\n"))
        answer = len(layout.words(f"assistant\n{one.answer}\n")) - unlearned if one.answer else 0
        spoken = _spoken_roles(len(said) - unlearned - answer, len(prompt.marker))
        for place, token in enumerate(one.meant or ()):
            if token is None:
                spoken[place] = Role.NONE  # cannot be known
            else:
                meant[len(roles) + 1 + unlearned + answer + place] = token
        roles += [Role.NONE] * (1 + unlearned) + [Role.ANSWER] * answer + spoken + [Role.END]
        roles += [Role.NONE] * (len(prompt.tail) - 1)  # the line break after the turn
    ids = np.array(flatten(spans), np.int32)
    pads = np.flatnonzero(ids == prompt.video_pad).astype(np.int32)
    targets = ids.copy()
    targets[list(meant)] = list(meant.values())
    return WindowTokens(ids, layout.place(spans, fps), np.array(roles, np.int8), pads, targets)


def cut_published(front: Ids, policy: WindowPolicy) -> Ids:
    """The turn of the previous text, with markup, cut to its first `sink` and last `window` tokens."""
    sink, window = policy.sink_tokens, policy.window_tokens
    if not sink + window or len(front) < sink + window:
        return front
    return front[:sink] + front[len(front) - window :]


def _turn(layout: Layout, index: int, one: PublishedRound, fps: float) -> list[Span]:
    """A question follows the time and precedes the pictures."""
    prompt, markup = layout.prompt, layout.policy.prompt.markup
    times = layout.family.markings(one.start_s, one.end_s, one.grid, fps, markup)
    time = "".join(piece.text for piece in times if isinstance(piece, TimeText))
    text = f"user\n{time}{' ' if index else ''}{one.question}"
    shown = prompt.turn(index, one.start_s, one.end_s, one.grid, ())
    return [
        Span(Part.USER_HEAD, (prompt.turn_start, *layout.words(text)), index),
        *(span for span in shown if span.part is Part.VISION),
        Span(Part.USER_TAIL, prompt.tail, index),
    ]


def _spoken_roles(said: int, marker: int) -> list[Role]:
    """The roles of words and the marker after them."""
    words = said - marker
    return [Role.SILENCE] * said if not words else [Role.FIRST] + [Role.WORD] * (words - 1) + [Role.END] * marker
