"""``svlm data check``: what is bad is named once, what is good is kept, and no video is opened twice."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.commands.app import main
from svlm_cli.curation.check_store import CheckStore
from svlm_cli.training.records import Skipped, read_records
from tests.conftest import environment
from tests.curation.speech import spoken, tiny_video, write_words


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of 40 s and their windows, two each, with an index."""
    folder = tmp_path_factory.mktemp("made")
    videos = [spoken(folder / f"{name}.mp4", 40.0, seed=seed) for seed, name in enumerate("abc")]
    tiny_video(folder / "a.mp4", 40.0)
    for name in "bc":
        shutil.copy(folder / "a.mp4", folder / f"{name}.mp4")
    words = write_words(folder / "words.jsonl", videos)
    assert main(["data", "windows", str(words), "-o", str(folder / "train.jsonl"), "-q", "--index"]) == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _check(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any], list[str]]:
    """The exit code, the result, and what was said of what is bad."""
    code = main(["data", "check", "train.jsonl", "--json", "-q", *options])
    out, err = capsys.readouterr()
    return code, json.loads(out), err.splitlines()


def test_a_good_set_is_good(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against false alarms: what `svlm data windows` writes is good, its index too."""
    code, found, err = _check(capsys)
    assert (code, err) == (0, [])
    assert {key: found[key] for key in ("rows", "bad_rows", "videos", "bad_videos", "videos_opened")} == {
        "rows": 6,
        "bad_rows": 0,
        "videos": 3,
        "bad_videos": 0,
        "videos_opened": 3,
    }
    assert (found["indices"], found["bad_indices"]) == (1, 0)
    assert found["rows_per_second"] > 0
    assert {path.suffix for path in folder.iterdir()} == {".mp4", ".jsonl"}, "no journal without an output"


def _spoil(folder: Path) -> None:
    """A bad line, an empty video, and a video that is too short for its second row."""
    lines = (folder / "train.jsonl").read_text().splitlines()
    (folder / "train.jsonl").write_text("\n".join([lines[0], "{", *lines[1:]]) + "\n")
    (folder / "b.mp4").write_bytes(b"")
    tiny_video(folder / "c.mp4", 30.0)


def test_what_is_bad_is_named_and_what_is_good_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the result: file, line and reason of each bad row, each bad video once, and all others byte for byte."""
    _spoil(folder)
    code, found, err = _check(capsys, "-o", "bad.jsonl", "--write", "good.jsonl")
    rows = [json.loads(line) for line in Path("bad.jsonl").read_text().splitlines()]
    assert (code, err) == (1, [])
    assert (found["rows"], found["bad_rows"], found["bad_videos"], found["bad_indices"]) == (7, 4, 1, 1)
    assert [(row["place"], row["reason"].split(":")[0]) for row in rows] == [
        ("train_seeks.jsonl", "as an index of train.jsonl it is wrong"),
        (str(folder / "b.mp4"), f"{folder / 'b.mp4'} is empty."),
        ("train.jsonl:2", rows[2]["reason"].split(":")[0]),
        ("train.jsonl:7", "its video has no picture at 35 s, but until about 29.9 s"),
    ]
    assert (rows[1]["rows"], rows[1]["first_row"]) == (2, "train.jsonl:4")
    lines = Path("train.jsonl").read_text().splitlines()
    assert Path("good.jsonl").read_text().splitlines() == [lines[0], lines[2], lines[5]]
    assert len(read_records([Path("good.jsonl")], None, Skipped(0, print))) == 3


def test_without_a_file_it_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards people who only want to know: a sentence each on stderr."""
    _spoil(folder)
    code, _, err = _check(capsys)
    assert code == 1
    assert len(err) == 4
    assert err[1] == f"svlm: {folder / 'b.mp4'} is empty; it is in 2 rows, of which the first is train.jsonl:4."
    assert err[3] == "svlm: train.jsonl:7: its video has no picture at 35 s, but until about 29.9 s."


def test_only_videos_that_have_changed_are_opened_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the journal: what was found counts as long as size and time are the same, and no longer."""
    assert _check(capsys, "-o", "bad.jsonl")[1]["videos_opened"] == 3
    assert _check(capsys, "-o", "bad.jsonl", "--overwrite")[1]["videos_opened"] == 0
    os.utime("a.mp4", (1, 1))
    assert _check(capsys, "-o", "bad.jsonl", "--overwrite")[1]["videos_opened"] == 1
    Path("b.mp4").unlink()
    code, found, _ = _check(capsys, "-o", "bad.jsonl", "--overwrite")
    assert (code, found["videos_opened"], found["bad_videos"]) == (1, 1, 1)
    shutil.copy("c.mp4", "b.mp4")
    assert _check(capsys, "-o", "bad.jsonl", "--overwrite")[0] == 0


def test_rows_that_ask_for_more_of_a_video_open_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against a verdict about other moments."""
    assert _check(capsys, "-o", "bad.jsonl")[0] == 0
    text = Path("train.jsonl").read_text()
    Path("train.jsonl").write_text(text.replace('"video_end": 36.0', '"video_end": 50.0', 1))
    Path("train_seeks.jsonl").unlink()
    code, found, _ = _check(capsys, "-o", "bad.jsonl", "--overwrite")
    assert (code, found["videos_opened"], found["bad_rows"]) == (1, 1, 1)


@pytest.mark.extra
def test_a_check_that_was_killed_goes_on(folder: Path) -> None:
    """Guards hours of opening videos: what was found before a kill is not looked for again."""
    lines = Path("train.jsonl").read_text().splitlines()
    names = [f"v{number}.mp4" for number in range(20)]
    for name in names:
        os.link("a.mp4", name)
    Path("many.jsonl").write_text("\n".join(lines[0].replace("a.mp4", name) for name in names))
    call = [sys.executable, "-m", "svlm_cli", "data", "check", "many.jsonl", "-o", "bad.jsonl", "-j", "2", "--json"]
    with subprocess.Popen(call, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"2 of 20 videos" in process.stderr.readline()
        os.kill(process.pid, signal.SIGKILL)
    deadline_s = time.monotonic() + 60
    while (done := subprocess.run(call, env=environment(), capture_output=True, check=False)).returncode == 1:
        assert b"Another" in done.stderr, done.stderr
        assert time.monotonic() < deadline_s
    assert done.returncode == 0, done.stderr
    opened = json.loads(done.stdout)["videos_opened"]
    assert 0 < opened <= 18


def test_two_checks_do_not_share_a_journal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the journal against a second writer, and files of others against both."""
    with CheckStore(Path("bad.jsonl.checked")):
        assert main(["data", "check", "train.jsonl", "-o", "bad.jsonl"]) == 1
    assert "Another check is writing bad.jsonl.checked." in capsys.readouterr().err
    Path("bad.jsonl.checked").write_text("a diary, and no journal of a check" * 100)
    assert main(["data", "check", "train.jsonl", "-o", "bad.jsonl"]) == 3
    assert "bad.jsonl.checked is not a journal of a check" in capsys.readouterr().err


def test_an_index_that_is_given_is_no_file_of_rows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards `svlm data check *.jsonl`; and the index at the end of a file, which is checked too."""
    output = ("-o", "bad.jsonl", "--overwrite")
    code, found, _ = _check(capsys, "train_seeks.jsonl", *output)
    assert (code, found["rows"], found["indices"]) == (0, 6, 1)
    index = Path("train_seeks.jsonl").read_text()
    with Path("train.jsonl").open("a") as file:
        file.write(index)
    Path("train_seeks.jsonl").unlink()
    code, found, _ = _check(capsys, *output)
    assert (code, found["rows"], found["indices"]) == (0, 6, 1)
    Path("train.jsonl").write_text(Path("train.jsonl").read_text().replace("\n[0, ", "\n[1, "))
    code, found, _ = _check(capsys, *output)
    assert (code, found["bad_indices"]) == (1, 1)
    assert json.loads(Path("bad.jsonl").read_text())["place"] == "The last line of train.jsonl"


def test_rows_are_not_written_where_their_videos_are_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards relative names: a file of good rows in another folder would name no video at all."""
    (folder / "sub").mkdir()
    assert main(["data", "check", "train.jsonl", "--write", "sub/good.jsonl"]) == 2
    told = capsys.readouterr().err
    assert "good.jsonl is not beside the annotation files, so its rows would not find their videos" in told
    assert main(["data", "check", "train.jsonl", "--write", "sub/good.jsonl", "--videos", "."]) == 0
    assert Path("sub/good.jsonl").read_bytes() == Path("train.jsonl").read_bytes()
    assert main(["data", "check", "train.jsonl", "--write", "g.jsonl", "-o", "g.jsonl"]) == 2
