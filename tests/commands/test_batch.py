"""`svlm caption` with many videos: folders and lists, several at once, resumed after a kill, and how it all went."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.types import Segment, TokenEvent
from svlm_cli.engine.plan import Request
from svlm_cli.outputs.destination import PartFile
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.jsonl import JsonlOutput
from tests.clips import make_clip
from tests.commands.conftest import SECONDS
from tests.conftest import Svlm, environment
from tests.subtitle_checker import check_srt


@pytest.fixture
def season(here: Path, tmp_path: Path) -> Path:
    """A folder with three videos, the clip of four seconds each."""
    for name in ("a/one", "a/two", "b/one"):
        path = tmp_path / "season" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(here, path)
    return tmp_path / "season"


def files(folder: Path, suffix: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(f"*{suffix}"))


def rounds(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n") if path.exists() else 0


def test_a_folder_in_every_format_several_at_once(svlm_inside: Svlm, season: Path, tiny_checkpoint: Path) -> None:
    """Guards --jobs: the words are those of one after the other, and each format is written for each video."""
    formats = tuple(Format)
    base = ("caption", "season", "--model", tiny_checkpoint, "-f", ",".join(formats))
    done = svlm_inside(*base, "--jobs", "2", "--output-dir", "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    written = [f"season/{name}.{suffix}" for name in ("a/one", "a/two", "b/one") for suffix in sorted(formats)]
    assert files(season.parent / "out", ".*") == written
    document = json.loads((season.parent / "out" / "season" / "a" / "one.json").read_text(encoding="utf-8"))
    assert document["source"] == "season/a/one.mp4"
    assert len(document["segments"]) == SECONDS
    assert svlm_inside(*base, "--output-dir", "serial").returncode == 0
    for name in files(season.parent / "out", ".txt"):
        assert (season.parent / "out" / name).read_text() == (season.parent / "serial" / name).read_text()


def test_how_each_video_went(svlm_inside: Svlm, season: Path, tiny_checkpoint: Path) -> None:
    (season / "a" / "two.mp4").write_text("no video")
    (season / "b" / "one.srt").write_text("mine")
    done = svlm_inside("caption", "season", "--model", tiny_checkpoint, "--skip-existing", "--progress", "plain")
    assert done.returncode == 1
    table = done.stderr[done.stderr.index("\nvideo ") :].splitlines()
    said = {line.split()[0]: line for line in table if line.startswith("season/")}
    assert list(said) == ["season/a/one.mp4", "season/a/two.mp4", "season/b/one.mp4"]
    assert "captioned" in said["season/a/one.mp4"]
    assert "0:00:04" in said["season/a/one.mp4"]
    assert "failed" in said["season/a/two.mp4"]
    assert "there already" in said["season/b/one.mp4"]
    assert table[-1].startswith("3 videos: 1 captioned, 1 there already, 1 failed. 0:00:04 of video in ")
    assert (season / "b" / "one.srt").read_text() == "mine"
    quiet = svlm_inside("caption", "season", "--model", tiny_checkpoint, "--skip-existing", "-q")
    assert quiet.returncode == 1
    assert len(quiet.stderr.splitlines()) == 1, "the error alone"


def test_when_all_is_there_no_model_is_looked_for(svlm_inside: Svlm, season: Path) -> None:
    for video in season.rglob("*.mp4"):
        video.with_suffix(".srt").touch()
    done = svlm_inside("caption", "season", "--model", "no-such-model", "--skip-existing")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "svlm: All 3 videos: all requested outputs exist already.\n"


def test_nothing_is_loaded_when_one_output_is_there(svlm_inside: Svlm, season: Path) -> None:
    (season / "b" / "one.srt").write_text("mine")
    done = svlm_inside("caption", "season", "--model", "no-such-model")
    assert done.returncode == 2, "the request is wrong, and no video failed"
    assert "season/b/one.srt exists already" in done.stderr
    assert "--skip-existing" in done.stderr
    assert svlm_inside("caption", "season", "--overwrite", "--skip-existing").returncode == 2


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_fail_fast(svlm_inside: Svlm, season: Path, tiny_checkpoint: Path, jobs: str) -> None:
    """Guards the rest of a night against a fault that all videos share."""
    (season / "a" / "two.mp4").write_text("no video")
    done = svlm_inside("caption", "season", "--model", tiny_checkpoint, "--fail-fast", "--jobs", jobs)
    assert done.returncode == 1, done.stderr
    assert "1 failed" in done.stderr
    assert "1 not begun" in done.stderr
    assert files(season, ".srt") == (["a/one.srt"] if jobs == "1" else [])


def test_a_list_from_another_program(svlm: Svlm, season: Path, tiny_checkpoint: Path) -> None:
    names = b"\0".join(os.fsencode(path) for path in sorted(season.rglob("*.mp4")))
    done = svlm("caption", "--batch-file", "-", "--model", tiny_checkpoint, stdin=names + b"\0")
    assert done.returncode == 0, done.stderr
    assert files(season, ".srt") == ["a/one.srt", "a/two.srt", "b/one.srt"]


def test_encodings_and_line_ends(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    options = ("--model", tiny_checkpoint, "-f", "srt,jsonl", "--encoding", "utf-16", "--crlf")
    assert svlm_inside("caption", here.name, *options).returncode == 0
    text = here.with_suffix(".srt").read_bytes().decode("utf-16")
    assert text.count("\n") == text.count("\r\n") > 0
    assert check_srt(text.replace("\r\n", "\n")) == []
    assert rounds(here.with_suffix(".jsonl")) == SECONDS
    assert svlm_inside("caption", here.name, "--overwrite", "--encoding", "rot13").returncode == 2


def test_what_another_run_has_is_left_to_it(svlm_inside: Svlm, season: Path, tiny_checkpoint: Path) -> None:
    """Guards two runs on one folder: with --skip-existing they share it, without it they are told."""
    base = ("caption", "season", "--model", tiny_checkpoint, "-f", "txt,srt", "--progress", "none")
    (season / "b" / "one.txt").write_text("mine")
    other = PartFile(season / "a" / "two.srt", overwrite=False)
    other.write("theirs")
    done = svlm_inside(*base, "--skip-existing", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("svlm: season/a/two.mp4: another run is captioning it.\n") == 1
    assert "3 videos: 2 captioned, 1 left to another run." in done.stderr
    assert files(season, ".[st]*") == ["a/one.srt", "a/one.txt", "a/two.srt.part", "b/one.srt", "b/one.txt"]
    assert (season / "b" / "one.txt").read_text() == "mine"
    quiet = svlm_inside(*base, "--skip-existing", "--quiet")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    alone = svlm_inside("caption", "season/a/two.mp4", *base[2:], "--skip-existing", "--mux", "two.mkv")
    assert (alone.returncode, alone.stderr) == (0, "svlm: season/a/two.mp4: another run is captioning it.\n")
    assert not (season.parent / "two.mkv").exists(), "made of a video that nobody captioned here"
    insisting = svlm_inside(*base, "--overwrite")
    assert insisting.returncode == 1
    assert "Another run is writing season/a/two.srt" in insisting.stderr
    assert (season / "a" / "two.srt.part").read_text() == "theirs"
    other.close(complete=True)


@pytest.mark.parametrize("product", [(), ("--report", "two.html")])
def test_what_appears_meanwhile_is_no_failure(
    svlm_inside: Svlm, here: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, product: tuple[str, ...]
) -> None:
    """Guards what another run completes after this one has looked: when the video's turn comes, and while it runs."""
    write, base = JsonlOutput.write, ("caption", here.name, "--model", tiny_checkpoint, "-f", "jsonl")

    def appear(self: JsonlOutput, segment: Segment) -> None:
        here.with_suffix(".jsonl").write_text("theirs")
        Path("two.html").write_text("theirs")
        write(self, segment)

    monkeypatch.setattr(JsonlOutput, "write", appear)
    done = svlm_inside(*base, *product, "--skip-existing", "--progress", "none")
    assert done.returncode == 0, done.stderr
    assert "clip.jsonl appeared while it was written" in done.stderr
    assert ("two.html: another run has made it" in done.stderr) == bool(product)
    assert here.with_suffix(".jsonl").read_text() == Path("two.html").read_text() == "theirs"
    assert svlm_inside(*base, "--skip-existing").stderr == "svlm: clip.mp4: all requested outputs exist already.\n"


