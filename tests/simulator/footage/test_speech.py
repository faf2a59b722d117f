"""What is said of footage: it follows the log, in time, and every sentence can be read back."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from svlm_cli.simulator.footage.events import EventKind, SeenEvent
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.speech import WORDS_PER_SECOND, SentenceWord, _Speaker, words
from svlm_cli.simulator.footage.statements import CUTS, SENTENCES, Statement, Topic

LENGTH_S = 60.0


def _said(*events: SeenEvent) -> list[tuple[int, str]]:
    """What is said of a shot with these events, and in which second it begins."""
    speaker = _Speaker()
    shot = SeenEvent(EventKind.SHOT, 0.0, LENGTH_S, what="start")
    speaker.enter([shot, *events])
    sentences = ((second, speaker.sentence(second)) for second in range(int(LENGTH_S)))
    return [(second, said[0]) for second, said in sentences if said is not None]


def _state(kind: EventKind, what: str, start_s: float = 0.0, end_s: float = LENGTH_S) -> SeenEvent:
    return SeenEvent(kind, start_s, end_s, what=what)


def _busy(start_s: float = 0.0, end_s: float = LENGTH_S) -> SeenEvent:
    """Something moves, of which nothing is told."""
    return _state(EventKind.MOTION, "some", start_s, end_s)


def _enters(thing: int, at_s: float, side: str = "left", size: str = "middle") -> SeenEvent:
    return SeenEvent(EventKind.ENTERS, at_s, at_s + 0.5, thing=thing, side=side, size=size, place="left middle")


def _moves(thing: int, at_s: float, direction: str, end_s: float = LENGTH_S) -> SeenEvent:
    return SeenEvent(EventKind.MOVES, at_s, end_s, thing=thing, direction=direction, size="middle", place="left middle")


def test_a_pan_is_told_when_it_can_be_known() -> None:
    """Guards a model that would have to guess: a pan is one when two pictures have shown it."""
    camera = [
        _state(EventKind.CAMERA, "still", 0, 10.0),
        _state(EventKind.CAMERA, "pans left", 10.0, 20.2),
        _state(EventKind.CAMERA, "still", 20.2, LENGTH_S),
    ]
    assert _said(_busy(), *camera) == [(11, "The camera pans left."), (21, "The camera stops.")]


def test_what_lasts_for_less_than_a_second_is_not_told() -> None:
    camera = [
        _state(EventKind.CAMERA, "still", 0, 10.0),
        _state(EventKind.CAMERA, "pans left", 10.0, 10.8),
        _state(EventKind.CAMERA, "still", 10.8, LENGTH_S),
    ]
    assert _said(_busy(), *camera, _moves(1, 5.0, "left", 5.8)) == []


def test_it_is_who_was_spoken_of() -> None:
    """Guards "it" of another thing, or of one that was spoken of long ago."""
    stops = SeenEvent(EventKind.STOPS, 8.0, 8.0, thing=1, place="middle bottom", size="large")
    late = SeenEvent(EventKind.LEAVES, 40.0, 41.0, thing=1, side="right", size="large")
    said = _said(_busy(), _enters(1, 4.0, size="large"), stops, _moves(2, 11.0, "up"), late)
    assert [text for _, text in said] == [
        "Something large enters from the left.",
        "It stops in the middle.",
        "Something moves up.",
        "Something leaves on the right.",
    ]


def test_several_are_one_sentence() -> None:
    said = _said(_busy(), _enters(1, 4.0), _enters(2, 3.8), _moves(3, 20.0, "left"), _moves(4, 20.1, "right"))
    assert [text for _, text in said] == ["Two things enter from the left.", "Two things move."]


def test_another_comes_the_same_way() -> None:
    said = _said(_busy(), _enters(1, 4.0), _enters(2, 12.0, size="small"), _enters(3, 50.0))
    assert [text for _, text in said] == [
        "Something enters from the left.",
        "Another small one enters from the left.",
        "Something enters from the left.",
    ]


def test_how_something_came_is_how_it_goes_on() -> None:
    """Guards a sentence for what the last one said; a turn is news."""
    said = _said(_busy(), _enters(1, 4.0), _moves(1, 4.5, "right", 20.0), _moves(1, 20.0, "left"))
    assert [text for _, text in said] == ["Something enters from the left.", "Something moves left."]


def test_a_crowd_is_told_of_as_a_whole() -> None:
    """Guards a street full of people: who comes and goes is news there, who walks or stands is not."""
    moving = [_moves(thing, 2.0, "left") for thing in range(5)]
    large = replace(_moves(6, 7.5, "up"), size="large")
    later = [_moves(5, 5.0, "up"), large, _enters(7, 9.8), _moves(5, 20.0, "right")]
    crowd = [_state(EventKind.NUMBER, "many", 1.5, 13.0), _state(EventKind.NUMBER, "many", 14.0, 19.0)]
    assert [text for _, text in _said(_busy(), *crowd, *moving, *later)] == [
        "Many things move.",
        "Something large moves up.",
        "Something enters from the left.",
        "Many things move.",
        "Something moves right.",
    ]


def test_who_comes_back_at_once_was_never_gone() -> None:
    """Guards against what cannot be known: whether a thing behind another one will come out again."""
    said = _said(_busy(), _enters(1, 4.0), SeenEvent(EventKind.LEAVES, 8.0, 9.0, thing=1, side="middle"))
    assert said[1:] == [(10, "It disappears.")]


def test_stillness_is_told_once_and_then_seldom() -> None:
    """Guards the subtitles of a still camera against being anything but quiet."""
    assert _said(_state(EventKind.MOTION, "nothing")) == [(3, "Nothing moves.")]
    said = _said(_busy(0, 10.0), _busy(20.0, 30.0))
    assert said == [(13, "Nothing moves."), (33, "Still again.")]
    speaker = _Speaker()
    speaker.enter([SeenEvent(EventKind.SHOT, 0.0, 8000.0, what="start")])
    told = [(second, one[0]) for second in range(8000) if (one := speaker.sentence(second)) is not None]
    assert told == [
        (3, "Nothing moves."),
        (60, "Nothing has moved for one minute."),
        (120, "Nothing has moved for two minutes."),
        (300, "Nothing has moved for five minutes."),
        (600, "Nothing has moved for ten minutes."),
        (1800, "Nothing has moved for half an hour."),
        (3600, "Nothing has moved for one hour."),
        (7200, "Nothing has moved for two hours."),
    ]


def test_light() -> None:
    light = [
        _state(EventKind.LIGHT, "dark", 0, 20.0),
        _state(EventKind.LIGHT, "changes", 20.0, 24.0),
        _state(EventKind.LIGHT, "normal", 24.0, 40.0),
        _state(EventKind.LIGHT, "flickers", 40.0, 50.0),
        _state(EventKind.LIGHT, "normal", 50.0, LENGTH_S),
    ]
    assert _said(_busy(), *light) == [(1, "It is dark."), (24, "It gets brighter."), (41, "The light flickers.")]


def test_of_two_things_the_large_one_is_told_of() -> None:
    """Guards time: the other is no news any more when the first sentence is over."""
    said = _said(_busy(), _enters(1, 4.0, size="small"), _enters(2, 4.0, side="right", size="large"))
    assert said == [(4, "Something large enters from the right.")]


def _sentences(said: tuple[SentenceWord, ...]) -> Iterator[tuple[SentenceWord, ...]]:
    begun: list[SentenceWord] = []
    for word in said:
        begun = [] if word.text in CUTS.values() else begun  # which breaks a sentence off
        begun.append(word)
        if word.statement is not None:
            yield tuple(begun)
            begun = []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_sentence_can_be_read_back(seed: int) -> None:
    """Guards the reading of a model's words, and the rate: about two words a second at most."""
    said = [*_sentences(words(EndlessFootage(seed), 0, 900))]
    assert all(SENTENCES[" ".join(word.text for word in one)] == one[-1].statement for one in said)
    for before, after in itertools.pairwise(said):
        if after[0].text not in CUTS.values():
            assert after[0].start_s - before[0].start_s >= len(before) / WORDS_PER_SECOND
        assert after[0].start_s >= before[-1].end_s - 1e-6
    topics = {one[-1].statement.topic for one in said if one[-1].statement}
    assert topics > {Topic.CUT, Topic.CAMERA, Topic.ENTERS, Topic.LEAVES, Topic.MOVES, Topic.STOPS, Topic.STILL}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_seeking_says_what_playing_through_says(seed: int) -> None:
    """Guards windows of training, which begin anywhere."""
    footage = EndlessFootage(seed)
    whole = words(footage, 0, 400)
    for start in range(0, 380, 7):
        assert words(footage, start, start + 20) == tuple(one for one in whole if start < one.end_s <= start + 20)


def test_sentences_that_state_the_same_are_few() -> None:
    """Guards the meaning of a sentence: only "it", "another" and "still" say the same in other words."""
    by_statement: dict[Statement, list[str]] = {}
    for sentence, statement in SENTENCES.items():
        by_statement.setdefault(statement, []).append(sentence)
    for sentences in by_statement.values():
        plain = [one for one in sentences if not one.startswith(("It ", "Another", "Still"))]
        assert len(plain) == 1 or sentences[0].startswith("It "), sentences
