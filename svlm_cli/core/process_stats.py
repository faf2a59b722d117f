"""A process's age, CPU time, memory and children, from /proc. Linux only."""

import os
import resource
import time
from contextlib import suppress
from pathlib import Path


def age_s(pid: int) -> float:
    """How long the process has existed, to about 10 ms. `OSError` if it is gone, or this is not Linux."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    started_s = int(after_name[19]) / os.sysconf("SC_CLK_TCK")  # proc(5): field 22, counted from 1
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s


def cpu_s(pid: int) -> float:
    """The CPU time of all its threads; 0 if it is gone, or this is not Linux."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")  # fields 14 and 15


def resident_bytes_of(pid: int) -> int:
    """Resident memory; 0 if it is gone, or this is not Linux."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def children_of(pid: int) -> list[int]:
    """The existing processes that any of its threads started."""
    found: list[int] = []
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, path.read_text().split())
    return found
