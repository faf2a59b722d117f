"""Words read back: each sentence of the commentary, said well and said badly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.evals.match import NOBODY, ToldEvent, ToldName, ToldScore
from svlm_cli.evals.reading import read
from svlm_cli.simulator.match.commentary import NUMBERS, REMINDER, SENTENCES
from svlm_cli.simulator.match.match import Kind

TEAMS = ("Falvon", "Torbek")


def events(*texts: str) -> list[tuple[int, str, int | None]]:
    return [(one.second, one.kind, one.team) for one in read(texts, TEAMS).events]


@pytest.mark.parametrize("kind", Kind)
def test_every_sentence_tells_its_event(kind: Kind) -> None:
    """Guards against a sentence of the simulator that the evaluation cannot read."""
    sentence = SENTENCES[kind].replace("*", "")
    for team, name in enumerate(TEAMS):
        text = sentence.format(team=name, way="forward", home="two", away="nil")
        told = read(("", f" {text}"), TEAMS)
        expected = team if "{team}" in sentence else None
        assert told.events == (ToldEvent(1, kind, expected, is_goal=kind is Kind.GOAL),)
        assert told.names == ((ToldName(1, name),) if "{team}" in sentence else ())
        assert told.scores == ((ToldScore(1, 1, (2, 0), with_goal=kind is Kind.GOAL),) if "{home}" in sentence else ())


def test_an_event_is_told_with_its_key_word() -> None:
    """Guards against events that count when their sentence begins, or when it ends."""
    assert events(" Falvon", " pass it", " back.") == [(1, "pass", 0)]
    assert events(" Wide", " from", " Torbek.") == [(2, "miss", 1)]
    assert events(" Half", " time, one", " nil.") == [(1, "half_time", None)]


def test_a_sentence_that_is_cut_short_has_told_its_event() -> None:
    assert events(" Falvon pass", " Torbek win it back.") == [(0, "pass", 0), (1, "interception", 1)]


@pytest.mark.parametrize(
    "text",
    ["", " ...", " pass", " it back.", " Goal for", " Falvon. pass it", " Wide Falvon.", " Falvon"],
)
def test_pieces_tell_nothing(text: str) -> None:
    assert events(text) == []


def test_whoever_plays_for_neither_team() -> None:
    told = read((" Falvan shoot. Goal for two",), TEAMS)
    assert [(one.kind, one.team) for one in told.events] == [("shot", NOBODY), ("goal", NOBODY)]
    assert told.names == (ToldName(0, "Falvan"),), "a number is no name, nor misspelt"


def test_names_are_the_words_with_a_capital_that_the_grammar_does_not_know() -> None:
    told = read((" Falvon pass it forward.", " Goal for Torrek,", " still Half Wide falvon"), TEAMS)
    assert told.names == (ToldName(0, "Falvon"), ToldName(1, "Torrek"))


def test_scores_are_two_numbers_in_a_row() -> None:
    score = REMINDER.format(home=NUMBERS[3], away=NUMBERS[9])
    assert read((f" {score}",), TEAMS).scores == (ToldScore(0, 0, (3, 9), with_goal=False),)
    assert read((" Still one", " nil."), TEAMS).scores == (ToldScore(0, 1, (1, 0), with_goal=False),)
    assert read((" Still one. nil nil. two one nil",), TEAMS).scores == (
        ToldScore(0, 0, (0, 0), with_goal=False),
        ToldScore(0, 0, (2, 1), with_goal=False),
    )
    assert read((" Goal for Torbek, one", " two. Still one two."), TEAMS).scores == (
        ToldScore(0, 1, (1, 2), with_goal=True),
        ToldScore(1, 1, (1, 2), with_goal=False),
    )


def test_a_second_is_spoken_if_there_is_a_word_in_it() -> None:
    assert read((" Falvon", "", "  ", " ...", "?!", " 2"), TEAMS).speaks.tolist() == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]


words = st.sampled_from([*(word for one in SENTENCES.values() for word in one.split()), *TEAMS, *NUMBERS, "..."])


@given(st.lists(st.lists(words, max_size=4).map(" ".join) | st.text(max_size=9), max_size=8))
def test_any_text_can_be_read(texts: list[str]) -> None:
    """Guards the evaluation of models that say nonsense: what is told lies in the seconds that there are."""
    told = read(texts, TEAMS)
    assert len(told.speaks) == len(texts)
    seconds = [one.second for part in (told.events, told.names, told.scores) for one in part]
    assert all(0 <= second < len(texts) for second in seconds)
    assert all(told.speaks[one.second] for one in told.events)