@pytest.fixture
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model finds nothing to say, as of black footage."""
    from svlm_cli.engine.engine import Engine

    step = Engine.step

    def say_nothing(self: Engine, requests: Sequence[Request]) -> Iterator[TokenEvent | Segment]:
        for event in step(self, requests):
            yield replace(event, text=" ...") if isinstance(event, Segment) else event

    monkeypatch.setattr(Engine, "step", say_nothing)


@pytest.mark.usefixtures("_silent")
def test_nothing_said_is_told(svlm_inside: Svlm, season: Path, tiny_checkpoint: Path) -> None:
    """Guards whoever looks for the fault in a player when the file has no words."""
    base = ("--model", tiny_checkpoint, "--progress", "none", "--overwrite")
    done = svlm_inside("caption", "season/a", *base, "-f", "srt,json")
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if line.endswith("nothing was said.")] == [
        f"svlm: season/a/{name}.mp4: nothing was said." for name in ("one", "two")
    ]
    assert "2 videos: 2 nothing said. " in done.stderr
    assert (season / "a" / "one.srt").read_bytes() == b""
    assert len(json.loads((season / "a" / "one.json").read_text())["segments"]) == SECONDS
    assert svlm_inside("caption", "season/a/one.mp4", *base, "-q").stderr == ""


class Batch:
    """A run over three videos, the second of which lasts too long to be waited for."""

    def __init__(self, folder: Path, checkpoint: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "svlm_cli", "caption", "season", "--model", checkpoint, "-f", "jsonl", *arguments],
            cwd=folder,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 60) -> None:
        until = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < until
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)


@pytest.fixture
def batch(season: Path, tmp_path: Path, tiny_checkpoint: Path) -> Iterator[Batch]:
    make_clip(season / "a" / "two.mp4", frames=600, fps="1")
    started = Batch(tmp_path, tiny_checkpoint)
    yield started
    started.process.kill()
    started.process.communicate()


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.extra)]
)
def test_resumed_it_keeps_what_is_whole(
    batch: Batch, svlm_inside: Svlm, season: Path, tiny_checkpoint: Path, number: signal.Signals
) -> None:
    """Guards --skip-existing against a file that has its name and is not whole."""
    whole, part = season / "a" / "one.jsonl", season / "a" / "two.jsonl.part"
    batch.wait_for(lambda: rounds(part) > 2)
    batch.process.send_signal(number)
    _, errors = batch.process.communicate(timeout=30)
    assert rounds(whole) == SECONDS
    assert rounds(part) > 2
    assert files(season, ".jsonl") == ["a/one.jsonl"]
    if number != signal.SIGKILL:
        assert batch.process.returncode == 128 + number
        told = "its words so far are in season/a/two.jsonl.part. The next call captions it from the beginning"
        assert told in errors
        assert "1 captioned, 1 stopped, 1 not begun" in errors
    written = whole.stat().st_mtime_ns
    make_clip(season / "a" / "two.mp4", frames=5, fps="1")
    done = svlm_inside("caption", "season", "--model", tiny_checkpoint, "-f", "jsonl", "--skip-existing")
    assert json.loads((season / "a" / "two.jsonl").read_text().splitlines()[0])["start"] == 0, "from the beginning"
    assert done.returncode == 0, done.stderr
    assert whole.stat().st_mtime_ns == written
    assert rounds(season / "a" / "two.jsonl") == 5
    assert files(season, ".part") == []


def test_two_runs_share_a_folder(svlm_inside: Svlm, season: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Each video is captioned once, by one of them; neither fails."""
    make_clip(season / "a" / "one.mp4", frames=30, fps="1")
    first = Batch(tmp_path, tiny_checkpoint, "--skip-existing", "--progress", "none")
    first.wait_for((season / "a" / "one.jsonl.part").exists)  # taken before the model is loaded
    second = svlm_inside(
        *("caption", "season", "--model", tiny_checkpoint, "-f", "jsonl", "--skip-existing", "--progress", "none")
    )
    _, errors = first.process.communicate(timeout=60)
    assert (first.process.returncode, second.returncode) == (0, 0), errors + second.stderr
    totals = [line for line in (errors + second.stderr).splitlines() if line.startswith("3 videos: ")]
    assert sum(int(count) for line in totals for count in re.findall(r"(\d+) captioned", line)) == 3, totals
    assert "failed" not in "".join(totals)
    assert [rounds(season / name) for name in ("a/one.jsonl", "a/two.jsonl", "b/one.jsonl")] == [30, SECONDS, SECONDS]
    assert files(season, ".part") == []
