"""Twenty videos on two hosts of a cluster, which both are this one, and all that can happen to them on the way."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.clips import CLIP_MAKER, run_ffmpeg
from tests.conftest import ROOT, environment
from tests.fleet.calls import (
    ACTOR,
    RAY,
    Call,
    call,
    calling,
    cluster,
    command_of,
    held_to,
    kill_all,
    left_over,
    short_folder,
    states,
    words,
)
from tests.processes import ends

pytestmark = [pytest.mark.extra, pytest.mark.timeout(600)]

VIDEOS = 20
ROOM_BYTES = 16  # on the full disk: less than a cue
POISON = "clip00"  # the longest, so that it comes first
PROGRAM = f"""#!/bin/sh
case "$*" in *{POISON}*) kill -KILL $PPID ;; esac
sleep 0.5  # a slow disk: there must be time to kill somebody
exec "{CLIP_MAKER.path}" "$@"
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the videos, and what a run alone wrote. Not to be changed."""
    folder = tmp_path_factory.mktemp("alone")
    season = folder / "season"
    season.mkdir()
    for index in range(VIDEOS):
        span = ("-ss", str(index), "-t", str(9 if index == 0 else 4 + index % 3))
        run_ffmpeg(*span, "-i", ROOT / "docs/assets/match.mp4", "-an", season / f"clip{index:02}.mp4")
    done = subprocess.run(call(), cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(words(folder)) == 2 * VIDEOS
    (folder / "summary.json").write_text(done.stdout)
    return folder


@pytest.fixture
def here(alone: Path, tmp_path: Path) -> Path:
    """The same videos without words, and a slow ffmpeg, which kills whoever opens the poisoned one."""
    shutil.copytree(alone / "season", tmp_path / "season", ignore=shutil.ignore_patterns("*.srt", "*.txt"))
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return tmp_path


def at(folder: Path) -> list[psutil.Process]:
    """The processes that run in a folder, whoever has started or adopted them."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def below(host: "subprocess.Popen[bytes]", what: str) -> list[psutil.Process]:
    """The processes of a host that have this in their command line."""
    return [one for one in psutil.Process(host.pid).children(recursive=True) if what in command_of(one)]


def fill_disk(host: "subprocess.Popen[bytes]") -> None:
    """Nothing that its workers write has room."""
    for worker in below(host, ACTOR):
        with suppress(psutil.Error):
            worker.rlimit(psutil.RLIMIT_FSIZE, (ROOM_BYTES, psutil.RLIM_INFINITY))


def told(folder: Path, state: str, reason: str = "") -> Iterator[str]:
    """The videos of which the manifest says so."""
    for manifest in folder.glob("season/.svlm-fleet-*.jsonl"):
        for line in manifest.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                row = json.loads(line)
                if row["state"] == state and reason in row.get("reason", ""):
                    yield row["file"]


def srt_time(video: Path) -> int:
    """When its words were written."""
    return video.with_suffix(".srt").stat().st_mtime_ns


def survive(first: Call, second_host: "subprocess.Popen[bytes]") -> None:
    """A full disk, then a killed worker, then a killed host; then the driver itself is killed."""
    here = first.folder

    def is_full() -> bool:
        fill_disk(second_host)
        return any(told(here, "failed", "There is no room left on the disk"))

    first.wait_until(is_full)
    for worker in below(second_host, ACTOR):
        worker.kill()
    first.wait_until(lambda: below(second_host, "ffmpeg"))  # the next one, for which the disk has room
    kill_all(second_host)
    first.wait_until(lambda: any(told(here, "failed", "its host is gone")))
    done = len({*told(here, "done")})
    first.wait_until(lambda: len({*told(here, "done")}) > done and [*here.glob("season/*.part")])
    assert len({*told(here, "done")}) < VIDEOS - 1, "there is something left to do"
    first.process.kill()


def test_each_video_is_captioned_once_whatever_happens(alone: Path, here: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with short_folder() as scratch:
        env = {"PATH": f"{here / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(scratch)}
        with cluster(scratch / "r", address, 2, cwd=here, env=env) as (_, second_host):
            with calling(here, "--fleet", address, env={**RAY, **env}) as first:
                survive(first, second_host)
            written = {path: srt_time(path) for path in map(Path, told(here, "done"))}
            with calling(here, "--fleet", address, env={**RAY, **env}) as again:
                code, out, err = again.end()
            busy = [one for one in at(here) if ACTOR in command_of(one) or "ffmpeg" in command_of(one)]
            assert [command_of(one) for one in busy if not ends(one)] == []
        assert [command_of(one) for one in at(here) if not ends(one)] == [], "and with them all ports are free"
        assert [path.name for path in scratch.iterdir()] == ["r"], "what is Ray's own"
        with socket.socket() as again_free:
            again_free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as of a connection that has just ended
            again_free.bind(("127.0.0.1", int(address.rpartition(":")[2])))
    assert code == 1, err
    held_to(alone, here, but=[POISON])
    assert {path: srt_time(path) for path in written} == written, "what is done is not done again"
    found = states(out)
    assert {name for name, state in found.items() if state == "failed"} == {f"season/{POISON}.mp4"}
    expected = states((alone / "summary.json").read_text())
    assert found.keys() == expected.keys()
    assert [name for name, state in found.items() if state not in ("skipped", "failed", expected[name])] == []
    assert sum(state == "skipped" for state in found.values()) >= len(written), "these had been done"
    assert len(left_over(here)) == 1, "the manifest, which knows what failed"
