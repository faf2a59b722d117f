"""``python -m tests.curation.scale``: a million rows through `svlm data windows` and `svlm data check`.

Words are made up and written as they are made; the videos are a few tiny files, which many rows name. Says rows a
second and the most memory that either command took, and fails if that is more than it may be.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import psutil

from svlm_cli.curation.words_file import words_line
from tests.conftest import ROOT
from tests.curation.speech import spoken, tiny_video

_VIDEO_S = 2400  # 199 windows
_WINDOWS = 199
_FILES = 4  # real videos
_MOST_MB = 300  # of one process


@dataclass(frozen=True, slots=True)
class Measured:
    """One command."""

    told: dict[str, Any]
    wall_s: float
    cpu_s: float  # of all of its processes
    most_mb: float  # of its largest process


def make_words(folder: Path, rows: int) -> Path:
    """A words file of that many windows, 199 a line, and its videos. No two lines say the same."""
    rng = random.Random(0)
    words = [f"w{number}" for number in range(20_000)]
    forms = []
    for number in range(_FILES):
        film = tiny_video(folder / f"film-{number}.mp4", _VIDEO_S, rate=1)
        forms.append(re.split(r"\bw\d+\b", words_line(spoken(film, _VIDEO_S, seed=number), folder)))
    with (folder / "words.jsonl").open("w", encoding="utf-8") as file:
        for number in range(-(-rows // _WINDOWS)):
            form = forms[number % _FILES]
            said = rng.choices(words, k=len(form) - 1)
            file.write("".join(chain.from_iterable(zip(form, [*said, ""], strict=True))))
    return folder / "words.jsonl"


def measure(*arguments: str | Path) -> Measured:
    """A command from start to end, its memory looked at twenty times a second."""
    call = [sys.executable, "-m", "svlm_cli", *map(str, arguments), "--json", "-q"]
    begun_s, before, most = time.monotonic(), os.times(), [0]
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, most, over))
        watcher.start()
        out, _ = process.communicate()
        over.set()
        watcher.join()
    assert process.returncode == 0, out
    wall_s, after = time.monotonic() - begun_s, os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(json.loads(out), wall_s, cpu_s, most[0] / 1e6)


def _watch(pid: int, most: list[int], over: threading.Event) -> None:
    while not over.wait(0.05):
        with suppress(psutil.Error):
            one = psutil.Process(pid)
            for process in (one, *one.children(recursive=True)):
                with suppress(psutil.Error):
                    most[0] = max(most[0], process.memory_info().rss)


def run(rows: int, folder: Path, *, previous_words: int) -> tuple[Measured, Measured]:
    """Both commands over that many rows, in a folder that is empty."""
    words = make_words(folder, rows)
    train = folder / "train.jsonl"
    windows = measure("data", "windows", words, "-o", train, "--index", "--previous-words", str(previous_words))
    assert windows.told["windows"] >= rows
    check = measure("data", "check", train, "-o", folder / "bad.jsonl")
    assert check.told["rows"] == windows.told["kept"] >= 0.99 * rows
    assert check.told["bad_rows"] == check.told["bad_indices"] == 0
    for one in (windows, check):
        assert one.most_mb < _MOST_MB, one
    return windows, check


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and prints a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--previous-words", type=int, default=1024)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        windows, check = run(asked.rows, Path(folder), previous_words=asked.previous_words)
    kept = windows.told["kept"]
    rates = (("windows", kept / windows.wall_s, windows), ("check", check.told["rows_per_second"], check))
    for name, rate, one in rates:
        took = f"{one.wall_s:.0f} s, of processors {one.cpu_s:.0f} s, {one.most_mb:.0f} MB"
        print(f"{name}: {kept} rows, {rate:.0f} a second, {took}")  # noqa: T201
    print(f"check: {check.told['videos_opened']} videos in {check.told['videos_s']:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
