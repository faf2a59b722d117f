"""What shell scripts meet in `svlm caption`: where outputs go, exit codes, one stream for many videos, a summary."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from svlm_cli.core.errors import CapacityError, OutputError
from svlm_cli.outputs.destination import PartFile
from svlm_cli.outputs.jsonl import JsonlOutput
from tests.clips import make_clip
from tests.commands.conftest import SECONDS
from tests.conftest import Svlm, environment


@pytest.fixture
def pair(here: Path) -> Path:
    """The clip, and another of the same name in a folder of its own."""
    (here.parent / "more").mkdir()
    return Path(shutil.copy(here, here.parent / "more" / "clip.mp4"))


@pytest.mark.parametrize(
    ("folder", "name", "out"),
    [
        (".", "season", "out"),
        ("season", ".", "../out"),
        ("far", "{here}/season", "{here}/out"),
        ("far", "../season", "../out"),
    ],
)
def test_what_is_there_is_found_from_anywhere(
    svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str, out: str
) -> None:
    """Guards a timer, whose working directory is another one: it captioned everything anew."""
    (tmp_path / "far").mkdir()
    for path in ("season/a/x.mp4", "season/y.mp4", "out/season/a/x.srt", "out/season/y.srt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    monkeypatch.chdir(tmp_path / folder)
    names = [text.format(here=tmp_path) for text in (name, out)]
    done = svlm_inside("caption", names[0], "--output-dir", names[1], "--skip-existing", "--model", "no-such-model")
    assert (done.returncode, done.stderr) == (0, "svlm: All 2 videos: all requested outputs exist already.\n")


def test_videos_that_are_called_alike(svlm_inside: Svlm, pair: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards one call for all against ending over two names, and the table against hiding where the words went."""
    shutil.copy(pair, tmp_path / "clip.mkv")
    base = ("clip.mp4", "clip.mkv", "more/clip.mp4", "--model", tiny_checkpoint, "--progress", "none")
    done = svlm_inside("caption", *base, "--output-dir", "out")
    assert done.returncode == 0, done.stderr
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.srt"))
    assert written == ["clip.mkv.srt", "more/clip.srt", f"{tmp_path.name}/clip.srt"]
    told = "svlm: Videos that would share an output file get longer names: clip.mp4 -> out/"
    assert done.stderr.startswith(told)
    assert "out/clip.mkv.srt" in done.stderr.partition("\nvideo ")[2]
    again = svlm_inside("caption", *base[:2], *base[3:], "-q", "-o", "{dir}/subs/{name}.{ext}", "-f", "vtt,txt")
    assert (again.returncode, again.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "subs").iterdir()) == [
        f"clip.{suffix}.{format_}" for suffix in ("mkv", "mp4") for format_ in ("txt", "vtt")
    ]


def test_lines_of_several_videos_on_standard_output(svlm_inside: Svlm, pair: Path, tiny_checkpoint: Path) -> None:
    """Guards `svlm caption *.mp4 -f jsonl -o - | jq`: whole lines, each with its video; a lone one's are as ever."""
    base = ("--model", tiny_checkpoint, "-f", "jsonl", "-o", "-", "-q", "--temperature", "0")
    done = svlm_inside("caption", "clip.mp4", "more/clip.mp4", *base, "--jobs", "2")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    alone = [json.loads(line) for line in svlm_inside("caption", "clip.mp4", *base).stdout.splitlines()]
    assert "source" not in alone[0]
    assert len(alone) == SECONDS
    for source in ("clip.mp4", "more/clip.mp4"):
        of_one = [line for line in lines if line["source"] == source]
        assert [(line["start"], line["text"]) for line in of_one] == [(line["start"], line["text"]) for line in alone]


def test_a_reader_that_leaves_ends_all_videos(pair: Path, tiny_checkpoint: Path) -> None:
    """Guards `... | head -1`: the videos that are left would be captioned for nobody."""
    make_clip(pair, frames=600, fps="1")
    arguments = ("clip.mp4", "more/clip.mp4", "--model", str(tiny_checkpoint), "-f", "jsonl", "-o", "-")
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "svlm_cli", "caption", *arguments],
        cwd=pair.parents[1],
        env=environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    os.close(read)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "svlm:" not in errors
    assert "2 videos: 2 stopped." in errors, "the second is opened while the first is told"


