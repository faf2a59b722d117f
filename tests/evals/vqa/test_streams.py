"""Streams that are asked in passing: as if each question had a stream of its own, and what breaks on the way."""

from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.engine.engine import Engine
from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.choices import Way
from svlm_cli.evals.vqa.interview import Interview, Respondent
from svlm_cli.evals.vqa.results import VqaResult
from svlm_cli.evals.vqa.streams import watches
from svlm_cli.questions.question import AnswerKind
from tests.clips import cut, make_clip
from tests.engine.conftest import Parts, parts
from tests.evals.vqa.asked import PROACTIVE, STEP
from tests.evals.vqa.looking import asked_of, look, own_interview, question

__all__ = ["parts"]  # the fixture

SECONDS = 10


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("watched") / "a.mp4", frames=2 * SECONDS, fps="2", size=(56, 42))


@pytest.mark.parametrize("way", [Way.STREAMING, pytest.param(Way.WINDOW, marks=pytest.mark.extra)])
def test_one_stream_for_all_answers_as_one_for_each(parts: Parts, video: Path, way: Way) -> None:
    """Guards the speed of a stream for all: to the last bit of a letter's score it is a stream for each."""
    ends = (8.5, 3.0, 0.3, 8.5, None, 99.0)
    questions = [question(number, end_s) for number, end_s in enumerate(ends)]
    questions += [question(10, 8.0, start_s=5.0), question(11, 6.0, start_s=5.0)]
    questions.append(replace(STEP, id="12", end_s=5.0))
    together = look(parts, way, asked_of(video, *questions)).by_id()
    assert len(together) == len(questions)
    for one in questions:
        (alone,) = look(parts, way, asked_of(video, one)).results
        assert alone == together[one.id]
    letters = [together[str(number)].letters for number in range(6)]
    assert len({*letters}) == 6, "they are no constants"


def test_questions_share_a_stream_where_it_may_begin_at_the_same_moment(video: Path) -> None:
    starts = (None, 4.0, 0.0, 4.0, 5.0)
    found = watches(asked_of(video, *(question(number, 9.0, start_s=at_s) for number, at_s in enumerate(starts))))
    assert [[*one.left] for one in found] == [["0", "2"], ["1", "3"], ["4"]], "the longest first"
    assert len({one.seed(7) for one in found}) == 3


def test_what_is_known_beforehand_opens_the_stream(parts: Parts, video: Path) -> None:
    """Guards questions about teams that the context alone names: others of the same video are another stream's."""
    told = replace(question(2, 6.0), known="Reds against blues.")
    asked = asked_of(video, question(1, 6.0), told, replace(told, id="3", known="Blues against reds."))
    assert len(watches(asked)) == 3
    results = look(parts, Way.STREAMING, asked).by_id()
    alone = look(parts, Way.STREAMING, asked_of(video, replace(question(2, 6.0)))).by_id()
    assert len({results["2"].letters, results["3"].letters, alone["2"].letters}) == 3


def test_several_videos_side_by_side(parts: Parts, video: Path, tmp_path: Path) -> None:
    """Guards one video's answers against another's, and all of them against one that is broken."""
    other = make_clip(tmp_path / "b.mp4", frames=12, fps="2", size=(56, 42), first=900)
    (tmp_path / "rotten.mp4").write_bytes(b"rotten")
    asked = [
        *asked_of(video, question(1, 4.0), question(2, 9.0)),
        *asked_of(tmp_path / "rotten.mp4", question(3, 4.0), question(4, None)),
        *asked_of(other, question(5, 4.0), question(6, None)),
    ]
    found = look(parts, Way.STREAMING, asked, jobs=2)
    results = found.by_id()
    assert {*results} == {"1", "2", "3", "4", "5", "6"}
    (error,) = found.errors
    assert "rotten.mp4" in error.message
    assert found.notices == []
    assert [one for one in "123456" if results[one].failed] == ["3", "4"]
    assert not any(results[one].right for one in "34")
    for group in (asked[:2], asked[4:]):
        for one in look(parts, Way.STREAMING, group).results:
            assert one.letters == pytest.approx(results[one.id].letters, abs=1e-4), "batches sum in another order"


