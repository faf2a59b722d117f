"""``svlm caption --fleet`` with real Ray, on this host, without GPUs: whoever is killed, every file is whole, once.

The clips are of a simulated match, and svlm-mini speaks. A run alone is what all others are held to, byte for byte.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from svlm_cli.fleet.ray_cluster import SCRATCH
from tests.clips import CLIP_MAKER, run_ffmpeg
from tests.conftest import ROOT, environment
from tests.processes import ends

pytestmark = [pytest.mark.extra, pytest.mark.timeout(400)]

CLIPS = 7
PATIENCE_S = 120.0  # until something begins: a cluster, a model, on a machine that is busy
ACTOR = "ray::FleetActor"
RAY = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64, "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips, the longest last, one of which is none; and what a run alone wrote. Not to be changed."""
    folder = tmp_path_factory.mktemp("alone")
    season = folder / "season"
    season.mkdir()
    for index in range(CLIPS):
        span = ("-ss", str(2 * index), "-t", str(6 + 2 * index))
        run_ffmpeg(*span, "-i", ROOT / "docs/assets/match.mp4", "-an", season / f"clip{index}.mp4")
    (season / "none.mp4").write_text("no video")
    done = subprocess.run(call(), cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert len(words(folder)) == 2 * CLIPS
    assert any(b"\n" in text for text in words(folder).values())
    (folder / "summary.json").write_text(done.stdout)
    return folder


@pytest.fixture
def here(alone: Path, tmp_path: Path) -> Path:
    """The same clips, and no words."""
    shutil.copytree(alone / "season", tmp_path / "season", ignore=shutil.ignore_patterns("*.srt", "*.txt"))
    return tmp_path


def call(*more: str) -> list[str]:
    command = [sys.executable, "-m", "svlm_cli", "caption", "season", "-f", "srt,txt", "--progress", "none"]
    return [*command, "--context", f"@{ROOT / 'docs/assets/match.context.txt'}", "--summary", "json", *more]


def words(folder: Path) -> dict[str, bytes]:
    """What was said of each video."""
    return {path.name: path.read_bytes() for path in (folder / "season").iterdir() if path.suffix in (".srt", ".txt")}


def states(summary: str) -> dict[str, str]:
    """What became of each video; nothing else was printed."""
    document: dict[str, Any] = json.loads(summary)
    return {one["source"]: one["state"] for one in document["videos"]}


def left_over(folder: Path) -> list[str]:
    known = (".mp4", ".srt", ".txt")
    return sorted(path.name for path in (folder / "season").iterdir() if path.suffix not in known)


class Call:
    """A call that runs."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.seen: dict[int, psutil.Process] = {}  # all processes below it that were seen

    def below(self, name: str = "") -> list[psutil.Process]:
        """The processes that it has started, and those of these; whose command line begins so."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        self.seen |= {one.pid: one for one in found}
        return [one for one in found if (_command(one) or " ").startswith(name)]

    def wait_until(self, true: Callable[[], object]) -> None:
        limit_s = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > limit_s:
                self.process.terminate()
                raise AssertionError(f"it takes too long: {self.end()}")
            assert self.process.poll() is None, self.end()
            time.sleep(0.05)

    def first_words(self) -> None:
        """Wait until the first file is whole, and others are open."""
        self.wait_until(lambda: words(self.folder) and [*self.folder.glob("season/*.part")])

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def calling(folder: Path, *more: str, env: Mapping[str, str] | None = None) -> Iterator[Call]:
    """The call, in a fleet. Nothing that it has started outlives it for long."""
    process = subprocess.Popen(
        call(*more),
        cwd=folder,
        env=environment(**(env or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Call(process, folder)
    try:
        yield running
    finally:
        process.kill()
        process.communicate()


@contextmanager
def short_folder() -> Iterator[Path]:
    """Ray puts sockets into it, whose names may not be long."""
    with TemporaryDirectory(dir="/tmp", prefix="f") as folder:
        yield Path(folder)


def held_to(alone: Path, folder: Path, *, but: Sequence[str] = ()) -> None:
    """Every file once, whole, and the same."""
    expected = {name: text for name, text in words(alone).items() if Path(name).stem not in but}
    assert words(folder) == expected


def test_a_worker_is_killed(alone: Path, here: Path) -> None:
    with calling(here, "--fleet", "local") as running:
        running.first_words()
        running.below(ACTOR)[0].kill()
        running.below()
        code, out, err = running.end()
    assert code == 1
    held_to(alone, here)
    assert states(out) == states((alone / "summary.json").read_text())
    assert "its worker ended (its process died); another goes on with it." in err
    assert err.count("none.mp4 is not a video that ffmpeg knows") == 1, "once, however often it was tried"
    assert [line for line in err.splitlines() if not line.startswith("svlm: ") and " -> " not in line] == []
    assert [one for one in running.seen.values() if not ends(one)] == []
    assert len(left_over(here)) == 1, "the manifest, which knows what failed"
    again = subprocess.run(
        call("--fleet", "local"), cwd=here, env=environment(), capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    wanted = {name: "failed" if "none" in name else "skipped" for name in states(out)}
    assert states(again.stdout) == wanted, "the same call does what failed"
    held_to(alone, here)


def test_the_driver_is_killed_and_called_again(alone: Path, here: Path) -> None:
    with calling(here, "--fleet", "local") as running:
        running.first_words()
        workers = [*running.below(ACTOR), *(one for one in running.below() if "ffmpeg" in _command(one))]
        running.process.kill()
        before = {path: path.stat().st_mtime_ns for path in here.glob("season/*.srt")}
        with calling(here, "--fleet", "local") as second:  # at once, while the first one's workers still end
            code, out, err = second.end()
        assert [one for one in workers if not ends(one)] == []
    assert code == 1, err
    held_to(alone, here)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what is done is not done again"
    assert sorted(set(states(out).values())) == ["done", "failed", "skipped"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    """Two workers, each within a long video."""
    (tmp_path / "season").mkdir()
    for name in ("one", "two"):
        looped = ("-stream_loop", "9", "-i", ROOT / "docs/assets/match.mp4", "-an", "-c", "copy")
        run_ffmpeg(*looped, tmp_path / "season" / f"{name}.mp4")
    with short_folder() as scratch, calling(tmp_path, "--fleet", "local", env={"TMPDIR": str(scratch)}) as running:
        parts = [tmp_path / "season" / f"{name}.srt.part" for name in ("one", "two")]
        running.wait_until(lambda: all(path.exists() and path.stat().st_size for path in parts))
        running.below()
        assert [path.name.startswith(SCRATCH) for path in scratch.iterdir()] == [True]
        running.process.send_signal(number)
        ended, out, err = running.end()
        assert [*scratch.iterdir()] == []
    assert ended == code, err
    assert set(states(out).values()) == {"stopped"}
    assert err.count(" was stopped; what was said of it so far is in season/") == 2
    assert [one for one in running.seen.values() if not ends(one)] == []
    assert words(tmp_path) == {}
    assert all(path.read_text().startswith("1\n") for path in parts)


def test_a_poisoned_file_is_put_aside(alone: Path, here: Path) -> None:
    """Its ffmpeg kills whoever has started it: the worker, again and again."""
    (here / "bin").mkdir()
    program = here / "bin" / "ffmpeg"
    program.write_text(f'#!/bin/sh\ncase "$*" in *clip3*) kill -KILL $PPID ;; esac\nexec "{CLIP_MAKER.path}" "$@"\n')
    program.chmod(0o755)
    (here / "season" / "none.mp4").unlink()
    with calling(here, "--fleet", "local", env={"PATH": f"{program.parent}:{os.environ['PATH']}"}) as running:
        code, out, err = running.end()
    assert code == 1, err
    held_to(alone, here, but=["clip3"])
    assert {name for name, state in states(out).items() if state == "failed"} == {"season/clip3.mp4"}
    assert "season/clip3.mp4 is given up: 3 workers ended while they had it." in err
    assert err.count("its worker ended") == 2, "and took nobody with it"


@contextmanager
def cluster(folder: Path, address: str, hosts: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Ray on so many hosts of one core each, all of them this one; the first is the head."""
    port = address.rpartition(":")[2]
    head = ("--head", "--port", port, "--include-dashboard", "false", "--temp-dir", str(folder))
    with ExitStack() as stack:
        started = []
        for index in range(hosts):
            role = head if index == 0 else ("--address", address)
            command = [Path(sys.executable).with_name("ray"), "start", *role, "--num-cpus", "1", "--block"]
            process = subprocess.Popen(
                [*command, "--object-store-memory", "80000000"],
                env=environment(**RAY),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(kill_all, process)
            started.append(process)
            if index == 0:
                wait_for(address)
        yield started


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """A host with all that runs there, at once."""
    with suppress(psutil.NoSuchProcess):
        whole = psutil.Process(process.pid)
        for one in (*whole.children(recursive=True), whole):
            with suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait()


def wait_for(address: str) -> None:
    host, _, port = address.rpartition(":")
    limit_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < limit_s:
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("Ray does not start")


def test_a_host_is_killed(alone: Path, here: Path) -> None:
    """Two hosts; the one that does not run the driver dies with all that it has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (
        short_folder() as scratch,
        cluster(scratch / "r", address, 2) as (_, second),
        calling(here, "--fleet", address, env=RAY) as running,
    ):
        hands = psutil.Process(second.pid)
        running.wait_until(lambda: [one for one in hands.children(recursive=True) if "ffmpeg" in _command(one)])
        kill_all(second)
        code, out, err = running.end()
    assert code == 1, err
    held_to(alone, here)
    assert states(out) == states((alone / "summary.json").read_text())
    assert "its worker ended" in err
