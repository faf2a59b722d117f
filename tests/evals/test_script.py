"""The reference as it is scored: what the simulator says and marks, second by second."""

import pytest

from svlm_cli.evals import script as module
from svlm_cli.evals.script import write_script, write_scripts
from svlm_cli.simulator.match.commentary import second_text, words
from svlm_cli.simulator.match.match import Kind, Match, Split

SECONDS = 400


def test_texts_and_marks_are_the_simulators() -> None:
    one = write_script(5, SECONDS)
    match = Match(5, Split.EVAL)
    spoken = words(match, 0, SECONDS)
    assert one.teams == (match.teams[0].name, match.teams[1].name)
    assert one.texts == tuple(
        second_text(word for word in spoken if word.second == second) for second in range(SECONDS)
    )
    marked = [word for word in spoken if word.event is not None]
    assert [event.second for event in one.truth.reference.events] == [word.second for word in marked]
    assert sum(event.is_goal for event in one.truth.reference.events) == sum(
        word.event is not None and word.event.kind is Kind.GOAL for word in marked
    )
    assert one.truth.reference.speaks.tolist() == [bool(text) for text in one.texts]


def test_scores_follow_the_goals() -> None:
    one = write_script(5, SECONDS)
    goals = [event for event in Match(5, Split.EVAL).events(0, SECONDS) if event.kind is Kind.GOAL]
    assert goals
    assert one.truth.scores == tuple((goal.time_s, goal.score) for goal in goals)


def test_a_part_of_a_match_is_its_beginning() -> None:
    """Guards against a reference that knows what comes later."""
    assert write_script(5, 60).texts == write_script(5, SECONDS).texts[:60]


def test_other_processes_write_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    matches = [(1, 50), (2, 70), (3, 60)]
    done: list[int] = []
    here = write_scripts(matches, done.append)
    monkeypatch.setattr(module, "WORTH_A_PROCESS_S", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    there = write_scripts(matches, done.append)
    assert [one.texts for one in there] == [one.texts for one in here]
    assert [one.seed for one in there] == [1, 2, 3]
    assert done == [1, 2, 3] * 2
