"""``svlm eval vqa`` as it is called, on miniature sets in the benchmarks' own forms, with videos."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.commands.app import main
from svlm_cli.evals.vqa.choices import Way
from svlm_cli.evals.vqa.results import VqaResult, read_results
from tests.clips import make_clip
from tests.conftest import environment
from tests.evals.benchmarks.miniature import write_lines
from tests.evals.benchmarks.question_sets import (
    longvideobench_row,
    mvbench,
    mvbench_row,
    ovo_bench,
    ovo_choice,
    ovo_crr,
    ovo_rec,
    ovo_ssr,
    proactive_row,
    streaming_entry,
    streaming_row,
    videomme_row,
    write_json,
)

SMALL = ("--set", "vision.min_pixels=784", "--max-pixels", "3136", "--set", "sampling.max_new_tokens=3", "--quiet")


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


@pytest.mark.extra  # ten seconds
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


@pytest.mark.extra
def test_streamingbench(calls: Calls, videos: Path) -> None:
    """Guards what may be seen, the earlier questions before a contextual one, and answers that have a moment."""
    data, file = calls.folder / "set", "./videos/sample_2_real.mp4"
    write_json(data / "questions_real.json", [streaming_entry(streaming_row("00:00:04"), streaming_row("00:00:09"))])
    sqa = [streaming_entry(streaming_row("00:00:03"), streaming_row("00:00:05"), video="./videos/sample_1_sqa.mp4")]
    write_json(data / "questions_sqa.json", [sqa])
    due = proactive_row(time_stamp="00:00:02", ground_truth_time_stamp="00:00:04")
    write_json(data / "questions_proactive.json", [streaming_entry(due, video="./videos/sample_3_pro.mp4")])
    for name in (file, "videos/sample_1_sqa.mp4", "videos/sample_3_pro.mp4"):
        place(videos / "long.mp4", data / name)
    ways = ("--way", "window", "--way", "recent")
    told, _ = calls.run(calls.arguments("streamingbench", "--json", *ways))
    assert [(row["answered"], row["failed"]) for row in told["ways"]] == [(5, 0)] * 2
    for way in (Way.WINDOW, Way.RECENT):
        found = calls.results(way)
        assert {one.context for one in found.values()} == {"last 60 s"}
        assert [one.task for one in found.values() if not one.letters] == ["Proactive Output"]
    _, err = calls.run(calls.arguments("streamingbench", "--seen", "all"), code=2)
    assert "holds results of other questions. Use --overwrite" in err
    limited = calls.arguments("streamingbench", "--seen", "all", "--limit", "1", output="all.jsonl")
    told, _ = calls.run([*limited, "--json"])
    assert told["questions"] == 1
    assert [one.context for one in calls.results(Way.STREAMING, "all.jsonl").values()] == ["all before"]


@pytest.mark.parametrize("benchmark", ["videomme", "longvideobench"])
def test_whole_videos_and_what_is_said_in_them(calls: Calls, videos: Path, benchmark: str) -> None:
    """Guards that subtitles are read if they are asked for, and that their answers stay apart."""
    data, spoken = calls.folder / "set", {"line": "The cup is blue.", "start": "00:00:31", "end": "00:00:32.5"}
    if benchmark == "videomme":
        write_lines(data / "test.jsonl", [videomme_row(), videomme_row(question_id="001-2", task_type="OCR")])
        place(videos / "short.mp4", data / "video/fFjv93ACGo8.mp4")
        (data / "subtitle").mkdir()
        said = "1\n00:00:01,000 --> 00:00:02,000\nThe cup is blue.\n"
        (data / "subtitle/fFjv93ACGo8.srt").write_text(said)
    else:
        write_json(data / "lvb_val.json", [longvideobench_row(), longvideobench_row(correct_choice=0)])
        place(videos / "short.mp4", data / "videos/86CxyhFV9MI.mp4")
        write_json(data / "subtitles/86CxyhFV9MI_en.json", [spoken])
    calls.run(calls.arguments(benchmark, "--way", "full"))
    _, err = calls.run(calls.arguments(benchmark, "--way", "full", "--subtitles"), code=2)
    assert "holds results of another --subtitles" in err
    calls.run(calls.arguments(benchmark, "--way", "full", "--subtitles", output="said.jsonl"))
    silent, told = calls.results(Way.FULL), calls.results(Way.FULL, "said.jsonl")
    assert len(silent) == len(told) == 2
    assert all(silent[name].letters != told[name].letters for name in silent)


@pytest.mark.extra
def test_mvbench(calls: Calls, videos: Path) -> None:
    """Guards its twenty folders, one of which holds folders of pictures, and bounds of what may be seen."""
    from PIL import Image

    data = calls.folder / "set"
    bounded = mvbench_row(start=1.0, end=4.0)
    episode = mvbench_row(video="friends_1")
    mvbench(data, action_sequence=[bounded], action_prediction=[bounded], episodic_reasoning=[episode])
    folders = ["star/Charades_v1_480", "ssv2_video", "Moments_in_Time_Raw/videos", "FunQA_test/test"]
    folders += ["clevrer/video_validation", "perception/videos", "sta/sta_video", "scene_qa/video", "nturgbd", "vlnqa"]
    for folder in folders:
        place(videos / "short.mp4", data / "video" / folder / "ZS9XR.mp4")
    (data / "video/tvqa/frames_fps3_hq/friends_1").mkdir(parents=True)
    for index in range(12):
        Image.new("RGB", (56, 42), (20 * index, 0, 0)).save(
            data / f"video/tvqa/frames_fps3_hq/friends_1/{index + 1:05}.jpg"
        )
    ways = ("--way", "streaming", "--way", "recent", "--way", "full")
    told, _ = calls.run(calls.arguments("mvbench", "--json", "--jobs", "3", *ways))
    assert [(row["answered"], row["failed"]) for row in told["ways"]] == [(20, 0)] * 3
    told, _ = calls.run(["eval", "vqa", "report", str(calls.folder / "r.jsonl"), "--json"])
    assert [len(row["tasks"]) for row in told["rows"]] == [20] * 3
    assert not any("lacks" in note or "no questions of" in note for note in told["notes"])


def test_what_is_answered_is_not_asked_again(ovo: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards hours, ways that come later, and a file of which half was seen otherwise: all before a model is loaded."""
    asked = ovo.arguments("ovo-bench", "--way", "recent", "--only", "OCR", "--only", "ACR")
    ovo.run([*asked, "--limit", "1"])
    before = (ovo.folder / "r.jsonl").read_text().splitlines()
    found = read_results(ovo.folder / "r.jsonl")
    assert [(one.folder, one.device, one.hardware, one.jobs) for one in found.runs] == [("set", "cpu", "cpu", 1)]
    assert found.choices == {"1": 3, "2": 3, "3": 3, "7_0": 0, "7_1": 0, "8_0": 2, "9_0": 2, "9_1": 2}
    assert found.matches is None
    told, _ = ovo.run([*asked, "--json"])
    assert [(row["answered"], row["failed"]) for row in told["ways"]] == [(1, 0)]
    ovo.run([*asked, "--way", "full"])
    after = (ovo.folder / "r.jsonl").read_text().splitlines()
    assert after[: len(before)] == before
    assert {*ovo.results(Way.RECENT)} == {*ovo.results(Way.FULL)} == {"1", "2"}
    monkeypatch.delattr("svlm_cli.commands.vqa.load")
    told, _ = ovo.run([*asked, "--way", "full", "--json"])
    assert [row["answered"] for row in told["ways"]] == [0, 0]
    for more, said in (
        (
            ("--recent-frames", "5"),
            "results of recent were begun with another setting: policy, frames. Use --overwrite",
        ),
        (("--answer", "generation"), "holds results of another --answer"),
        (("--dtype", "bfloat16"), "holds results of another dtype"),
    ):
        _, err = ovo.run([*asked, *more], code=2)
        assert said in err
    assert (ovo.folder / "r.jsonl").read_text().splitlines() == after


