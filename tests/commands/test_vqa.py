"""``svlm eval vqa`` as it is called, on miniature sets in the benchmarks' own forms, with videos."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.commands.app import main
from svlm_cli.evals.vqa.choices import Way
from svlm_cli.evals.vqa.results import VqaResult, read_results
from tests.clips import make_clip
from tests.evals.benchmarks.question_sets import ovo_bench, ovo_choice, ovo_crr, ovo_rec, ovo_ssr

SMALL = ("--set", "vision.min_pixels=784", "--max-pixels", "3136", "--quiet")


@dataclass(frozen=True, slots=True)
class Calls:
    """Commands about a benchmark in a folder."""

    folder: Path
    model: Path
    capsys: pytest.CaptureFixture[str]

    def arguments(self, benchmark: str, *more: str | Path, output: str = "r.jsonl") -> list[str]:
        given = (self.folder / "set", "-m", self.model, "-o", self.folder / output, *SMALL, *more)
        return ["eval", "vqa", benchmark, *map(str, given)]

    def run(self, arguments: list[str], code: int = 0) -> tuple[Any, str]:
        """The object on stdout, if there is one, and stderr."""
        assert main(arguments) == code
        out, err = self.capsys.readouterr()
        assert "Traceback" not in err
        assert "bug" not in err
        return json.loads(out) if out.startswith("{") else out, err

    def results(self, way: Way, output: str = "r.jsonl") -> Mapping[str, VqaResult]:
        """By the id of the question."""
        found = read_results(self.folder / output).results
        return {one.id: one for one in found.values() if one.way == way}


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds and five. Do not write beside them."""
    folder = tmp_path_factory.mktemp("videos")
    make_clip(folder / "long.mp4", frames=24, fps="2", size=(56, 42))
    make_clip(folder / "short.mp4", frames=10, fps="2", size=(56, 42), first=700)
    return folder


@pytest.fixture
def calls(tmp_path: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> Calls:
    (tmp_path / "set").mkdir()
    return Calls(tmp_path, tiny_checkpoint, capsys)


def place(video: Path, where: Path) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    where.symlink_to(video)


@pytest.fixture
def ovo(calls: Calls, videos: Path) -> Calls:
    """OVO-Bench, all kinds of its questions."""
    rec = ovo_rec(test_info=[{"realtime": 5.0, "count": 0}, {"realtime": 9, "count": 10}])
    ssr = ovo_ssr(test_info=[{"realtime": 3, "step": "Pour the milk", "type": 1}])
    crr = ovo_crr(ask_time=2, test_info=[{"realtime": 6.5, "type": 0}, {"realtime": 11, "type": 1}])
    choices = [ovo_choice(1, realtime=3.5), ovo_choice(2, "ACR", realtime=8), ovo_choice(3, "EPM", realtime=99.0)]
    ovo_bench(calls.folder / "set", [*choices, rec, ssr, crr])
    for name in ("COIN/a.mp4", "perception/r.mp4", "MovieNet/c.mp4"):
        place(videos / "long.mp4", calls.folder / "set/src_videos" / name)
    place(videos / "short.mp4", calls.folder / "set/src_videos/CrossTask/s.mp4")
    return calls


def test_ovo_bench_in_all_ways(ovo: Calls) -> None:
    """Guards each kind of question in each way, and that what is told of a run is what was done."""
    ways = [word for way in Way for word in ("--way", way)]
    told, err = ovo.run(ovo.arguments("ovo-bench", "--json", "--jobs", "2", *ways))
    assert err == ""
    assert (told["eval"], told["questions"], told["videos"]) == ("ovo-bench", 8, 4)
    assert [(row["way"], row["answered"], row["failed"]) for row in told["ways"]] == [(way, 8, 0) for way in Way]
    for way, row in zip(Way, told["ways"], strict=True):
        found = ovo.results(way)
        assert {*found} == {"1", "2", "3", "7_0", "7_1", "8_0", "9_0", "9_1"}
        assert sum(one.right for one in found.values()) == row["right"]
        for one in found.values():
            chosen = [letter for letter, score in zip("ABC", one.letters, strict=False) if score == max(one.letters)]
            assert len(one.letters) == (3 if one.task in ("OCR", "ACR", "EPM") else 0)
            assert not one.letters or one.answered == chosen[0]
    full, recent = ovo.results(Way.FULL), ovo.results(Way.RECENT)
    assert full["2"].letters != recent["2"].letters != recent["1"].letters
