"""``svlm eval commentary generate`` and ``svlm eval livesports generate`` as they are called."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.commands.app import main
from svlm_cli.core.errors import ModelError
from svlm_cli.evals.benchmarks.chunks import CommentaryFile, read_commentary
from svlm_cli.evals.benchmarks.livesports import read_predictions
from tests.adapters import make_tiny_adapter
from tests.clips import make_clip
from tests.conftest import environment
from tests.evals.benchmarks.miniature import event, game, write_lines
from tests.servers.judge import serve_judge, truthful

SECONDS = {"a": 12, "b": 7}
SMALL = ("--set", "vision.min_pixels=784", "--set", "vision.max_pixels=3136", "--temperature", "0.9")


@dataclass(frozen=True, slots=True)
class Calls:
    """Commands about two short games in a folder."""

    folder: Path
    model: Path
    capsys: pytest.CaptureFixture[str]

    def arguments(self, *more: str | Path, output: str = "pred.jsonl", start: str = "0") -> list[str]:
        given = ("--annotations", self.folder / "all.jsonl", "--videos", self.folder / "v", "--start", start)
        what = ("-m", self.model, "-o", self.folder / output, *SMALL)
        return ["eval", "commentary", "generate", *map(str, (*given, *what, *more))]

    def run(self, arguments: list[str], code: int = 0) -> tuple[Any, str]:
        """The object on stdout, if there is one, and stderr."""
        assert main(arguments) == code
        out, err = self.capsys.readouterr()
        assert "Traceback" not in err
        assert "bug" not in err
        return json.loads(out) if out else None, err

    def lines(self, output: str = "pred.jsonl") -> list[str]:
        return sorted((self.folder / output).read_text(encoding="utf-8").splitlines())


@pytest.fixture(scope="session")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("games")
    (folder / "Football").mkdir()
    for first, (name, where) in enumerate({"a": "Football/a.mp4", "b": "b.mp4"}.items()):
        make_clip(folder / where, frames=2 * SECONDS[name], fps="2", size=(56, 42), first=500 * first)
    return folder


@pytest.fixture
def calls(tmp_path: Path, games: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> Calls:
    (tmp_path / "v").symlink_to(games)
    rows = [game(f"Football/{name}.mp4", [(0.5, 2, "so"), (2, end + 0.4, "on")]) for name, end in SECONDS.items()]
    write_lines(tmp_path / "all.jsonl", rows)
    return Calls(tmp_path, tiny_checkpoint, capsys)


@pytest.mark.extra  # ten seconds
def test_an_adapter_is_a_setting_of_its_own(calls: Calls, tmp_path: Path) -> None:
    """Guards predictions of a base that an adapter would go on with."""
    adapter = make_tiny_adapter(tmp_path / "adapter", str(calls.model))
    told, _ = calls.run(calls.arguments("--adapter", adapter, "--json"))
    assert told["setting"]["model"] == "tiny+adapter"
    said = calls.lines()
    calls.run(calls.arguments(output="base.jsonl"))
    assert calls.lines("base.jsonl") != said
    calls.run(calls.arguments(), code=2)


def test_two_games_in_one_call(calls: Calls) -> None:
    """Guards what is told of a run, to people and to scripts, and that what it writes is read."""
    told, err = calls.run(calls.arguments("--jobs", "2", "--json"))
    assert (told["eval"], told["streams"], told["done"], told["failed"], told["videos"]) == ("commentary", 2, 2, 0, 2)
    assert (told["video_s"], told["rounds"]) == (19, 19)
    assert told["tokens"] >= told["rounds"] >= told["spoken"] > 0
    assert told["setting"]["annotations"]
    assert "2 videos, 19 s of video in " in err
    assert "x real time" in err
    found = read_commentary(calls.folder / "pred.jsonl")
    assert found.chunks == {"a": ((0, 12),), "b": ((0, 7),)}


@pytest.mark.extra
def test_predictions_are_judged(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the whole way, from videos to votes: predictions cover the clips of the benchmark."""
    calls.run(calls.arguments("--quiet"))
    clips = write_lines(calls.folder / "clips.jsonl", [game(f"G/{k}.mp4", [(0.5, 7, "so")]) for k in SECONDS])
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    with serve_judge(truthful) as judge:
        asked = ["--clips", clips, "--control", "empty", "--judge", "j", "--base-url", judge.base_url]
        votes = ["-o", calls.folder / "votes.jsonl", "--cache", calls.folder / "cache", "--json"]
        told, _ = calls.run(["eval", "commentary", "judge", *map(str, (calls.folder / "pred.jsonl", *asked, *votes))])
    assert (told["votes"], told["left_out"]) == (4, 0)


