"""A commentator of footage who errs: what is said is wrong now and then, what is learned never is."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from svlm_cli.evals.footage.reading import read
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.speech import texts
from svlm_cli.training.confusion import Spoken
from svlm_cli.training.slips import slip

SECONDS = 300


@cache
def _told() -> tuple[str, ...]:
    return texts(EndlessFootage(5), SECONDS)


def _slipped(rate: float, told: Sequence[str]) -> list[list[Spoken]]:
    return slip(told, np.random.default_rng(1), rate)


def test_without_errors_all_is_as_it_was() -> None:
    said = _slipped(0.0, _told())
    assert [[one.said for one in words] for words in said] == [text.split() for text in _told()]
    assert all(one.said == one.meant for words in said for one in words)


def test_directions_are_wrong_and_the_right_one_is_meant() -> None:
    """Guards a model that goes left because it said so."""
    said = _slipped(1.0, (" Something enters from the left.",))
    assert [(one.said, one.meant) for one in said[0] if one.said != one.meant] == [("right.", "left.")]
    errors = [one for words in _slipped(0.3, _told()) for one in words if one.meant and one.said != one.meant]
    assert errors
    assert {word for text in _told() for word in text.split()} >= {one.meant for one in errors}


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_untrue_sentences_are_said_only_in_silence_which_is_meant(rate: float) -> None:
    """Guards the commentary itself: nothing of it may be lost, and a sentence must be spoken to its end."""
    told = _told()
    said = _slipped(rate, told)
    added = [[one for one in words if not one.meant] for words in said]
    assert any(added)
    for text, words, extra in zip(told, said, added, strict=True):
        assert [one.meant for one in words if one.meant] == text.split()
        assert not (text and extra), "two sentences at once"
    spoken = read([" ".join(one.said for one in words) for words in added])
    assert spoken.statements
    assert spoken.unread == 0
    assert sum(one.meant == "" for words in added for one in words) == len(spoken.statements), "silence, once each"
