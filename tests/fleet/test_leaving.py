"""Leaving a cluster of our own where Ray does not end what it has started."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from threading import Event
from types import ModuleType
from typing import Any

import psutil
import pytest

from svlm_cli.fleet import ray_cluster
from svlm_cli.fleet.ray_cluster import LOCAL, connected
from svlm_cli.fleet.scratch import SCRATCH
from tests.processes import ends

DAEMON = ("sh", "-c", "sleep 600 & sleep 600")


class Started:
    """What stands in for Ray has started this, in the folder that it got."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.folder = Path()

    def init(self, *, _temp_dir: str, **more: Any) -> None:
        self.folder = Path(_temp_dir)
        self.process = subprocess.Popen(DAEMON, cwd=_temp_dir)

    def below(self) -> list[psutil.Process]:
        assert self.process is not None
        whole = psutil.Process(self.process.pid)
        limit_s = time.monotonic() + 10
        while not (found := whole.children(recursive=True)):
            assert time.monotonic() < limit_s
            time.sleep(0.01)
        return [whole, *found]


@pytest.fixture
def standing_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Started], None]], Started]:
    """Ray, with such a `shutdown`."""

    def stand_in(shutdown: Callable[[Started], None]) -> Started:
        started, ray = Started(), ModuleType("ray")
        monkeypatch.setattr(ray, "init", started.init, raising=False)
        monkeypatch.setattr(ray, "shutdown", lambda: shutdown(started), raising=False)
        monkeypatch.setitem(sys.modules, "ray", ray)
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_worker_niceness", "RAY_USAGE_STATS_ENABLED"):
            monkeypatch.setenv(name, "of the test")
        return started

    return stand_in


def test_what_ray_does_not_end_is_ended(
    standing_in: Callable[[Callable[[Started], None]], Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards a call that has done its work, and never ends."""
    monkeypatch.setattr(ray_cluster, "_LEAVING_S", 0.3)
    waits_for_ever = Event()

    def hang(_: Started) -> None:
        waits_for_ever.wait()

    started = standing_in(hang)
    other = subprocess.Popen(DAEMON)
    try:
        with connected(LOCAL):
            below = started.below()
            assert started.folder.name.startswith(SCRATCH)
        assert len(below) > 1
        assert all(map(ends, below))
        assert not started.folder.exists()
        assert other.poll() is None, "what is not Ray's goes on"
    finally:
        waits_for_ever.set()
        for one in psutil.Process(other.pid).children():
            one.kill()
        other.kill()
        other.wait()
        if started.process is not None:
            started.process.wait()


def test_ray_has_time_to_end_by_itself(standing_in: Callable[[Callable[[Started], None]], Started]) -> None:
    ended = []

    def end(started: Started) -> None:
        for one in reversed(started.below()):
            one.terminate()
        assert started.process is not None
        ended.append(started.process.wait())

    standing_in(end)
    with connected(LOCAL):
        assert ended == []
    assert ended in ([-SIGTERM], [128 + SIGTERM]), "by the signal, or because its child ended by it"
