"""The section of the claims' page about questions: every number is that of the report, or the report is refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.ovo_bench import OVO_GROUPS
from svlm_cli.evals.claims.page import write_page
from svlm_cli.evals.claims.questions import _GROUPS, _TASKS, question_commands, questions_section
from svlm_cli.evals.claims.questions_file import QuestionResults, read_questions
from svlm_cli.evals.claims.results import read_results
from tests.evals.claims.asked_questions import asked_report
from tests.evals.claims.rows import flat, result
from tests.test_docs import broken_links, faults, unknown_options

DOCS = Path(__file__).parents[3] / "docs"

Change = Callable[[dict[str, Any]], Any]


def read(folder: Path, report: Any) -> QuestionResults:
    (folder / "questions.json").write_text(report if isinstance(report, str) else json.dumps(report))
    found = read_questions(folder)
    assert found is not None
    return found


def section(folder: Path, report: Any) -> str:
    return "\n\n".join(questions_section(read(folder, report), "claims"))


def test_the_tables_by_hand(tmp_path: Path) -> None:
    """Guards a column that is another's, a chance with an interval, and a difference without its sign."""
    lines = [line for line in section(tmp_path, asked_report()).splitlines() if line.startswith("|")]
    assert lines == [
        "| way | total | backward | forward | EPM | HLD | REC | SSR |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| streaming | 0.625 [0.615, 0.645] | 0.500 | 0.750 | 0.250 | 0.750 | 0.500 | 1.000 |",
        "| full | 0.500 [0.490, 0.520] | 0.250 | 0.750 | 0.125 | 0.375 | 0.625 | 0.875 |",
        "| **chance** | 0.312 | 0.375 | 0.250 | 0.400 | 0.350 | 0.000 | 0.500 |",
        "| minus streaming | total | backward | forward | EPM | HLD | REC | SSR |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        (
            "| full | -0.125 [-0.135, -0.105] | -0.250 [-0.260, -0.230] | +0.000 [-0.010, +0.020] | "
            "-0.125 [-0.135, -0.105] | -0.375 [-0.385, -0.355] | +0.125 [+0.115, +0.145] | -0.125 [-0.135, -0.105] |"
        ),
    ]


def test_what_was_asked_of_whom(tmp_path: Path) -> None:
    """Guards the stranger: who, how often, about what, how each way looked, and what stands in no table."""
    page = section(tmp_path, asked_report())
    text = flat(page)
    assert (
        "my-model (61e7e4724486b23c, by the SHA-256 of its files) was asked 5,438 questions about 20 simulated matches "
        "of 30 minutes, with seeds from 2000 and the team names for evaluation, in each of 2 ways of looking. If a "
        "question has options, the answer is the most likely letter. "
    ) in text
    assert "these numbers are not results on that benchmark" in text
    assert "ASI, OCR, ACR, ATR, STU, FPD, OJR, CRR are missing; the total covers the other tasks." in text
    assert "- **full**: up to 48 frames, evenly spaced over everything so far, in one prompt." in text
    assert "- **streaming**: a stream of the match from its beginning at 2 frames per second, which remembers" in text
    assert re.findall(r"^- \*\*([A-Z]+)\*\*: ", page, re.MULTILINE) == ["EPM", "HLD", "REC", "SSR"]
    assert 'The correct answer is always "neither of them"' in text
    assert (
        "Measured by svlm 0.1.0 on NVIDIA H200, bfloat16. The SHA-256 of the questions begins with f2b28390ab1e9d4e,"
        in text
    )
    other = asked_report()
    for row in other["rows"]:
        row |= {"answer": "generation", "matches": {**row["matches"], "split": "train", "matches": 1, "seconds": 90}}
    other["rows"][1] |= {"way": "window", "hardware": ["cpu"]}
    text = flat(section(tmp_path, other))
    assert "about 1 simulated match of 1.5 minutes, with seeds from 2000 and the team names for training" in text
    assert "the answer is what the model says." in text
    assert "on NVIDIA H200, cpu, bfloat16." in text
    assert "forgets everything except its own last words every 100 s" in text


def test_every_task_and_group_has_its_sentence() -> None:
    """Guards against a page that cannot be made once all of the benchmark is asked. Of FPD, nothing is."""
    assert set(_GROUPS) == set(OVO_GROUPS)
    assert set(_TASKS) == {task for tasks in OVO_GROUPS.values() for task in tasks} - {"FPD"}