def test_videos_that_are_missing_or_broken(ovo: Calls) -> None:
    """Guards a score against what nobody has seen: named, counted, wrong, and asked again once it is there."""
    source = ovo.folder / "set/src_videos"
    (source / "perception/r.mp4").unlink()
    (source / "CrossTask/s.mp4").unlink()
    (source / "CrossTask/s.mp4").write_bytes(b"rotten")
    asked = ovo.arguments("ovo-bench", "--json", "--way", "recent", "--way", "streaming")
    for answered in (5, 0):
        told, err = ovo.run(asked, code=1)
        assert [(row["answered"], row["failed"]) for row in told["ways"]] == [(answered, 3)] * 2
        assert err.count("There is no video perception/r.mp4.") == 1
        assert err.count("s.mp4") == 1, "once, whatever the way"
    for way in (Way.RECENT, Way.STREAMING):
        failed = {name: one.failed for name, one in ovo.results(way).items() if one.failed}
        assert {*failed} == {"7_0", "7_1", "8_0"}
        assert failed["7_0"] == "There is no video perception/r.mp4."
        assert not any(ovo.results(way)[name].right for name in failed)
    lines = (ovo.folder / "r.jsonl").read_text().splitlines()
    assert sum('"id":"7_0"' in line for line in lines) == 2, "once a way, however often it is tried"
    place(source / "COIN/a.mp4", source / "perception/r.mp4")
    told, _ = ovo.run(asked, code=1)
    assert [(row["answered"], row["failed"]) for row in told["ways"]] == [(2, 1)] * 2
    told, err = ovo.run([*asked, "--only", "SSR", "-o", str(ovo.folder / "lone.jsonl")], code=3)
    assert err.count("s.mp4") == 1, "of a lone one the error ends the command"
    (source / "CrossTask/s.mp4").unlink()
    _, err = ovo.run([*asked, "--only", "SSR", "-o", str(ovo.folder / "none.jsonl")], code=3)
    assert "There is no video CrossTask/s.mp4." in err
    assert not (ovo.folder / "none.jsonl").exists()


