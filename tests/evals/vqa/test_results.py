"""Results on disk: what was answered stays, what failed is asked again, and nothing that failed is right."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError, OutputBusyError, OutputExistsError, UsageError
from svlm_cli.evals.benchmarks.endless_questions import QuestionsSetting
from svlm_cli.evals.benchmarks.vqa import fingerprint_of_questions
from svlm_cli.evals.vqa.results import GrowingResults, answered, read_results, unanswered
from svlm_cli.simulator.match.match import Split
from tests.evals.benchmarks.miniature import write_lines
from tests.evals.vqa.asked import CHOICE, COUNT, PROACTIVE, STEP, result, run

TWO = replace(CHOICE, id="2")
MATCHES = QuestionsSetting(7, 2, 60, 2, Split.EVAL)


def test_a_run_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    """Guards hours of work: half a line is dropped, all before it stays, and each way of looking is apart."""
    path = tmp_path / "r.jsonl"
    said = [answered(CHOICE, "window", "A", letters=(-0.5, -1.0, -9.0)), answered(TWO, "window", "The A")]
    with GrowingResults(path, run()) as file:
        for one in said:
            file.append(one)
    data = path.read_bytes()
    path.write_bytes(data[:-9])
    with GrowingResults(path, run()) as file:
        assert "is incomplete" in file.before.notice
        assert file.before.is_done(CHOICE, "window")
        assert not file.before.is_done(TWO, "window")
        assert not file.before.is_done(CHOICE, "streaming")
        file.append(said[1])
    assert path.read_bytes() == data
    found = read_results(path)
    assert [*found.results.values()] == said
    assert [(one.right, one.answered) for one in said] == [(True, "A"), (False, "The A")]
    assert found.runs == (run(),)


def test_what_failed_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with GrowingResults(path, run()) as file:
        file.append(unanswered(CHOICE, "window", "a.mp4 is missing."))
    with GrowingResults(path, run(asked=5)) as file:
        assert not file.before.is_done(CHOICE, "window")
        file.append(answered(CHOICE, "window", "A"))
    found = read_results(path)
    assert [(one.right, one.failed) for one in found.results.values()] == [(True, "")]
    assert [one.asked for one in found.runs] == [4, 5]


def test_a_proactive_answer_has_its_moment() -> None:
    assert answered(PROACTIVE, "streaming", "3", at_s=30.0).right
    late = answered(PROACTIVE, "streaming", "3", at_s=33.0)
    assert (late.right, late.answered_s) == (False, 33.0)


def test_long_answers_are_cut_after_they_were_scored() -> None:
    assert len(answered(CHOICE, "window", "A" * 5000).answered) == 2000
    assert answered(PROACTIVE, "window", "x" * 3000 + "3", at_s=29.0).right
    assert answered(PROACTIVE, "window", " " * 3000 + "3", at_s=29.0).answered == "3"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"failed": "a.mp4 is missing."}, "What was not answered cannot be right"),
        ({"answered": " "}, "What was not answered cannot be right"),
        ({"right": 1}, "right must be true or false, not 1"),
        ({"letters": ["A"]}, r"letters\[0\] must be a number"),
        ({"answered_s": -2}, "answered_s must be -1 or more"),
        ({"more": 1}, "unknown key 'more'"),
    ],
)
def test_a_line_that_is_no_result_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """Guards against a missing video that counts as right, by whatever way that came into the file."""
    rows = [{"run": asdict(run())}, {**asdict(result("OCR", right=True)), **change}]
    path = write_lines(tmp_path / "r.jsonl", rows)
    with pytest.raises(InputError, match=rf"Line 2 of .*r\.jsonl .*{said}"):
        read_results(path)
    with pytest.raises(InputError, match="Line 2"):
        GrowingResults(path, run())


def test_lines_that_do_not_belong_together(tmp_path: Path) -> None:
    head, one = {"run": asdict(run())}, asdict(result("OCR", right=True))
    for rows, said in (
        ([one], "no line above it says what the results are about"),
        ([head, one, one], "a second result of the same question"),
        ([head, {"run": asdict(run(model_files="other"))}], "is about another model"),
        ([head, {key: value for key, value in one.items() if key != "way"}], "way is missing"),
    ):
        with pytest.raises(InputError, match=said):
            read_results(write_lines(tmp_path / "r.jsonl", rows))


def test_results_of_something_else_are_not_added_to(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with GrowingResults(path, run()) as file:
        file.append(answered(CHOICE, "window", "A"))
        with pytest.raises(OutputBusyError):
            GrowingResults(path, run())
    before = path.read_bytes()
    for other, said in ((run(questions="9f"), "other questions"), (run(prompts="9f"), "other prompts")):
        with pytest.raises(OutputExistsError, match=f"holds results of {said}"):
            GrowingResults(path, other)
    assert path.read_bytes() == before


def test_questions_are_known_by_all_that_is_asked() -> None:
    """Guards a file of answers about the last minute against answers about all before."""
    assert fingerprint_of_questions((CHOICE, TWO)) == fingerprint_of_questions((replace(CHOICE), TWO))
    assert fingerprint_of_questions((CHOICE, TWO)) != fingerprint_of_questions((CHOICE, replace(TWO, start_s=1.0)))


def test_a_score_is_a_number() -> None:
    with pytest.raises(UsageError, match="must be a number"):
        answered(CHOICE, "window", "A", letters=(float("-inf"), 0.0, 0.0))


def test_a_line_is_what_a_program_can_read(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with GrowingResults(path, run()) as file:
        file.append(answered(CHOICE, "window", "A", letters=(0.5, 0.25, 0.25)))
    row = json.loads(path.read_text().splitlines()[1])
    assert {name: row[name] for name in ("id", "task", "group", "way", "answered", "right", "letters")} == {
        "id": "1",
        "task": "OCR",
        "group": "realtime",
        "way": "window",
        "answered": "A",
        "right": True,
        "letters": [0.5, 0.25, 0.25],
    }


def test_how_many_answers_there_are_to_choose_among() -> None:
    assert [one.choices for one in (CHOICE, STEP, COUNT, PROACTIVE)] == [3, 2, 0, 0]


def test_what_an_older_svlm_did_not_note_is_added_once(tmp_path: Path) -> None:
    """Guards files of older runs, which stay readable; and what was answered elsewhere against today's device."""
    old = asdict(run())
    for name in ("folder", "device", "hardware", "jobs"):
        del old[name]
    path = write_lines(tmp_path / "r.jsonl", [{"run": old}, asdict(result("OCR", right=True, id="1"))])
    before = read_results(path)
    assert (before.runs, before.choices, before.matches) == ((run(),), {}, None)
    today = replace(run(), folder="asked", device="cuda", hardware="H200", jobs=8)
    for _ in range(2):
        with GrowingResults(path, today) as file:
            file.describe({"1": 3, "2": 0}, MATCHES)
    with GrowingResults(path, today) as file:
        file.append(answered(TWO, "streaming", "A"))
    found = read_results(path)
    assert (found.runs, found.choices, found.matches) == ((run(), today), {"1": 3, "2": 0}, MATCHES)
    assert found.runs_of_ways == {"window": (run(),), "streaming": (today,)}
    assert len(path.read_text().splitlines()) == 6
    with (
        GrowingResults(path, today) as file,
        pytest.raises(OutputExistsError, match=r"r\.jsonl holds results of other matches. Use --overwrite"),
    ):
        file.describe({"1": 3, "2": 0}, replace(MATCHES, fps=4))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{"choices": {"1": 3}}, {"choices": {"1": 4}}], "does not say how many options there are, or says it again"),
        ([{"choices": 4}], "does not say how many options there are, or"),
        ([{"choices": {"1": -1}}], "1 must be a whole number from 0"),
        ([{"matches": asdict(MATCHES)}] * 2, "says again which matches are asked about"),
        ([{"matches": {"seed": 1}}], "not a setting of matches: matches is missing"),
    ],
)
def test_notes_that_cannot_be_used(tmp_path: Path, lines: list[dict[str, Any]], said: str) -> None:
    """Guards chance against two files that somebody has put together."""
    path = write_lines(tmp_path / "r.jsonl", [{"run": asdict(run())}, *lines])
    with pytest.raises(InputError, match=rf"Line {1 + len(lines)} of .*{said}"):
        read_results(path)
