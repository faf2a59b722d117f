"""Spans of ids: what is counted, cut and looked up in them."""

import pytest

from svlm_cli.engine.prompt import Part, Span, count_ids, distinct, flatten, last

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
