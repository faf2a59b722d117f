"""A speaker who errs: what is said is wrong now and then, what is learned never is."""

from functools import cache

import numpy as np
import pytest

from svlm_cli.simulator.match.commentary import NUMBERS, CommentaryWord, words
from svlm_cli.simulator.match.match import Match
from svlm_cli.training.confusion import Confusion, Spoken

MATCH = Match(3)


@cache
def _words() -> tuple[CommentaryWord, ...]:
    """Of an hour: not played where no test of this file runs."""
    return tuple(words(MATCH, 0, 3600))


def _all(rate: float, *, seed: int = 0, knows_score: bool = True) -> list[tuple[CommentaryWord, Spoken]]:
    confusion = Confusion(np.random.default_rng(seed), rate, MATCH.teams, knows_score=knows_score)
    return [(word, confusion.spoken(word, word.text)) for word in _words()]


def test_without_errors_all_is_as_it_was() -> None:
    """Guards the plain windows."""
    assert all(one == Spoken(word.text, word.text) for word, one in _all(0.0))


def _name_errors(rate: float, seed: int) -> list[tuple[CommentaryWord, Spoken]]:
    return [(word, one) for word, one in _all(rate, seed=seed) if word.team is not None]


def test_names_are_wrong_as_often_as_asked_and_the_right_one_is_meant() -> None:
    """Guards the lesson: whatever was said, the kit and the context tell who it is."""
    names = [pair for seed in range(60) for pair in _name_errors(0.4, seed)]
    assert np.mean([one.said != word.text for word, one in names]) == pytest.approx(0.4, abs=0.1)
    assert all(one.meant == word.text for word, one in names)
    own, other = (team.name for team in MATCH.teams)
    wrong = {one.said.rstrip(".,") for word, one in names if word.team == 0 and one.said != word.text}
    mixed = {own[:3] + other[3:], other[:3] + own[3:]}
    misspelt = wrong - {other} - mixed
    assert {other} | mixed <= wrong
    assert misspelt
    assert all(sum(a != b for a, b in zip(_syllables(one), _syllables(own), strict=True)) == 1 for one in misspelt)


def _syllables(name: str) -> list[str]:
    return [name[start : start + 3] for start in range(0, len(name), 3)]


def test_a_team_is_misnamed_by_habit_or_now_and_then() -> None:
    """Guards against errors that are kept for ever: a stream that erred once has said nothing else since."""
    kinds = set()
    for seed in range(40):
        said = [one.said.rstrip(".,") for word, one in _name_errors(0.4, seed) if word.team == 0]
        share = np.mean([name != MATCH.teams[0].name for name in said])
        if share == 1:
            assert len(set(said)) == 1
            kinds.add("habit")
        else:
            assert share == pytest.approx(0.2, abs=0.1)
            assert len(set(said)) > 3
            kinds.add("slips")
    assert kinds == {"habit", "slips"}


def test_a_score_is_misread_by_habit_as_well() -> None:
    """Guards against a score that was misread once and counted on from there, with the board on screen."""
    steps = []
    for seed in range(40):
        numbers = [(word.number, one) for word, one in _all(0.4, seed=seed) if word.number is not None]
        told = {(n.score, n.side): NUMBERS.index(one.said.rstrip(".,")) - n.score[n.side] for n, one in numbers}
        scores = {score for score, _ in told if 0 < max(score) < 9 and min(score) > 0}
        steps.append({(told[score, 0], told[score, 1]) for score in scores})
    always = [one for one in steps if len(one) == 1 and one != {(0, 0)}]
    assert always
    assert {(0, 0), (0, 1)} <= set().union(*[one for one in steps if len(one) > 1])


def test_punctuation_and_other_words_stay() -> None:
    """Guards the grammar: only names and numbers are confused."""
    for word, one in _all(0.5):
        assert one.said[-1:] in ".," or word.text[-1:] not in ".,"
        if word.team is None and word.number is None:
            assert one == Spoken(word.text, word.text)


def test_a_score_is_read_from_the_board_and_repeated_as_it_was_said() -> None:
    """Guards memory: what was said at the goal holds until the next one, right or wrong; a board is read anew."""
    said: dict[tuple[tuple[int, int], int], str] = {}
    wrong = 0
    for word, one in _all(0.5):
        if word.number is None:
            continue
        right = NUMBERS[word.number.score[word.number.side]]
        assert said.setdefault((word.number.score, word.number.side), one.said.rstrip(".,")) == one.said.rstrip(".,")
        assert one.meant == (word.text if word.number.shown else one.said)
        assert one.said.rstrip(".,") in NUMBERS
        wrong += one.said.rstrip(".,") != right
        if word.number.score == (0, 0):
            assert one.said == word.text  # every game begins so: nobody must remember it
    assert wrong > 20


def test_a_score_that_was_never_said_is_not_learned() -> None:
    """Guards windows with the context alone in front: to guess is no lesson."""
    numbers = [(word.number, one) for word, one in _all(0.0, knows_score=False) if word.number is not None]
    first = next(index for index, (number, _) in enumerate(numbers) if number.shown)
    assert first > 0
    assert all(one.meant is None for _, one in numbers[:first])
    assert all(one.meant is not None for _, one in numbers[first:])


def test_asked_again_it_says_the_same() -> None:
    """Guards the text in front, which is asked for seconds of the window a second time."""
    confusion = Confusion(np.random.default_rng(1), 0.5, MATCH.teams, knows_score=True)
    first = [confusion.spoken(word, word.text) for word in _words()[:200]]
    assert [confusion.spoken(word, word.text) for word in _words()[:200]] == first
    assert first != [Spoken(word.text, word.text) for word in _words()[:200]]
