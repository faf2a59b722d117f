"""The rules of speech, and that what is said is true."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from svlm_cli.simulator.match.commentary import MINOR, NUMBERS, SENTENCES, CommentaryWord, describe, second_text, words
from svlm_cli.simulator.match.events import Kind
from svlm_cli.simulator.match.match import Match
from svlm_cli.simulator.match.teams import KITS
from tests.simulator.match.conftest import EACH_SEED, PLAYED_S, SEEDS, Spoken

LONG_S = 3300
Played = Callable[[int], Spoken]


def _bare(word: CommentaryWord) -> str:
    return word.text.strip(",.")


def _sentences(spoken: tuple[CommentaryWord, ...]) -> list[list[CommentaryWord]]:
    sentences: list[list[CommentaryWord]] = [[]]
    for word in spoken:
        sentences[-1].append(word)
        if word.text.endswith("."):
            sentences.append([])
    return sentences[:-1]


@EACH_SEED
def test_words_come_in_order_and_three_a_second_at_most(seed: int, spoken: Played) -> None:
    """Guards the speed of speech, and the second to which a word belongs: (s, s + 1]."""
    _, said = spoken(seed)
    for one, two in pairwise(said):
        assert one.start_s < one.end_s <= two.start_s
    assert all(word.second < word.end_s <= word.second + 1 for word in said)
    assert Counter(Counter(word.second for word in said).values()).keys() == {1, 2, 3}
    assert 0.35 < 1 - len({word.second for word in said}) / PLAYED_S < 0.65


@EACH_SEED
def test_sentences_have_one_key_word_and_say_what_it_stands_for(seed: int, spoken: Played) -> None:
    """Guards the evaluation: type and team can be read from the words, and the key word tells when."""
    match, said = spoken(seed)
    for sentence in _sentences(said):
        keys = [word.event for word in sentence if word.event is not None]
        text = [_bare(word) for word in sentence]
        if text[0] == "Still":
            assert (keys, len(text)) == ([], 3)
            continue
        (event,) = keys
        if event.team is not None:
            assert match.teams[event.team].name in text
            assert match.teams[1 - event.team].name not in text
        pattern = SENTENCES[event.kind].replace("*", "").replace(",", "").replace(".", "").split()
        assert all(
            part in {word, "{team}", "{home}", "{away}", "{way}"} for part, word in zip(pattern, text, strict=True)
        )
        told = [NUMBERS.index(word) for word in text if word in NUMBERS]
        assert not told or tuple(told) == event.score


@EACH_SEED
def test_major_events_are_said_within_a_second_or_give_way_to_the_next(seed: int, spoken: Played) -> None:
    """Guards the rule of what is said: nothing is late, and no goal and no whistle is ever left out."""
    match, said = spoken(seed)
    begins = {id(word.event): sentence[0].start_s for sentence in _sentences(said) for word in sentence if word.event}
    events = match.events(0, PLAYED_S - 5)
    for event, after in pairwise(events):
        start = begins.get(id(event))
        if start is not None:
            assert int(event.time_s) <= start <= int(event.time_s) + (0 if event.kind in MINOR else 1)
        elif event.kind not in MINOR:
            assert after.time_s - event.time_s <= 1.5
            assert event.kind not in {Kind.GOAL, Kind.HALF_TIME, Kind.FULL_TIME, Kind.KICK_OFF}


def test_the_score_is_told_from_memory(spoken: Played) -> None:
    """Guards the long text window: reminders are true, come while no board is there, and often long after the goal."""
    match, said = spoken(0)
    since_goal = []
    goal_s, score = 0.0, (0, 0)
    events = list(match.events(0, PLAYED_S))
    for sentence in _sentences(said):
        if sentence[0].text != "Still":
            continue
        second = sentence[0].second
        while events and events[0].time_s < second + 1:
            event = events.pop(0)
            goal_s, score = (event.time_s if event.kind is Kind.GOAL else goal_s), event.score
        assert [_bare(word) for word in sentence[1:]] == [NUMBERS[number] for number in score]
        assert second % 25 < 5
        assert not match.scenes([second, second + 0.5]).scoreboard.any()
        since_goal.append(second - goal_s)
    assert len(since_goal) > 40
    assert np.median(since_goal) > 20
    assert max(since_goal) > 90


@pytest.mark.extra  # half a minute
def test_words_do_not_depend_on_the_stretch_that_is_asked_for() -> None:
    """Guards windows of training and long streams: a window's words are those of the whole match."""
    match = Match(5)
    whole = words(match, 0, LONG_S)
    for start in (*range(0, LONG_S, 601), 900, 1260, 1500):
        expected = tuple(word for word in whole if start < word.end_s <= start + 60)
        assert words(match, start, start + 60) == expected
    assert words(Match(5, keep_s=1800.0), 3000, 3060) == tuple(word for word in whole if 3000 < word.end_s <= 3060)


@pytest.mark.extra  # four matches
def test_the_vocabulary_is_small(spoken: Played) -> None:
    """Guards a tiny model's tokenizer against words that nobody counted."""
    vocabulary = Counter[str]()
    for seed in SEEDS:
        match, said = spoken(seed)
        names = {team.name for team in match.teams}
        vocabulary.update(_bare(word) for word in said if _bare(word) not in names)
    assert len(vocabulary) <= 40
    assert min(vocabulary.values()) >= 2


def test_the_description_says_what_is_on_screen() -> None:
    """Guards the stage in which a model learns to see: cell, kit and state are those of the picture."""
    match = Match(1)
    states: set[str] = set()
    for second in range(600):
        said = [word.text for word in describe(match, second)]
        scenes = match.scenes([second + 0.5])
        kit, name, column, row, state = said[:5]
        x, y = scenes.ball[0].tolist()
        assert (column, row) == (f"c{x // 28 + 1}", f"r{y // 28 + 1}")
        assert (name, kit) in {(team.name, team.kit) for team in match.teams}
        assert kit in KITS
        assert [word.text for word in describe(match, second, name_first=True)] == [name, kit, *said[2:]]
        assert len(said) == (7 if scenes.scoreboard[0] else 5)
        states.add(state)
    assert states == {"held", "loose", "net", "out"}
    assert all(second < word.end_s <= second + 1 for second in range(60) for word in describe(match, second))


def test_a_second_is_written_with_a_space_before_each_word() -> None:
    """Guards the layout that the engine reads and writes."""
    match = Match(0)
    home = match.teams[match.events(0, 1)[0].team or 0].name
    assert second_text(words(match, 0, 1)) == f" {home} kick off."
    assert second_text([]) == ""
