"""Spans of ids: what is counted, cut and looked up in them."""

import pytest

from svlm_cli.engine.prompt import Part, Prompt, Span, count_ids, distinct, flatten, last
from tests.engine.conftest import Parts, small_policy

SPANS = (
    Span(Part.SYSTEM, (1, 2, 3)),
    Span(Part.VISION, (7,), 0),
    Span(Part.VISION, (9, 9, 9, 9), 0, (1, 2, 2)),
    Span(Part.VISION, (8,), 0),
    Span(Part.WORDS, (), 0),
    Span(Part.WORDS, (4, 5), 1),
)


def test_all_kinds_of_ids_are_found() -> None:
    """Guards the repetition penalty: an id that is overlooked is not penalised."""
    assert distinct(SPANS) == set(flatten(SPANS))
    assert distinct(()) == set()


@pytest.mark.parametrize("count", range(12))
def test_the_last_ids_are_in_the_last_spans(count: int) -> None:
    spans, known = last(SPANS, count)
    ids = flatten(SPANS)
    assert flatten(spans)[known:] == ids[len(ids) - count :]
    assert count_ids(spans[1:]) < max(count, 1), "no span more than that"


@pytest.mark.parametrize("words", [(), (50,), (50, 51, 7)])
def test_an_answer_is_closed_once(parts: Parts, words: tuple[int, ...]) -> None:
    """Guards a round cut at its limit, which has not closed itself, and a last word that is taken for the end."""
    prompt = Prompt(parts.tokenizer, small_policy(), parts.model.family)
    for generated in (words, (*words, prompt.turn_end)):
        said, tail = prompt.answer(3, generated)
        assert (said.ids, tail.ids) == (words, prompt.tail)
        assert said.round == tail.round == 3


def test_the_longest_turn_is_that_of_a_stream_of_years(parts: Parts) -> None:
    """Guards the room of a slot: a round with pixels, long times and as many words as may be, and no token more."""
    prompt, latest_s, pixels = Prompt(parts.tokenizer, small_policy(), parts.model.family), 1e9, 6
    turn = (*prompt.turn(0, latest_s, latest_s, (1, 2, 3), ()), *prompt.answer(0, (50,) * 20))
    assert prompt.longest_turn(20) == count_ids(turn) - pixels
