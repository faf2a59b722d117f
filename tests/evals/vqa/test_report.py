"""Files of results to a report: rows, differences, and what must not be overlooked."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
from svlm_cli.evals.vqa.report import make_vqa_report
from svlm_cli.evals.vqa.results import ResultsFile, VqaResult, VqaRun, read_results
from tests.evals.benchmarks.miniature import write_lines
from tests.evals.vqa.asked import result, run

MME = VqaBenchmark.VIDEO_MME


def file(path: Path, about: VqaRun, *results: VqaResult, notes: Sequence[dict[str, Any]] = ()) -> ResultsFile:
    return read_results(write_lines(path, [{"run": asdict(about)}, *notes, *map(asdict, results)]))


def two_ways() -> list[VqaResult]:
    """Four questions in each of two ways of looking: 2 of 4 and 3 of 4 are right."""
    rights = {"window": (True, True, False, False), "streaming": (True, True, True, False)}
    return [
        result("OCR", right=right, group=group, video=f"v{index}", way=way, id=str(index))
        for way, listed in rights.items()
        for index, (right, group) in enumerate(zip(listed, ("short", "medium", "long", "long"), strict=True))
    ]


def test_a_row_for_each_way_and_how_it_differs_from_the_first(tmp_path: Path) -> None:
    report = make_vqa_report([file(tmp_path / "a", run(MME), *two_ways())])
    (headings, rows), (_, tasks), (_, differences) = report.tables()
    assert headings == ["", "total", "95 % interval", "short", "medium", "long", "questions", "failed"]
    assert [row[:2] + row[3:] for row in rows] == [
        ["my-model, window", "0.500", "1.000", "1.000", "0.000", "4", "0"],
        ["my-model, streaming", "0.750", "1.000", "1.000", "0.500", "4", "0"],
    ]
    assert tasks == [["OCR", "0.500", "0.750"]]
    ((name, total, interval, *groups, questions),) = differences
    assert (name, total, groups) == ("my-model, streaming", "+0.250", ["+0.000", "+0.000", "+0.500"])
    assert interval.startswith("+0.000 .. +0.")
    assert questions == "4"


def test_a_report_for_programs(tmp_path: Path) -> None:
    report = make_vqa_report([file(tmp_path / "a", run(MME, asked=6), *two_ways())])
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert (found["eval"], found["mean_of"]) == ("videomme", "questions")
    first, second = found["rows"]
    assert (first["way"], first["total"]["value"], second["total"]["value"]) == ("window", 0.5, 0.75)
    assert (first["questions"], first["not_asked"], first["questions_sha256"]) == (4, 2, "0a")
    assert first["groups"]["long"]["questions"] == 2
    (difference,) = found["differences"]
    assert (difference["from"], difference["to"]) == ("my-model, window", "my-model, streaming")
    assert difference["total"]["value"] == 0.25
    assert difference["left_out"] == 0


def test_missing_videos_are_named_and_count_as_wrong(tmp_path: Path) -> None:
    failed = [
        result(
            "OCR", right=False, group="short", video=f"gone{index % 7}", id=str(index), answered="", failed="no file"
        )
        for index in range(9)
    ]
    report = make_vqa_report([file(tmp_path / "a", run(MME), result("OCR", right=True, group="short"), *failed)])
    assert report.rows[0].scores.total.share.value == 0.1
    notes = "\n".join(report.notes())
    assert "broken videos: 7; what was asked about them, 9 in all, counts as wrong: gone0, gone1," in notes
    assert "gone4 and 2 more." in notes
    assert report.to_json()["rows"][0]["failed_videos"] == {f"gone{one}": 2 if one < 2 else 1 for one in range(7)}
    (_, ((*_, questions, count),)), *_ = report.tables()
    assert (questions, count) == ("10", "9")


def test_what_stands_out_is_told(tmp_path: Path) -> None:
    """Guards against part of a benchmark that is taken for its score."""
    some = file(tmp_path / "a", run(), result("OCR", right=True, group="realtime"))
    notes = "\n".join(make_vqa_report([some]).notes())
    assert "3 of 4 questions have not been asked and do not count." in notes
    assert "the total is not the benchmark's: there are no questions of EPM, ASI, HLD, ACR," in notes
    assert "There is one video: no interval." in notes
    some = file(tmp_path / "b", run(VqaBenchmark.STREAMING_BENCH, asked=2), *two_ways()[:2])
    notes = "\n".join(make_vqa_report([some]).notes())
    assert "no questions of the groups real-time, omni, contextual." in notes
    assert "There are 2 videos: the interval is rough" in notes
    one, other = file(tmp_path / "c", run(MME), *two_ways()[:3]), file(tmp_path / "d", run(MME), *two_ways()[:4])
    notes = "\n".join(make_vqa_report([one, other]).notes())
    assert "window: questions left out of the difference, since only one side has them: 1." in notes


def test_contexts_are_apart(tmp_path: Path) -> None:
    """Guards StreamingBench, whose two settings are two rows."""
    files = [
        file(tmp_path / f"{index}", run(VqaBenchmark.STREAMING_BENCH), result("x", right=True, context=context, id="1"))
        for index, context in enumerate(("last 60 s", "all before"))
    ]
    names = [one.name for one in make_vqa_report(files).rows]
    assert names == ["my-model, window, last 60 s", "my-model, window, all before"]


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    one, other = file(tmp_path / "a", run(MME), *two_ways()), file(tmp_path / "b", run(), *two_ways())
    with pytest.raises(UsageError, match="are about different benchmarks"):
        make_vqa_report([one, other])
    with pytest.raises(InputError, match="holds no results"):
        make_vqa_report([file(tmp_path / "c", run())])
    with pytest.raises(InputError, match="There are no results"):
        make_vqa_report([])


def test_what_guessing_reaches_stands_beside_the_ways(tmp_path: Path) -> None:
    """Guards the reader, who takes 0.5 for something; a file that tells no options gives no row, and it is said."""
    choices = {"0": 4, "1": 2, "2": 2, "3": 0}
    old = file(tmp_path / "old", run(MME), *two_ways())
    report = make_vqa_report([file(tmp_path / "a", run(MME), *two_ways(), notes=[{"choices": choices}])])
    (_, rows), (headings, tasks), _ = report.tables()
    assert rows[-1] == ["chance", "0.312", "-", "0.250", "0.500", "0.250", "4", "-"]
    assert (headings[-1], tasks) == ("chance", [["OCR", "0.500", "0.750", "0.312"]])
    assert report.to_json()["chance"]["total"] == {"value": 0.3125, "low": None, "high": None, "questions": 4}
    assert not any("chance" in note for note in report.notes())
    report = make_vqa_report([old])
    assert report.to_json()["chance"] is None
    assert [row[0] for row in next(report.tables())[1]] == ["my-model, window", "my-model, streaming"]
    (note,) = (note for note in report.notes() if "chance" in note)
    assert note.startswith(
        f"{old.path} does not say how many options its questions have, so there is no row chance: an"
    )


def test_a_row_says_how_it_came_about(tmp_path: Path) -> None:
    """Guards whoever publishes numbers: on what, from which files, and about which matches."""
    matches = {"seed": 7, "matches": 2, "seconds": 60, "fps": 2, "split": "eval"}
    setting = {"way": "window", "frames": 0}
    about = replace(run(MME), folder="asked", device="cuda", hardware="H200", jobs=8)
    notes: list[dict[str, Any]] = [{"matches": matches}, {"way": "window", "setting": setting}]
    one = make_vqa_report([file(tmp_path / "a.jsonl", about, *two_ways(), notes=notes)]).to_json()["rows"][0]
    told: dict[str, Any] = {
        "model_files": "2c",
        "dtype": "float32",
        "answer": "letters",
        "device": ["cuda"],
        "hardware": ["H200"],
    }
    told |= {"jobs": 8, "setting": setting, "matches": matches, "folder": "asked", "file": "a.jsonl"}
    assert {name: one[name] for name in told} == told
    old = make_vqa_report([file(tmp_path / "b.jsonl", run(MME), *two_ways())]).to_json()["rows"][0]
    assert [old[name] for name in ("device", "jobs", "setting", "matches", "folder")] == [[], 0, {}, None, ""]