def test_inputs_that_cannot_be_read_may_be_no_failure(
    svlm_inside: Svlm, here: Path, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    (tmp_path / "bad.mp4").write_text("no video")
    base = ("--model", tiny_checkpoint, "--ignore-errors", "--fail-fast")
    done = svlm_inside("caption", "bad.mp4", "gone.mp4", "clip.mp4", *base)
    assert done.returncode == 0, done.stderr
    assert "svlm: bad.mp4 is not a video" in done.stderr
    assert "3 videos: 1 captioned, 2 failed." in done.stderr
    assert here.with_suffix(".srt").exists()
    for more in ((), ("--mux", "x.mkv")):
        done = svlm_inside("caption", "gone.mp4", *base, *more)
        assert (done.returncode, done.stderr) == (0, "svlm: gone.mp4 does not exist. Check its name.\n")
    assert (
        svlm_inside("caption", "clip.mp4", "--overwrite", "--ignore-errors", "--model", "no-such-model").returncode == 4
    )


@pytest.mark.parametrize("error", [OutputError("There is no room left."), CapacityError("It is full.", stream=0)])
def test_what_is_no_fault_of_an_input_stays_one(
    svlm_inside: Svlm, here: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Guards a full disk against being taken for a video that is broken."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(JsonlOutput, "write", fail)
    done = svlm_inside("caption", "clip.mp4", "--model", tiny_checkpoint, "-f", "jsonl", "--ignore-errors")
    assert done.returncode == 1, done.stderr


def test_a_summary_for_programs(svlm_inside: Svlm, pair: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards scripts against having to read a table; with -q and for a lone video, too."""
    (tmp_path / "bad.mp4").write_text("no video")
    (tmp_path / "more" / "clip.srt").write_text("mine")
    base = ("--model", tiny_checkpoint, "--summary", "json", "-q", "--skip-existing")
    done = svlm_inside("caption", "clip.mp4", "bad.mp4", "more", *base)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    rows = {row["source"]: row for row in told["videos"]}
    assert {source: (row["state"], row["outputs"]) for source, row in rows.items()} == {
        "clip.mp4": ("done", ["clip.srt"]),
        "bad.mp4": ("failed", []),
        "more/clip.mp4": ("skipped", ["more/clip.srt"]),
    }
    assert rows["clip.mp4"]["video_s"] == SECONDS
    assert rows["clip.mp4"]["took_s"] > 0
    assert rows["bad.mp4"]["error"].startswith("bad.mp4 is not a video")
    assert told["total"]["videos"] == 3
    done = svlm_inside("caption", "clip.mp4", *base)
    assert (done.returncode, json.loads(done.stdout)["videos"][0]["state"], done.stderr) == (0, "skipped", "")
    done = svlm_inside("caption", "clip.mp4", *base[2:], "-f", "vtt", "--model", "no-such-model")
    assert done.returncode == 4
    assert "no-such-model" in json.loads(done.stdout)["error"]


def test_a_summary_and_words_do_not_mix(
    svlm_inside: Svlm, here: Path, tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = ("caption", "clip.mp4", "-o", "-", "--model", tiny_checkpoint)
    done = svlm_inside(*base, "--summary", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "would both go to standard output" in done.stderr
    (tmp_path / "config.toml").write_text('[caption]\nsummary = "json"\n')
    monkeypatch.setenv("SVLM_CONFIG", str(tmp_path / "config.toml"))
    done = svlm_inside(*base)
    assert done.returncode == 0, done.stderr
    assert "{" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.extra)])
def test_a_summary_of_what_was_stopped(tmp_path: Path, tiny_checkpoint: Path, number: signal.Signals) -> None:
    make_clip(tmp_path / "long.mp4", frames=600, fps="1")
    arguments = ("long.mp4", "later.mp4", "--model", str(tiny_checkpoint), "-f", "jsonl", "--summary", "json", "-q")
    process = subprocess.Popen(
        [sys.executable, "-m", "svlm_cli", "caption", *arguments],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    part = tmp_path / "long.jsonl.part"
    while not part.exists() or part.read_text().count("\n") < 3:
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    first, second = json.loads(out)["videos"]
    assert (first["state"], first["outputs"], second["state"]) == ("stopped", [], "waiting")
    assert first["video_s"] >= 3
    assert first["took_s"] > 0


def test_a_file_that_appears_meanwhile_is_no_usage(
    svlm_inside: Svlm, here: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the code for a request that makes no sense against what happens after hours of work."""
    close = PartFile.close

    def appear(self: PartFile, *, complete: bool) -> None:
        here.with_suffix(".srt").write_text("theirs")
        close(self, complete=complete)

    monkeypatch.setattr(PartFile, "close", appear)
    done = svlm_inside("caption", "clip.mp4", "--model", tiny_checkpoint)
    assert done.returncode == 1
    assert "appeared while it was written" in done.stderr
    assert svlm_inside("caption", "clip.mp4", "--model", tiny_checkpoint).returncode == 2
