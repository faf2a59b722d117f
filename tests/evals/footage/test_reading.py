"""What a commentary of footage states, and how it compares with the truth."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from svlm_cli.evals.footage.counts import FootageRate, FootageTruth, scores, tally
from svlm_cli.evals.footage.reading import Said, read
from svlm_cli.evals.footage.report import FootageScript, run_controls, score
from svlm_cli.simulator.footage import speech
from svlm_cli.simulator.footage.events import SeenEvent
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.remarks import Remark, remarks
from svlm_cli.simulator.footage.speech import AT_ONCE_S, CROWD, PATIENCE_S, News, texts
from svlm_cli.simulator.footage.statements import Statement, Topic

SECONDS = 300


def _told(*lines: str) -> tuple[Said, ...]:
    return read(lines).statements


def _truth(*lines: str) -> FootageTruth:
    """In which nothing could be said but what the reference says."""
    reference = _told(*lines)
    return FootageTruth(reference, tuple(_news(one.statement, one.begun) for one in reference))


def _news(statement: Statement, from_s: float) -> News:
    until_s = from_s + (AT_ONCE_S if statement.topic is Topic.CUT else PATIENCE_S)
    return News(statement, from_s, until_s, until_s)


def test_sentences_are_read_in_the_second_in_which_they_end() -> None:
    telling = read(["", " Something large enters", " from the left.", " It stops in the middle. Cut."])
    assert telling.statements == (
        Said(2, Statement(Topic.ENTERS, "left", size="large"), begun=1, words=6),
        Said(3, Statement(Topic.STOPS, "middle"), begun=3, words=5),
        Said(3, Statement(Topic.CUT, "cut"), begun=3, words=1),
    )
    assert telling.unread == 0


def test_a_cut_breaks_a_sentence_off() -> None:
    telling = read([" Something large", " Cut. Nothing", " moves."])
    assert [one.statement.topic for one in telling.statements] == [Topic.CUT, Topic.STILL]


@pytest.mark.parametrize(
    ("text", "unread"),
    [(" Corner for Halfintis.", 1), (" something enters. The", 1), (" \x1b[2J . ..", 2), (" word" * 30, 1), ("", 0)],
)
def test_other_words_state_nothing(text: str, unread: int) -> None:
    """Guards against a model that is praised for what only sounds like a statement."""
    telling = read([text])
    assert (telling.statements, telling.unread) == ((), unread)


def test_a_cut_is_stated_within_a_second_and_a_half() -> None:
    truth = _truth("", "", " Cut.", "", "", "", " Something enters from the left.")
    early, late = _told("", " Cut.", "", "", "", "", ""), _told("", "", "", "", " Cut.", "", "")
    assert scores([tally(truth, early, 7)])[0][FootageRate.CUTS].value == 1.0
    assert scores([tally(truth, late, 7)])[0][FootageRate.CUTS].value == 0.0
    other = _told("", "", " Cut.", "", "", "", " Something enters from the right.")
    found = scores([tally(truth, other, 7)])[0]
    assert (found[FootageRate.CUTS].value, found[FootageRate.ENTERS].value, found[FootageRate.ALL].value) == (
        1.0,
        0.0,
        0.5,
    )
    assert found[FootageRate.LEAVES].value is None


def test_what_the_reference_had_no_time_for_may_be_said() -> None:
    """Guards against blaming a commentary for another choice among what is true, or praising it for a repetition."""
    truth = _truth(" Something enters from the left.", "", "", "")
    truth = replace(truth, news=(*truth.news, _news(Statement(Topic.ENTERS, "right"), 0.5)))
    both = _told(" Something enters from the left.", "", " Another enters from the right.", "")
    assert scores([tally(truth, both, 4)])[0][FootageRate.ENTERS].value == 1.0
    twice = _told(" Something enters from the left.", " Something enters from the left.", "", "")
    assert scores([tally(truth, twice, 4)])[0][FootageRate.ENTERS].value == pytest.approx(2 / 3)
    late = _told(" Something enters from the left.", "", "", " Another enters from the right.")
    assert scores([tally(truth, late, 4)])[0][FootageRate.ENTERS].value == pytest.approx(2 / 3)


def test_who_is_silent_or_says_what_comes_later_has_missed_it() -> None:
    """Guards against a model that is excused for all that it does not say."""
    truth = _truth(" Cut.", " Something enters from the left.", "", "")
    darker = replace(truth, news=(*truth.news, _news(Statement(Topic.LIGHT, "darker"), 1.0)))
    assert _f1(darker, " Cut.", " Something enters from the left.", "", "") == 1.0
    assert _f1(truth, " Cut.", "", "", "") == pytest.approx(2 / 3)
    assert _f1(darker, " Cut.", " It gets darker.", "", "") == pytest.approx(0.8)
    assert _f1(truth, " Cut.", " It is dark.", "", "") == pytest.approx(0.5)


def test_two_who_come_together_may_be_mentioned_one_after_the_other() -> None:
    """Guards against taking equal news for one and the same."""
    both = FootageTruth((), tuple(_news(Statement(Topic.ENTERS, "left"), 0.5) for _ in range(2)))
    assert _f1(both, " Something enters from the left.", "", " Another enters from the left.") == 1.0


@pytest.mark.parametrize(("size", "said"), [("large", " Something large moves left."), ("", " It moves left.")])
def test_a_statement_is_about_the_thing_that_it_was_due_for(size: str, said: str) -> None:
    """Guards the reference, who mentions one of several things that do the same, against having missed it."""
    due = _news(Statement(Topic.MOVES, "left", size=size), 0.5)
    for others in ("", "small"):
        aside = News(Statement(Topic.MOVES, "left", size=others), 0.0, 2.0, float("-inf"))
        assert _f1(FootageTruth((), (aside, due)), said, "", "", "") == 1.0


def test_a_crowd_may_be_mentioned_late_but_not_instead_of_two_things() -> None:
    crowd = FootageTruth((), (News(CROWD, 0.0, 20.0, PATIENCE_S),))
    assert _f1(crowd, " Many things move.", "") == 1.0
    assert _f1(crowd, *[""] * 9, " Many things move.") == 0.0
    assert _f1(crowd, " Two things move.", "") == 0.0


def _f1(truth: FootageTruth, *said: str) -> float | None:
    return scores([tally(truth, _told(*said), len(said))])[0][FootageRate.ALL].value


def test_several_things_are_borne_out_by_more_than_one() -> None:
    moves = [_news(Statement(Topic.MOVES, way), 0.0) for way in ("left", "right")]
    reference = _told(" Two things move.", "")
    assert scores([tally(FootageTruth(reference, tuple(moves)), reference, 2)])[0][FootageRate.MOVES].value == 1.0
    assert scores([tally(FootageTruth(reference, (moves[0],)), reference, 2)])[0][FootageRate.MOVES].value == 0.0


def test_how_many_and_how_large_are_asked_apart() -> None:
    """Guards the F1 of entrances against falling for a size, which two careful people may see differently."""
    truth = _truth(" Something large enters from the left.", "", "", " Two things move up.")
    said = _told(" Something small enters from the left.", "", "", " Many things move up.")
    found = scores([tally(truth, said, 4)])[0]
    assert found[FootageRate.ALL].value == 1.0
    assert found[FootageRate.SIZE].value == 0.0
    assert found[FootageRate.HOW_MANY].value == 0.5


def test_the_controls() -> None:
    """Guards the measure: the reference itself is perfect, late it fails, silence is worth nothing."""
    scripts = [FootageScript.of(EndlessFootage(seed), SECONDS) for seed in range(3)]
    assert sum(read(script.texts).unread for script in scripts) == 0
    controls = run_controls(scripts)
    itself, late, empty = ({rate: one.value for rate, one in rates.items()} for rates in controls.values())
    assert {value for value in itself.values() if value is not None} == {1.0}
    assert (late[FootageRate.ALL] or 1.0) < 0.15
    assert empty[FootageRate.ALL] == 0.0
    told = [script.texts for script in scripts]
    another = score(scripts, [*told[1:], told[0]], controls).rates
    assert (another[FootageRate.ALL].value or 1.0) < 0.15


def test_another_speaker_with_the_same_eyes_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a measure of what one speaker chooses: noticing all of it, each a little sooner or later, changes
    what there is time for.
    """
    scripts = [FootageScript.of(EndlessFootage(seed), SECONDS) for seed in range(3)]
    random = np.random.default_rng(0)

    def noticed(events: Sequence[SeenEvent]) -> Iterator[Remark]:
        moved = [replace(one, from_s=one.from_s + random.normal(0, 0.3)) for one in remarks(events)]
        return iter(sorted(moved, key=lambda one: one.from_s))

    monkeypatch.setattr(speech, "remarks", noticed)
    said = [texts(EndlessFootage(seed), SECONDS) for seed in range(3)]
    monkeypatch.undo()
    assert said != [script.texts for script in scripts]
    assert (score(scripts, said, run_controls(scripts)).rates[FootageRate.ALL].value or 0.0) > 0.9