def test_the_calls_are_those_that_made_it(tmp_path: Path) -> None:
    """Guards whoever wants to measure it again; `svlm` itself is asked whether it understands the lines."""
    report, pixels = asked_report(), "--set vision.min_pixels=784 --set vision.max_pixels=25088"
    assert [*question_commands(read(tmp_path, report), "claims")] == [
        "svlm simulate --questions asked --seed 2000 --matches 20 --minutes 30 --fps 2 --split eval",
        (
            "svlm eval vqa ovo-bench asked --model my-model --way streaming --answer letters --fps 2 --temperature 0 "
            f"--seed 0 {pixels} --jobs 20 --device cuda --dtype bfloat16 -o asked-streaming.jsonl"
        ),
        (
            "svlm eval vqa ovo-bench asked --model my-model --way full --answer letters --frames 48 "
            f"{pixels} --jobs 20 --device cuda --dtype bfloat16 -o asked-full.jsonl"
        ),
        "svlm eval vqa report asked-streaming.jsonl asked-full.jsonl --json > claims/questions.json",
    ]
    report["rows"][1] |= {"way": "recent", "file": "asked-streaming.jsonl"}
    one_file = [*question_commands(read(tmp_path, report), "my claims")]
    assert " --way recent --answer letters --recent-frames 48 " in one_file[2]
    assert one_file[3] == "svlm eval vqa report asked-streaming.jsonl --json > 'my claims/questions.json'"


def test_the_page_with_and_without_them(tmp_path: Path) -> None:
    """Guards the page of today, to the byte, and the rows against a file that is none."""
    rows = {"streaming": result("streaming", [6] * 5)}
    assert read_questions(tmp_path) is None
    without = write_page(rows, "claims", [], read_questions(tmp_path))
    assert without == write_page(rows, "claims", [])
    assert "Questions" not in without
    page = write_page(rows, "claims", [], read(tmp_path, asked_report()))
    assert page.startswith(without)
    assert page.removeprefix(without).startswith("\n## Questions\n\n")
    assert read_results(tmp_path) == {}
    assert (faults(page), unknown_options(page), broken_links(page, DOCS)) == ([], [], [])


def test_names_break_no_section(tmp_path: Path) -> None:
    """Guards the page against names of models, files and folders, which may be anything."""
    odd, report = "a|b`c\n```\n<script>\x1b[2J", asked_report()
    names = ("model", "model_files", "folder", "file", "dtype", "questions_sha256", "prompts_sha256")
    both(**dict.fromkeys(names, odd), hardware=[odd], svlm=[odd], device=[odd])(report)
    text = section(tmp_path, report)
    assert not any(sign in text for sign in ("<script>", "\x1b", "a|b", "b`c"))
    assert text.count("```") == 2
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 8


def both(**changes: Any) -> Change:
    def change(report: dict[str, Any]) -> None:
        for row in report["rows"]:
            row.update(changes)

    return change


def other(**changes: Any) -> Change:
    return lambda report: report["rows"][1].update(changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda report: report.update(eval="videomme"),
            "is about videomme: the page reports only ovo-bench. Make it again",
        ),
        (
            other(not_asked=7),
            "is incomplete: 7 questions of my-model, full have no answer. Run the same command again",
        ),
        (other(failed_videos={"a": 2, "b": 1}), "is incomplete: 3 questions of my-model, full have no answer"),
        (other(model_files="0"), "has rows with more than one model: they cannot be in one table"),
        (other(dtype="float32"), "has rows with more than one dtype"),
        (other(questions_sha256="0"), "has rows with more than one set of questions"),
        (other(matches={"seed": 1, "matches": 20, "seconds": 1800, "fps": 2, "split": "eval"}), "one set of matches"),
        (other(way="streaming"), "has two rows with the same way"),
        (lambda report: report.update(eval="match"), "is not a report"),
        (lambda report: report.update(rows=[]), "is not a report"),
        (lambda report: report.update(chance=None), "is not a report"),
        (lambda report: report.update(differences=[]), "is not a report"),
        (lambda report: report["chance"]["tasks"].pop("REC"), "is not a report"),
        (lambda report: report.update(json.loads(json.dumps(report).replace('"REC"', '"XYZ"'))), "is not a report"),
        (lambda report: report["rows"][0]["total"].update(value=None), "is not a report"),
        (lambda report: report["rows"][0].pop("not_asked"), "is not a report"),
        (lambda report: report["rows"][0]["setting"]["policy"].pop("windows"), "is not a report"),
        (both(way="sideways"), "is not a report"),
        (both(matches=None), "or is from an older svlm"),
        (both(hardware=[]), "or is from an older svlm"),
        (both(jobs=0), "or is from an older svlm"),
        (both(jobs="20"), "is not a report"),
    ],
)
def test_what_is_no_whole_report_is_refused(tmp_path: Path, change: Change, said: str) -> None:
    """Guards the page against numbers that are half measured, of something else, or put side by side wrongly."""
    report = asked_report()
    read(tmp_path, report)
    change(report)
    with pytest.raises(InputError) as caught:
        read(tmp_path, report)
    assert f"{tmp_path / 'questions.json'} " in str(caught.value)
    assert said in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"eval": []}', "{}", "[" * 3000])
def test_files_of_others_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"questions\.json is not a report of `svlm eval vqa` on simulated matches"):
        read(tmp_path, text)
