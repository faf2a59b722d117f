"""A `svlm caption` that is looked at from outside: its memory, its threads, what it says, how it ends.

Knows nothing of what it watches.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svlm_cli.core.closing import Closing
from svlm_cli.core.process import start
from svlm_cli.core.process_stats import children_of, resident_bytes_of

GROWTH_BYTES = 20_000_000  # allowed from the time when all is warm
WARM_S = 300.0  # of a long run; a third of a short one
END_WITHIN_S = 3.0


@dataclass(slots=True, kw_only=True)
class Health:
    """What was seen of the process."""

    warm_bytes: int = 0  # resident memory when all is warm, and at the end: medians of half a minute
    last_bytes: int = 0
    most_bytes: int = 0
    warm_threads: int = 0
    last_threads: int = 0
    exit_code: int | None = None
    ended_after_s: float = 0.0
    children_left: int = 0

    @property
    def unwell(self) -> list[str]:
        """What is not as it must be, in sentences."""
        found = []
        if self.last_bytes - self.warm_bytes > GROWTH_BYTES:
            found.append(f"memory grew by {(self.last_bytes - self.warm_bytes) / 1e6:.1f} MB")
        if self.last_threads > self.warm_threads:
            found.append(f"{self.last_threads} threads at the end, {self.warm_threads} before")
        if self.exit_code != 128 + signal.SIGTERM or self.ended_after_s > END_WITHIN_S or self.children_left:
            ended = f"it ended with {self.exit_code} after {self.ended_after_s:.1f} s"
            found.append(f"{ended} and left {self.children_left} children")
        return found


class Observed(Closing):
    """`svlm caption` with these arguments, in `folder`. A context manager that ends it."""

    def __init__(self, arguments: Sequence[str], folder: Path, *, minutes: float) -> None:
        self.until_s = minutes * 60
        self._warm_s = min(WARM_S, self.until_s / 3)
        self._memory: list[tuple[float, int]] = []
        self._threads: list[tuple[float, int]] = []
        self._told = folder / "stderr.txt"
        environment = {**os.environ, "SVLM_CONFIG": os.devnull}  # what is measured depends on no one's settings
        with self._told.open("wb") as stderr:
            command = [sys.executable, "-m", "svlm_cli", "caption", *arguments]
            self._process = start(command, cwd=folder, stderr=stderr, environment=environment)
        self._began_s = time.monotonic()

    @property
    def now_s(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began_s

    @property
    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def told(self) -> list[str]:
        """The lines on its standard error."""
        return self._told.read_text(encoding="utf-8").splitlines()

    def look(self, *, steady: bool) -> None:
        """One look at it. While it loses and finds a camera, threads come and go."""
        self._memory.append((self.now_s, resident_bytes_of(self._process.pid)))
        if steady:
            self._threads.append((self.now_s, threads_of(self._process.pid)))

    def stop(self, health: Health) -> None:
        """Stop it, and see what is left afterwards."""
        children = children_of(self._process.pid)
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            health.exit_code = self._process.wait(10 * END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        health.ended_after_s = round(time.monotonic() - began, 2)
        health.children_left = sum(exists(child) for child in children)
        self._conclude(health)

    def _conclude(self, health: Health) -> None:
        memory, threads, warm_s = self._memory, self._threads, self._warm_s
        health.warm_bytes = int(median([size for at, size in memory if warm_s <= at < warm_s + 30]))
        health.last_bytes = int(median([size for at, size in memory if at >= memory[-1][0] - 30]))
        health.most_bytes = max((size for at, size in memory if at >= warm_s), default=0)
        health.warm_threads = max((count for at, count in threads if at < warm_s), default=0)
        health.last_threads = threads[-1][1] if threads else 0

    def close(self) -> None:
        """It is gone, also if nobody stopped it."""
        self._process.kill()
        self._process.wait()


def rounds(folder: Path, name: str, *, newest: int | None = None) -> list[dict[str, Any]]:
    """What a camera's files say so far, all of them or the newest: a line cut off is none yet."""
    paths = sorted(folder.glob(f"{name}-*.jsonl"))[-newest if newest else 0 :]
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines(keepends=True)]
    return [json.loads(line) for line in lines if line.endswith("\n")]


def median(values: Sequence[float]) -> float:
    """The middle one, or the upper of the two; 0 if there is none."""
    return sorted(values)[len(values) // 2] if values else 0.0


def threads_of(pid: int) -> int:
    """How many there are; 0 if the process is gone."""
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return 0


def exists(pid: int) -> bool:
    """Whether there is such a process, if only as a dead one."""
    return Path(f"/proc/{pid}").exists()