def test_what_is_done_is_not_done_again_and_another_setting_is_refused(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards hours, and a file of which half was said otherwise; all before a model is loaded."""
    calls.run(calls.arguments("-q"))
    before = calls.lines()
    journals = tmp_path / "pred.jsonl.rounds"
    journals.mkdir()
    (journals / "v-a.jsonl").touch()  # of a run that was killed after its last line

    def load(*_: object, **__: object) -> None:
        raise ModelError("It was loaded.")

    monkeypatch.setattr("svlm_cli.commands.generate.load", load)
    told, err = calls.run(calls.arguments("--json", "--jobs", "2"))
    assert "pred.jsonl is complete: there is nothing to do." in err
    assert (told["done"], told["rounds"], told["videos"]) == (2, 0, 0)
    assert not journals.exists()
    for more, named in {("--seed", "5"): "seed", ("--chunk", "100"): "chunk", ("--query", "Sing"): "query"}.items():
        _, err = calls.run(calls.arguments(*more), code=2)
        assert f"pred.jsonl was begun with another setting: {named}. Use --overwrite" in err
    assert calls.lines() == before
    calls.run(calls.arguments("--seed", "5", "--overwrite"), code=4)
    assert calls.lines() == [], "begun anew"
    monkeypatch.undo()
    calls.run(calls.arguments("--seed", "5", "-q"))
    assert len(calls.lines()) == len(before)
    assert calls.lines() != before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--videos", "nowhere"), 3, "There is no folder nowhere. Correct --videos."),
        (("-o", "nowhere/pred.jsonl"), 1, "There is no folder nowhere to write to."),
        (("-o", "."), 1, "is a folder."),
        (("--annotations", "nowhere.jsonl"), 3, "nowhere.jsonl cannot be read"),
        (("--annotations", "clips.jsonl"), 3, "names the video 'a' again, as a file of clips does"),
        (("--annotations", "others.jsonl"), 3, "There is no v/F/x.mp4 and no v/x.mp4."),
        (("--annotations", "others.jsonl"), 3, "There is no v/F/y.mp4 and no v/y.mp4."),
        (("--annotations", "others.jsonl"), 3, "None of 2 videos is there."),
        (("--annotations", "one.jsonl"), 3, "There is no v/F/x.mp4 and no v/x.mp4."),
        (("--start", "30"), 3, "all.jsonl has nothing to comment on."),
        (("--start", "soon"), 2, "soon is not a time."),
        (("--chunk", "0"), 2, "--chunk 0 is not a length for a stream."),
        (("--chunk", "nan"), 2, "--chunk nan is not a length for a stream."),
        (("--set", "windows.sinks=1"), 2, "sinks"),
        (("-o", "notes.txt"), 3, "Line 1 of notes.txt"),
        (("-o", "others.jsonl"), 3, "Line 1 of others.jsonl"),
        (("-m", "nowhere"), 4, "nowhere"),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Guards minutes of loading; and files of others, which stay as they are."""
    monkeypatch.chdir(calls.folder)
    monkeypatch.delattr("svlm_cli.commands.generate.load")
    rows = [game("Football/a.mp4", [(0, 2, "so")]), game("Football/a.mp4", [(2, 4, "so")])]
    write_lines(Path("clips.jsonl"), rows)
    write_lines(Path("others.jsonl"), [game("F/x.mp4", [(0, 2, "so")]), game("F/y.mp4", [(0, 2, "so")])])
    write_lines(Path("one.jsonl"), [game("F/x.mp4", [(0, 2, "so")])])
    Path("notes.txt").write_text("Buy milk.\n")
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    given = ["--annotations", "all.jsonl", "--videos", "v", "--start", "0", "-o", "p.jsonl", "-m", str(calls.model)]
    told, err = calls.run(["eval", "commentary", "generate", *given, *arguments], code=code)
    assert told is None
    assert said in err
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before
    assert not Path("p.jsonl").exists()


def test_one_of_several_that_is_missing_is_told_and_counted(calls: Calls) -> None:
    rows = (calls.folder / "all.jsonl").read_text(encoding="utf-8").splitlines()
    more = [game(f"Golf/{name}.mp4", [(0, 9, "so")]) for name in ("x", "rotten")]
    write_lines(calls.folder / "all.jsonl", [*map(json.loads, rows[1:]), *more])
    (calls.folder / "w").mkdir()
    (calls.folder / "w/b.mp4").symlink_to(calls.folder / "v/b.mp4")
    (calls.folder / "w/rotten.mp4").write_bytes(b"rotten")
    asked = calls.arguments("--videos", calls.folder / "w", "--json")
    for rounds in (SECONDS["b"], 0):
        told, err = calls.run(asked, code=1)
        assert (told["streams"], told["done"], told["failed"], told["rounds"]) == (3, 1, 2, rounds)
        assert f"There is no {calls.folder}/w/Golf/x.mp4 and no {calls.folder}/w/x.mp4." in err
        assert "rotten.mp4" in err
    assert list(read_commentary(calls.folder / "pred.jsonl").chunks) == ["b"]
    write_lines(calls.folder / "all.jsonl", more[1:])
    told, err = calls.run([*asked, "-o", str(calls.folder / "lone.jsonl")], code=3)
    assert told["failed"] == 1
    assert err.count("rotten.mp4") == 1, "a lone one is told once, at the end"


def test_rounds_of_unknown_origin_are_not_gone_on_with(calls: Calls) -> None:
    """Guards words against those of another model, where somebody has removed the rest of its files."""
    write_lines(calls.folder / "all.jsonl", [game("Football/a.mp4", [(0, 4, "so")])])
    calls.run(calls.arguments("-q", output="whole.jsonl"))
    folder = calls.folder / "pred.jsonl.rounds"
    folder.mkdir()
    write_lines(folder / "a.jsonl", [{"start": 0, "end": 1, "text": "Alien!", "token_ids": [1]}])
    calls.run(calls.arguments("-q"))
    assert calls.lines() == calls.lines("whole.jsonl")


def test_two_runs_do_not_write_one_file(calls: Calls) -> None:
    with CommentaryFile(calls.folder / "pred.jsonl"):
        for more in ((), ("--overwrite",)):
            _, err = calls.run(calls.arguments(*more), code=1)
            assert "Another run is writing" in err


def test_events_and_pieces(calls: Calls) -> None:
    """Guards the other benchmark, and the other protocol."""
    events = write_lines(
        calls.folder / "events.jsonl",
        [event("a", "1", "so", begin=2, end=5.5), event("a", "2", "so", begin=6, end=9)],
    )
    given = ["--events", events, "--videos", calls.folder / "v/Football", "-o", calls.folder / "e.jsonl"]
    asked = ["eval", "livesports", "generate", *map(str, (*given, "-m", calls.model, *SMALL, "--json"))]
    told, err = calls.run(asked)
    assert (told["eval"], told["streams"], told["done"], told["video_s"]) == ("livesports", 2, 2, 6.5)
    assert "2 events, 6 s of video" in err
    found, _ = read_predictions(calls.folder / "e.jsonl")
    assert set(found) == {("a", "1"), ("a", "2")}
    told, _ = calls.run(asked)
    assert told["rounds"] == 0
    told, err = calls.run(calls.arguments("--chunk", "5", "--json", "--jobs", "3"))
    assert (told["streams"], told["setting"]["chunk"], told["video_s"]) == (5, 5, 19)
    chunks = read_commentary(calls.folder / "pred.jsonl").chunks
    assert chunks == {"a": ((0, 5), (5, 10), (10, 12)), "b": ((0, 5), (5, 7))}


LONGER = {"a": 60, "b": 41, "c": 23}
QUICKLY = (
    "import sys; from svlm_cli.evals.generation import predictions, run; "
    "predictions.CHUNK_S, run.SNAPSHOT_S, run.SNAPSHOT_SHARE = 5.0, 0.2, 1.0; "
    "from svlm_cli.commands.app import main; sys.exit(main(sys.argv[1:]))"
)


def _start(arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", QUICKLY, *arguments]
    return subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def _wait(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)


@pytest.mark.extra
@pytest.mark.timeout(400)
def test_kill_9_at_any_moment_loses_nothing_and_repeats_nothing(calls: Calls, tmp_path: Path) -> None:
    """Guards a night's run: killed again and again, it ends with the lines of one that was not."""
    (tmp_path / "v").unlink()
    (tmp_path / "v").mkdir()
    for first, (name, seconds) in enumerate(LONGER.items()):
        make_clip(tmp_path / f"v/{name}.mp4", frames=2 * seconds, fps="2", size=(56, 42), first=500 * first)
    rows = [game(f"Golf/{name}.mp4", [(0.5, 2, "so"), (2, end, "on")]) for name, end in LONGER.items()]
    write_lines(tmp_path / "all.jsonl", rows)
    with _start(calls.arguments("--jobs", "2", output="whole.jsonl")) as process:
        assert process.wait() == 0
    chance, asked, killed = random.Random(), calls.arguments("--jobs", "2"), 0
    journals = tmp_path / "pred.jsonl.rounds"

    def rounds() -> int:
        found = 0
        for path in list(journals.glob("*.jsonl")) if journals.exists() else []:
            try:
                found += path.read_bytes().count(b"\n")
            except FileNotFoundError:
                continue  # its video is done
        return found

    for _ in range(4):
        with _start(asked) as process:
            before = rounds()
            _wait(process, lambda before=before: rounds() > before or process.poll() == 0)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.4))
            process.kill()
            killed += process.wait() == -signal.SIGKILL
    assert killed >= 3
    with _start([*asked, "--json"]) as process:
        told, err = process.communicate()
    assert process.returncode == 0, err
    assert json.loads(told)["rounds"] < sum(LONGER.values()), "it went on"
    assert calls.lines() == calls.lines("whole.jsonl")
    assert not journals.exists()


@pytest.mark.extra
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_that_the_same_call_goes_on(
    calls: Calls, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Guards people who press Ctrl-C, and machines that are taken away."""
    with _start(calls.arguments("--jobs", "2")) as process:
        journals = tmp_path / "pred.jsonl.rounds"
        _wait(process, lambda: any(path.stat().st_size for path in journals.glob("*.jsonl")))
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == ""
    assert "Stopped. Run the same command again to continue." in err
    assert "Traceback" not in err
    told, err = calls.run(calls.arguments("--jobs", "2", "--json"))
    assert "pred.jsonl goes on where it was: 0 of 2 are done." in err
    assert 0 < told["rounds"] < 19
