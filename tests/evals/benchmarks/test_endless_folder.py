"""A benchmark of simulated matches on disk: what is whole stays, and what is of another making is refused."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from svlm_cli.core.errors import InputError, OutputError, OutputExistsError, UsageError
from svlm_cli.evals.benchmarks.endless_folder import EndlessFolder, EndlessSetting, make_benchmark
from svlm_cli.evals.benchmarks.inf_streams import read_clips, read_narrations
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.simulator.match.render import render
from svlm_cli.sources.files import open_frames
from tests.conftest import environment

SETTING = EndlessSetting(seed=7, matches=2, seconds=20, fps=2, start_s=5, split=Split.EVAL)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


def test_the_files_of_two_matches(tmp_path: Path) -> None:
    """Guards the whole: both files are read as the benchmark's own, in order, though processes end in any."""
    told: list[int] = []
    assert make_benchmark(tmp_path, SETTING, overwrite=False, done=told.append) == 0
    assert told == [1, 2]
    assert set(contents(tmp_path)) == {
        "benchmark.json",
        "eval_all_metadata.jsonl",
        "score_all_clips.jsonl",
        *(f"videos/Endless/{seed}.mp4" for seed in (7, 8)),
        *(f"truth/{seed}.events.jsonl" for seed in (7, 8)),
    }
    folder = EndlessFolder(tmp_path)
    assert [one.video for one in read_narrations(folder.metadata)[1]] == ["Endless/7.mp4", "Endless/8.mp4"]
    assert [(one.video, one.fifth) for one in read_clips(folder.clips)[1]] == [("7", 2), ("8", 2)]
    for seed in SETTING.seeds:
        match = Match(seed, Split.EVAL)
        events = [json.loads(line) for line in folder.events(seed).read_text().splitlines()]
        assert [one["time_s"] for one in events] == [one.time_s for one in match.events(0, 20)]
        with open_frames(folder.video(seed), fps=2) as stream:
            frames = np.stack([frame.pixels for frame in stream])
        truth = render(match.scenes(np.arange(40) / 2))
        assert frames.shape == truth.shape
        assert np.abs(frames.astype(int) - truth).mean() < 4


def test_what_is_whole_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards hours of drawing: a match without its log or its video is made again, another is not touched."""
    one_process(monkeypatch)
    make_benchmark(tmp_path, SETTING, overwrite=False)
    before = contents(tmp_path)
    folder = EndlessFolder(tmp_path)
    folder.video(7).write_bytes(b"whole")
    for missing in (folder.events(8), folder.video(8)):
        missing.unlink()
        folder.metadata.unlink()
        assert make_benchmark(tmp_path, SETTING, overwrite=False) == 1
        assert contents(tmp_path) == {**before, "videos/Endless/7.mp4": b"whole"}
    assert make_benchmark(tmp_path, SETTING, overwrite=True) == 0
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("setting", "options"),
    [
        (replace(SETTING, matches=3), "--matches"),
        (replace(SETTING, seconds=21, start_s=6), "--minutes, --start"),
        (replace(SETTING, fps=4, split=Split.TRAIN, seed=8), "--seed, --fps, --split"),
    ],
)
def test_another_setting_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: EndlessSetting, options: str
) -> None:
    """Guards against a benchmark whose matches are not alike."""
    one_process(monkeypatch)
    make_benchmark(tmp_path, replace(SETTING, matches=1), overwrite=False)
    before = contents(tmp_path)
    if setting.matches == SETTING.matches:
        setting = replace(setting, matches=1)
    with pytest.raises(OutputExistsError, match=f"made with other {options}\\. .*--overwrite"):
        make_benchmark(tmp_path, setting, overwrite=False)
    assert contents(tmp_path) == before


def test_a_folder_that_is_none_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the benchmark of real games, which has files of the same names."""
    one_process(monkeypatch)
    folder = EndlessFolder(tmp_path)
    for path in (folder.metadata, folder.clips, folder.video(8), folder.events(7)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kept")
        with pytest.raises(OutputExistsError, match=f"{path.name} exists already"):
            make_benchmark(tmp_path, SETTING, overwrite=False)
        assert contents(tmp_path) == {path.relative_to(tmp_path).as_posix(): b"kept"}
        path.unlink()
    for text in ("{", "[]"):
        folder.setting.write_text(text)
        with pytest.raises((InputError, OutputExistsError), match="--overwrite"):
            make_benchmark(tmp_path, SETTING, overwrite=False)


def test_nothing_to_comment_on() -> None:
    with pytest.raises(UsageError, match="Nothing of a match of 20 s is left from 20 s on"):
        replace(SETTING, start_s=20)


def test_an_error_in_a_process_ends_them_all(tmp_path: Path) -> None:
    """Guards against minutes of drawing after the sentence that says why it is in vain, and against halves of files."""
    setting = replace(SETTING, matches=3, seconds=600)
    folder = EndlessFolder(tmp_path)
    folder.video(8).mkdir(parents=True)
    with pytest.raises(OutputError, match=r"8\.mp4 is a folder"):
        make_benchmark(tmp_path, setting, overwrite=True)
    folder.setting.write_text(json.dumps(asdict(setting)))
    started = time.monotonic()
    with pytest.raises(OutputError, match=r"8\.mp4 is a folder"):
        make_benchmark(tmp_path, setting, overwrite=False)
    assert time.monotonic() - started < 60
    assert multiprocessing.active_children() == []
    assert not [*tmp_path.rglob("*.part")]


@pytest.mark.extra
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_stopped_call_goes_on_where_it_was(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """Guards an hour of drawing: what was whole stays, and the end is that of a call that nobody stopped."""
    folder = EndlessFolder(tmp_path / "stopped")
    call = [sys.executable, "-m", "svlm_cli", "simulate", "--matches", "4", "--minutes", "3", "--seed", "7"]
    call += ["--benchmark", str(folder.root), "-q"]
    process = subprocess.Popen(call, env=environment())
    deadline = time.monotonic() + 100
    while not any(map(folder.is_whole, range(7, 11))):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(60) == code
    kept = {
        path: path.stat().st_mtime_ns for seed in range(7, 11) if folder.is_whole(seed) for path in folder.files(seed)
    }
    assert 2 <= len(kept) < 8
    assert subprocess.run(call, env=environment(), check=False).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    whole = tmp_path / "whole"
    make_benchmark(whole, EndlessSetting(7, 4, 180, 2, 0, Split.EVAL), overwrite=False)
    assert contents(folder.root) == contents(whole)
