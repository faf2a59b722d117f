"""What stays and where: STREAMING.md section 1, rule by rule, without a tensor."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from svlm_cli.core.policy import MarkerRule, WindowPolicy
from svlm_cli.engine.eviction import cut_previous, evict
from svlm_cli.engine.prompt import Part, Span, flatten, spoken

MARKER, END = (7,), {1, 2}


def moving(words: tuple[int, ...]) -> tuple[int, ...]:
    return words[: spoken(words, MARKER, MarkerRule.EXACT, END)]


def opening(previous: int = 0) -> tuple[Span, ...]:
    return (
        Span(Part.SYSTEM, (10, 11)),
        Span(Part.PREVIOUS_HEAD, (12, 13)),
        Span(Part.PREVIOUS, tuple(range(1000, 1000 + previous))),
        Span(Part.PREVIOUS_TAIL, (14, 15)),
    )


def turn(round_: int, words: tuple[int, ...], query: tuple[int, ...] = ()) -> tuple[Span, ...]:
    base = 100 * (round_ + 1)
    spans = [
        Span(Part.USER_HEAD, (base,), round_),
        Span(Part.TIME, (base + 1, base + 2), round_),
        Span(Part.VISION, (base + 3,), round_),
        Span(Part.VISION, (base + 4,), round_, (1, 1, 1)),
        Span(Part.VISION, (base + 5,), round_),
        Span(Part.USER_TAIL, (base + 6,), round_),
        Span(Part.ASSISTANT_HEAD, (base + 7,), round_),
        Span(Part.WORDS, words, round_),
        Span(Part.ASSISTANT_TAIL, (base + 8,), round_),
    ]
    if query:
        spans.insert(5, Span(Part.QUERY, query, round_))
    return tuple(spans)


def ids_after(spans: tuple[Span, ...], next_round: int, windows: WindowPolicy) -> list[int]:
    before = flatten(spans)
    result = evict(spans, next_round, windows, moving)
    assert [before[i] for i in result.order] == flatten(result.spans), "order and spans tell the same story"
    return flatten(result.spans)


def test_nothing_leaves_while_the_windows_hold_every_round() -> None:
    spans = opening() + turn(0, (50, 7)) + turn(1, (51, 7))
    assert ids_after(spans, 2, WindowPolicy(vision_rounds=3, text_rounds=3)) == flatten(spans)


def test_the_oldest_round_leaves_its_words_behind_the_previous_text() -> None:
    spans = opening(2) + turn(0, (50, 51, 7)) + turn(1, (52, 7))
    kept = ids_after(spans, 2, WindowPolicy(vision_rounds=2, text_rounds=2))
    assert kept == [10, 11, 12, 13, 1000, 1001, 50, 51, 14, 15, *flatten(turn(1, (52, 7)))]


def test_a_silent_round_moves_nothing() -> None:
    spans = opening() + turn(0, (7,)) + turn(1, (7,))
    kept = ids_after(spans, 2, WindowPolicy(vision_rounds=2, text_rounds=2))
    assert kept == [10, 11, 12, 13, 14, 15, *flatten(turn(1, (7,)))]


def test_a_round_without_any_word_moves_nothing() -> None:
    spans = opening() + turn(0, ()) + turn(1, ())
    kept = ids_after(spans, 2, WindowPolicy(vision_rounds=2, text_rounds=2))
    assert kept == [10, 11, 12, 13, 14, 15, *flatten(turn(1, ()))]


@pytest.mark.parametrize(
    ("most", "kept"), [(0, {0, 1, 2}), (5, {0, 1, 2}), (4, {1, 2}), (3, {2}), (2, set()), (1, set())]
)
def test_too_many_pixels_go_the_oldest_first(most: int, kept: set[int]) -> None:
    """Two come, and each round has one. What comes stays in any case, so a limit below it leaves no other."""
    spans = opening() + turn(0, (50, 7)) + turn(1, (51, 7)) + turn(2, (52, 7))
    windows = WindowPolicy(vision_rounds=9, text_rounds=9, vision_tokens=most)
    result = evict(spans, 3, windows, moving, coming=2)
    assert {span.round for span in result.spans if span.grid is not None} == kept
    assert {span.round for span in result.spans if span.part is Part.WORDS} == {0, 1, 2}, "their words stay"


def test_fewer_vision_rounds_drop_the_pixels_alone() -> None:
    spans = opening() + turn(0, (50, 7), query=(60, 61)) + turn(1, (51, 7))
    kept = ids_after(spans, 2, WindowPolicy(vision_rounds=1, text_rounds=3))
    without_pixels = [100, 101, 102, 60, 61, 106, 107, 50, 7, 108, 200, 201, 202, 206, 207, 51, 7, 208]
    assert kept == [10, 11, 12, 13, 14, 15, *without_pixels]


def test_fewer_text_rounds_leave_the_user_shell_with_its_pixels() -> None:
    spans = opening() + turn(0, (50, 7), query=(60,)) + turn(1, (51, 7))
    kept = ids_after(spans, 2, WindowPolicy(vision_rounds=3, text_rounds=1))
    shells = [100, 103, 104, 105, 60, 106, 200, 203, 204, 205, 206]
    assert kept == [10, 11, 12, 13, 50, 51, 14, 15, *shells]


def test_a_shell_goes_with_its_pixels() -> None:
    windows = WindowPolicy(vision_rounds=2, text_rounds=1)
    first = evict(opening() + turn(0, (50, 7)), 1, windows, moving)
    kept = ids_after(first.spans + turn(1, (51, 7)), 2, windows)
    assert kept == [10, 11, 12, 13, 50, 51, 14, 15, 200, 203, 204, 205, 206]


def test_a_vision_window_of_zero_keeps_structure() -> None:
    spans = opening() + tuple(span for span in turn(0, (50, 7)) if span.part is not Part.VISION)
    assert ids_after(spans, 1, WindowPolicy(vision_rounds=0, text_rounds=2)) == flatten(spans)


@pytest.mark.parametrize(
    ("length", "sink", "window", "left"),
    [
        (1023, 512, 512, 1023),  # fires from sink + window ids of content
        (1024, 512, 512, 512 + 511),
        (1500, 512, 512, 512 + 511),
        (5, 0, 0, 0),
        (5, 2, 0, 2),  # the formula would take P's <|im_end|> here
        (5, 2, 1, 2),
        (5, 0, 1, 0),
        (5, 0, 3, 2),
        (5, 4, 3, 5),
        (0, 0, 0, 0),
    ],
)
def test_the_previous_text_is_cut_as_published(length: int, sink: int, window: int, left: int) -> None:
    start, stop = cut_previous(length, WindowPolicy(sink_tokens=sink, window_tokens=window))
    assert length - (stop - start) == left
    assert 0 <= start <= stop <= length


@given(length=st.integers(0, 60), sink=st.integers(0, 20), window=st.integers(0, 20))
def test_the_cut_equals_the_published_closed_interval(length: int, sink: int, window: int) -> None:
    """Guards the translation of indices: `[start + sink + 4, end - window - 1]` over the whole of P, markup spared."""
    head, tail = 4, 2
    ids = ["head"] * head + list(range(length)) + ["tail"] * tail
    end = len(ids) - 1
    first, last = sink + head, end - window - 1
    expected = [token for i, token in enumerate(ids) if not first <= i <= last and isinstance(token, int)]
    start, stop = cut_previous(length, WindowPolicy(sink_tokens=sink, window_tokens=window))
    content = list(range(length))
    assert content[:start] + content[stop:] == expected


def test_the_cut_crosses_the_context_and_moved_words() -> None:
    spans = opening(4) + turn(0, (50, 51, 52, 7))
    kept = ids_after(spans, 1, WindowPolicy(vision_rounds=1, text_rounds=1, sink_tokens=2, window_tokens=3))
    assert kept == [10, 11, 12, 13, 1000, 1001, 51, 52, 14, 15]


def test_a_context_is_cut_before_any_words_move() -> None:
    """Guards the first rounds, in which nothing leaves a window but the middle of a long context."""
    spans = opening(9) + turn(0, (50, 7))
    kept = ids_after(spans, 1, WindowPolicy(vision_rounds=9, text_rounds=9, sink_tokens=2, window_tokens=3))
    assert kept == [10, 11, 12, 13, 1000, 1001, 1007, 1008, 14, 15, *flatten(turn(0, (50, 7)))]


@given(
    said=st.lists(st.integers(0, 4), min_size=1, max_size=8),
    sink=st.integers(0, 5),
    window=st.integers(0, 6),
    text=st.integers(1, 3),
)
@example(said=[2, 2, 2], sink=1, window=4, text=1)  # the cut ends before the words that move
def test_the_previous_text_is_what_was_said_cut(said: list[int], sink: int, window: int, text: int) -> None:
    """Guards the pieces that the cut is made of, round by round, against a list."""
    windows = WindowPolicy(vision_rounds=2, text_rounds=text, sink_tokens=sink, window_tokens=window)
    spans, expected, waiting = opening(3), [1000, 1001, 1002], list[tuple[int, ...]]()
    for round_, count in enumerate(said):
        if len(waiting) == text:
            expected += waiting.pop(0)
        start, stop = cut_previous(len(expected), windows)
        expected = expected[:start] + expected[stop:]
        before = flatten(spans)
        result = evict(spans, round_, windows, moving)
        assert [before[i] for i in result.order] == flatten(result.spans)
        assert [span.ids for span in result.spans if span.part is Part.PREVIOUS] == [tuple(expected)]
        words = tuple(range(2000 + 10 * round_, 2000 + 10 * round_ + count))
        spans = result.spans + turn(round_, (*words, *MARKER))
        waiting.append(words)


@pytest.mark.parametrize(
    ("words", "rule", "count"),
    [
        ((50, 51, 7), MarkerRule.EXACT, 2),
        ((50, 51, 52), MarkerRule.EXACT, 3),
        ((50, 51, 52), MarkerRule.POSITIONAL, 2),  # cut at its limit: loses its last word, as published
        ((7,), MarkerRule.EXACT, 0),
        ((7,), MarkerRule.POSITIONAL, 0),
        ((), MarkerRule.EXACT, 0),
        ((), MarkerRule.POSITIONAL, 0),
        ((50, 7, 1), MarkerRule.EXACT, 1),  # ended by another id of the EOS list
        ((50, 1), MarkerRule.EXACT, 1),
        ((50, 7, 1), MarkerRule.POSITIONAL, 2),
    ],
)
def test_marker_rules(words: tuple[int, ...], rule: MarkerRule, count: int) -> None:
    assert spoken(words, MARKER, rule, END) == count


def test_a_marker_of_two_ids_is_dropped_whole_or_not_at_all() -> None:
    assert spoken((50, 8, 9), (8, 9), MarkerRule.EXACT, END) == 1
    assert spoken((50, 9), (8, 9), MarkerRule.EXACT, END) == 2
    assert spoken((9,), (8, 9), MarkerRule.POSITIONAL, END) == 0


@given(
    said=st.lists(st.lists(st.sampled_from([50, 51, 7]), max_size=4), min_size=1, max_size=12),
    vision=st.integers(0, 4),
    text=st.integers(1, 4),
    sink=st.integers(0, 4),
    window=st.integers(0, 5),
)
def test_a_long_stream_stays_within_its_windows(
    said: list[list[int]], vision: int, text: int, sink: int, window: int
) -> None:
    """Guards against leaks over many rounds, and against reordering what stays."""
    windows = WindowPolicy(vision_rounds=vision, text_rounds=text, sink_tokens=sink, window_tokens=window)
    spans = opening(3)
    for round_, words in enumerate(said):
        result = evict(spans, round_, windows, moving)
        assert np.unique(result.order).size == result.order.size, "no token is kept twice"
        spans = result.spans + turn(round_, tuple(words))
        previous = next(span for span in result.spans if span.part is Part.PREVIOUS)
        assert len(previous) <= max(sink + max(window - 1, 0), 0) or len(previous) < sink + window
        rounds = {span.round for span in spans if span.round >= 0}
        assert len(rounds) <= max(vision, text)
        assert sum(span.grid is not None for span in result.spans) <= max(vision - 1, 0)