def test_two_models_side_by_side(ovo: Calls, tmp_path: Path) -> None:
    """Guards a file for each, and the paired difference of one way."""
    from tests.tiny import make_tiny_checkpoint

    other = make_tiny_checkpoint(tmp_path / "other", seed=5)
    asked = ovo.arguments("ovo-bench", "-m", other, "--way", "recent", "--way", "full", output="both")
    told, _ = ovo.run([*asked, "--json", "--only", "OCR", "--only", "ACR"])
    assert [(row["model"], row["way"], row["answered"]) for row in told["ways"]] == [
        (model, way, 2) for model in ("tiny", "other") for way in ("recent", "full")
    ]
    assert len({row["model_files"] for row in told["ways"]}) == 2
    files = ("both/tiny.jsonl", "both/other.jsonl")
    assert ovo.results(Way.FULL, files[0])["1"].letters != ovo.results(Way.FULL, files[1])["1"].letters
    found, _ = ovo.run(["eval", "vqa", "report", *(str(ovo.folder / file) for file in files), "--json"])
    assert [row["name"] for row in found["rows"]] == ["tiny, recent", "tiny, full", "other, recent", "other, full"]
    assert [(one["from"], one["to"]) for one in found["differences"]] == [
        ("tiny, recent", "tiny, full"),
        ("tiny, recent", "other, recent"),
        ("tiny, full", "other, full"),
    ]
    table, err = ovo.run(["eval", "vqa", "report", str(ovo.folder / "both")])
    assert "minus other, recent" in table, "a folder's files by their names"
    assert "6 of 8 questions have not been asked" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("ovo-bench",), 2, "FOLDER is missing."),
        (("ovo-bench", "set"), 2, "-o is missing."),
        (("ovo-bench", "nowhere", "-o", "r.jsonl"), 3, "There is no folder nowhere."),
        (("ovo-bench", "set", "-o", "nowhere/r.jsonl"), 1, "There is no folder nowhere to write to."),
        (("ovo-bench", "set", "-o", "set"), 1, "is a folder."),
        (("mvbench", "set", "-o", "r.jsonl"), 3, "lacks action_sequence.json"),
        (("ovo-bench", "set", "-o", "r.jsonl", "--only", "OCC"), 2, "no questions of a task OCC. Did you mean OCR?"),
        (("ovo-bench", "set", "-o", "r.jsonl", "--set", "mode='full'"), 2, "--way says how a stream forgets"),
        (("ovo-bench", "set", "-o", "r.jsonl", "--max-pixels", "5"), 2, "min_pixels"),
        (("ovo-bench", "set", "-o", "r.jsonl", "--prompts", "set/ovo_bench_new.json"), 2, "ovo_bench_new.json"),
        (("ovo-bench", "set", "-o", "set/ovo_bench_new.json"), 3, "ovo_bench_new.json"),
        (("ovo-bench", "set", "-o", "r.jsonl", "-m", "nowhere"), 4, "nowhere"),
        (
            ("ovo-bench", "set", "-o", "r", "-m", "tiny", "-m", "elsewhere/tiny"),
            2,
            "Two models would write r/tiny.jsonl",
        ),
        (("report", "r.jsonl"), 3, "r.jsonl cannot be read"),
        (("report", "set"), 3, "There are no results."),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(
    ovo: Calls, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Guards minutes of loading; and files of others, which stay as they are."""
    monkeypatch.chdir(ovo.folder)
    monkeypatch.setenv("SVLM_MODEL", str(ovo.model))
    monkeypatch.delattr("svlm_cli.commands.vqa.load")
    (ovo.folder / "elsewhere").mkdir()
    for name in ("tiny", "elsewhere/tiny"):
        (ovo.folder / name).symlink_to(ovo.model)
    before = (ovo.folder / "set/ovo_bench_new.json").read_bytes()
    _, err = ovo.run(["eval", "vqa", *arguments], code=code)
    assert said in err
    assert (ovo.folder / "set/ovo_bench_new.json").read_bytes() == before
    assert not (ovo.folder / "r.jsonl").exists()


def test_how_questions_are_put_can_be_seen_and_changed(ovo: Calls) -> None:
    own, _ = ovo.run(["eval", "vqa", "ovo-bench", "--show-prompts"])
    (ovo.folder / "own.toml").write_text(own.replace("nothing else", "no more"))
    asked = ovo.arguments("ovo-bench", "--way", "recent", "--only", "OCR")
    ovo.run(asked)
    _, err = ovo.run([*asked, "--prompts", str(ovo.folder / "own.toml")], code=2)
    assert "holds results of other prompts" in err
    ovo.run([*asked, "--prompts", str(ovo.folder / "own.toml"), "-o", str(ovo.folder / "own.jsonl")])
    assert ovo.results(Way.RECENT)["1"].letters != ovo.results(Way.RECENT, "own.jsonl")["1"].letters


def _start(arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "svlm_cli", *arguments]
    return subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def _wait_for_lines(process: subprocess.Popen[str], path: Path, count: int) -> None:
    deadline = time.monotonic() + 100
    while not path.exists() or path.read_bytes().count(b'\n{"id":') < count:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)


@pytest.fixture
def many(calls: Calls, videos: Path) -> list[str]:
    """A call that asks twenty questions in two ways."""
    ovo_bench(calls.folder / "set", [ovo_choice(number, realtime=2 + number / 2) for number in range(20)])
    place(videos / "long.mp4", calls.folder / "set/src_videos/COIN/a.mp4")
    return calls.arguments("ovo-bench", "--way", "streaming", "--way", "full")


@pytest.mark.extra
@pytest.mark.timeout(300)
def test_kill_9_at_any_moment_loses_nothing(calls: Calls, many: list[str]) -> None:
    """Guards a night's run: killed again and again, it ends with the answers of one that was not, to the last bit."""
    calls.run([*many, "-o", str(calls.folder / "whole.jsonl")])
    for count in (1, 7, 16, 24):
        with _start(many) as process:
            _wait_for_lines(process, calls.folder / "r.jsonl", count)
            process.kill()
            assert process.wait() == -signal.SIGKILL
    data = (calls.folder / "r.jsonl").read_bytes()
    (calls.folder / "r.jsonl").write_bytes(data[:-7])  # and in the middle of a line
    told, _ = calls.run([*many, "--json"])
    assert sum(row["answered"] for row in told["ways"]) < 20
    for way in (Way.STREAMING, Way.FULL):
        assert calls.results(way) == calls.results(way, "whole.jsonl")
        assert len(calls.results(way)) == 20


@pytest.mark.extra
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_that_the_same_call_goes_on(
    calls: Calls, many: list[str], number: signal.Signals, code: int
) -> None:
    """Guards people who press Ctrl-C, and machines that are taken away."""
    loud = [word for word in many if word != "--quiet"]
    with _start([*loud, "--json"]) as process:
        _wait_for_lines(process, calls.folder / "r.jsonl", 3)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert "Stopped. Run the same command again to continue." in err
    assert "Traceback" not in err
    _, err = calls.run(loud)
    assert re.search(r"tiny, streaming: \d+ of 20 questions are done\.", err)
    assert re.search(r"tiny, full: 20 questions answered in \d+ s, [01]\.\d{3} of them right; 0 without", err)
    assert "10 of 20 questions" in err, "progress, where there is no terminal"