def test_what_nobody_has_seen_is_not_answered(parts: Parts, tmp_path: Path) -> None:
    """Guards against an answer about the end of a video of which the first half is there."""
    whole = make_clip(tmp_path / "a.mkv", frames=2 * SECONDS, fps="2", size=(56, 42))
    half = cut(whole, tmp_path / "b.mkv", 0.5)
    found = look(parts, Way.STREAMING, asked_of(half, question(1, 2.0), question(2, 9.5), question(3, None)))
    results = found.by_id()
    assert [results[one].failed != "" for one in "123"] == [False, True, True]
    (error,) = found.errors
    assert isinstance(error, InputError)
    assert "b.mkv ends too early" in results["2"].failed


def test_a_proactive_question_is_asked_each_second(parts: Parts, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the moments, that the first yes is the last, and that the answer has its time."""
    from svlm_cli.evals.vqa import interview

    heard: list[str] = []

    def says_yes(reply: str) -> str | None:
        heard.append(reply)
        return "yes" if len(heard) == 3 else None

    due = replace(PROACTIVE, id="1", start_s=1.0, end_s=10.0, asked_s=2.0, due_s=6.0)
    for way in (Way.STREAMING, Way.FULL):
        heard.clear()
        (never,) = look(parts, way, asked_of(video, due)).results
        assert (never.answered, never.answered_s, never.right, never.failed) == ("", -1.0, False, "")
        monkeypatch.setattr(interview, "read_yes_no", says_yes)
        (found,) = look(parts, way, asked_of(video, due)).results
        assert (found.answered_s, len(heard)) == (5.0, 3)
        assert found.answered
        monkeypatch.undo()


def test_kinds_that_are_said(parts: Parts, video: Path) -> None:
    """Guards against a count or a yes that is taken from the letters."""
    kinds = [
        replace(STEP, id=kind, kind=kind, answer="3" if kind is AnswerKind.COUNT else "no")
        for kind in (AnswerKind.COUNT, AnswerKind.STEP, AnswerKind.CLUE)
    ]
    for way in (Way.WINDOW, Way.RECENT):
        found = look(parts, way, asked_of(video, *kinds)).results
        assert [(one.letters, one.failed) for one in found] == [((), "")] * 3
        assert all(one.answered for one in found)


@pytest.mark.parametrize("way", [Way.STREAMING, Way.RECENT])
def test_a_video_that_is_too_short_is_told(parts: Parts, video: Path, way: Way) -> None:
    """Guards against another cut of a video than that which the questions are about: answers look as usual."""
    found = look(parts, way, asked_of(video, question(1, 3.0), question(2, SECONDS + 5.0)))
    assert [one.failed for one in found.results] == ["", ""]
    (notice,) = found.notices
    assert "a.mp4 is over before all questions about it are asked" in notice
    assert look(parts, way, asked_of(video, question(3, SECONDS + 0.5))).notices == []


class _Particular(Interview):
    """Does not put the second question."""

    def answer(self, engine: Engine, question: VideoQuestion, way: Way, respond: Respondent) -> VqaResult:
        if question.id == "2":
            raise UsageError("That is no question.")
        return Interview.answer(self, engine, question, way, respond)


@pytest.mark.parametrize("way", [Way.STREAMING, Way.RECENT])
def test_a_question_that_cannot_be_put_ends_no_other(parts: Parts, video: Path, way: Way) -> None:
    """Guards a video's other questions."""
    asked = asked_of(video, *(question(number, 2.0 + number) for number in (1, 2, 3)))
    found = look(parts, way, asked, interview=_Particular(own_interview().prompts))
    assert {name: one.failed for name, one in found.by_id().items()} == {"1": "", "2": "That is no question.", "3": ""}
    assert [error.message for error in found.errors] == ["That is no question."]
