"""Cameras on a real Ray cluster of two hosts, both of them this one: a worker, a host and the call itself are killed.

The camera server writes down who watches what, so that nobody ever watches twice is seen from outside.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from svlm_cli.fleet.cameras.leases import LEASE_S
from tests.clips import run_ffmpeg
from tests.conftest import ROOT, environment
from tests.fleet.calls import RAY, cluster, command_of, kill_all, short_folder
from tests.servers.rtsp import RtspServer, free_port, require_rtsp_server

pytestmark = [pytest.mark.extra, pytest.mark.timeout(500)]

HOSTS, CAMERAS = 2, 6
ACTOR = "ray::CameraActor"
PATIENCE_S = 120.0
AGAIN_S = 20.0 + 60.0  # what is promised, and the time of a busy machine


class Watching:
    """A call that watches all cameras of a server, in its folder."""

    def __init__(self, server: RtspServer, address: str, folder: Path) -> None:
        names = [word for index in range(CAMERAS) for word in ("--name", f"cam{index}")]
        outputs = ("--output-dir", "out", "-f", "srt,jsonl", "--progress", "none")
        context = ("--context", f"@{ROOT / 'docs/assets/match.context.txt'}")
        self._command = [sys.executable, "-m", "svlm_cli", "caption", *server.urls, *names]
        self._command += ["--fleet", address, *outputs, *context]
        self._folder = folder
        self.begin()

    def begin(self) -> None:
        """The same call, again."""
        with (self._folder / "stderr.txt").open("a") as stderr:
            self.process = subprocess.Popen(
                self._command, cwd=self._folder, env=environment(**RAY), stdout=subprocess.DEVNULL, stderr=stderr
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def err(self) -> str:
        return (self._folder / "stderr.txt").read_text()

    def rounds(self) -> dict[str, list[dict[str, float]]]:
        """All rounds of each camera that has any."""
        found = {}
        for path in (self._folder / "out").glob("*.jsonl"):
            found[path.name.partition("-")[0]] = [json.loads(line) for line in path.read_text().splitlines()]
        return found

    def speak_after(self, since_s: float) -> bool:
        """Whether each camera has words, or a silent round, of a later time."""
        rounds = self.rounds().values()
        return len(rounds) == CAMERAS and all(one and one[-1]["wall_clock_s"] > since_s for one in rounds)

    def wait_until(self, true: Callable[[], object], patience_s: float = PATIENCE_S) -> float:
        """Returns how long it took."""
        begun_s = time.monotonic()
        while not true():
            assert time.monotonic() - begun_s < patience_s, self.err
            assert self.process.poll() is None, self.err
            time.sleep(0.1)
        return time.monotonic() - begun_s


@contextmanager
def watched(folder: Path) -> Iterator[tuple[Watching, list["subprocess.Popen[bytes]"], Path]]:
    """The call, the hosts, and the log of the server."""
    pictures, log = folder / "pictures", folder / "server.log"
    pictures.mkdir()
    match = ROOT / "docs/assets/match.mp4"
    run_ffmpeg("-i", match, "-t", "10", "-vf", "fps=4,scale=320:-2", "-start_number", "0", pictures / "%05d.jpg")
    address = f"127.0.0.1:{free_port()}"
    with (
        short_folder() as scratch,
        RtspServer(pictures, fps=4, cameras=CAMERAS, log=log) as server,
        cluster(scratch, address, HOSTS, cwd=folder, env={}) as hosts,
    ):
        call = Watching(server, address, folder)
        try:
            yield call, hosts, log
        finally:
            call.kill()


def workers_of(hosts: list["subprocess.Popen[bytes]"]) -> list[psutil.Process]:
    found = []
    for host in hosts:
        if host.returncode is None:
            below = psutil.Process(host.pid).children(recursive=True)
            found += [one for one in below if command_of(one).startswith(ACTOR)]
    return found


def watchers(log: Path) -> dict[str, set[str]]:
    """Who watches what now. Fails if two have watched the same at the same time."""
    now: dict[str, set[str]] = {}
    for line in log.read_text().splitlines():
        _, what, path, client = line.split()
        clients = now.setdefault(path, set())
        if what == "begun":
            clients.add(client)
            assert len(clients) == 1, f"watched twice: {line}"
        else:
            clients.discard(client)
    return {path: clients for path, clients in now.items() if clients}


def test_whoever_is_killed_all_cameras_speak_again(tmp_path: Path) -> None:
    require_rtsp_server()
    with watched(tmp_path) as (call, hosts, log):
        call.wait_until(lambda: call.speak_after(0.0))
        call.wait_until(lambda: len(workers_of(hosts)) == HOSTS)

        workers_of(hosts)[0].kill()
        killed_s = time.time()
        call.wait_until(lambda: call.speak_after(killed_s), AGAIN_S)

        kill_all(hosts[1])
        killed_s = time.time()
        call.wait_until(lambda: call.speak_after(killed_s), AGAIN_S)

        call.kill()
        killed_s = time.time()
        call.begin()
        call.wait_until(lambda: call.speak_after(killed_s), AGAIN_S)

        call.kill()
        gone_s = time.monotonic()
        while watchers(log):
            assert time.monotonic() - gone_s < LEASE_S + AGAIN_S, "nobody watches for nobody"
            time.sleep(0.1)
        killed_s = time.time()
        call.begin()
        call.wait_until(lambda: call.speak_after(killed_s), PATIENCE_S)

        call.process.send_signal(signal.SIGINT)
        assert call.process.wait(PATIENCE_S) == 130
        gone_s = time.monotonic()
        while workers_of(hosts) or watchers(log):
            assert time.monotonic() - gone_s < PATIENCE_S
            time.sleep(0.1)
    _check_files(call, tmp_path)


def _check_files(call: Watching, folder: Path) -> None:
    """Each camera has one file of each kind, whose times go on, with a gap where nobody watched."""
    names = sorted(path.name for path in (folder / "out").iterdir() if not path.name.startswith("."))
    assert len(names) == 2 * CAMERAS, names
    for name, rounds in call.rounds().items():
        starts = [one["start"] for one in rounds]
        assert starts == sorted(starts), name
        assert max(one.get("gap_s", 0.0) for one in rounds) > LEASE_S / 2, name
        for earlier, later in pairwise(rounds):
            assert later["start"] - earlier["end"] <= later.get("gap_s", 0.0) + 0.6, name
    assert not [*(folder / "out").glob(".svlm-fleet-*")]
    assert "another goes on with it" in call.err or "others go on with them" in call.err
    assert "Traceback" not in call.err
