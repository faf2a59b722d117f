"""Calls with real Ray, and clusters on this host: started, watched, and killed."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from tests.conftest import ROOT, environment

PATIENCE_S = 120.0  # until something begins: a cluster, a model, on a machine that is busy
ACTOR = "ray::FleetActor"
RAY = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "0" * 64,
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # else a busy machine all but stops its workers
}


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
        return [one for one in found if (command_of(one) or " ").startswith(name)]

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


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def calling(
    folder: Path, *more: str, command: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> Iterator[Call]:
    """The call, in a fleet; or another `command`. Nothing that it has started outlives it for long."""
    process = subprocess.Popen(
        command or call(*more),
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


@contextmanager
def cluster(
    folder: Path, address: str, hosts: int, *, cwd: Path, env: Mapping[str, str]
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Ray on so many hosts of one core each, all of them this one; the first is the head. Its files are in `folder`."""
    port = address.rpartition(":")[2]
    head = ("--head", "--port", port, "--include-dashboard", "false", "--temp-dir", str(folder))
    with ExitStack() as stack:
        started = []
        for index in range(hosts):
            role = head if index == 0 else ("--address", address)
            command = [Path(sys.executable).with_name("ray"), "start", *role, "--num-cpus", "1", "--block"]
            process = subprocess.Popen(
                [*command, "--object-store-memory", "80000000"],
                cwd=cwd,
                env=environment(PYTHONUNBUFFERED="1", **RAY, **env),
                stdout=subprocess.PIPE if index == 0 else subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(kill_all, process)
            started.append(process)
            if index == 0:
                wait_for(process)
        yield started


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """A host with all that runs there, at once."""
    with suppress(psutil.NoSuchProcess):
        whole = psutil.Process(process.pid)
        for one in (*whole.children(recursive=True), whole):
            with suppress(psutil.NoSuchProcess):
                one.kill()
    process.communicate()


def wait_for(head: "subprocess.Popen[bytes]") -> None:
    """Until the head is in its cluster: else the driver may belong to another host, and die with that."""
    assert head.stdout is not None
    for line in head.stdout:
        if b"Ray runtime started" in line:
            return
    raise AssertionError("Ray does not start")
