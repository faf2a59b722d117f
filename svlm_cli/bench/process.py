"""What the system says of another process: its memory, its threads, the processes that it started. Linux alone."""

import resource
from contextlib import suppress
from pathlib import Path


def resident_bytes_of(pid: int) -> int:
    """Resident memory; 0 if the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def threads_of(pid: int) -> int:
    """How many there are; 0 if the process is gone."""
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return 0


def children_of(pid: int) -> list[int]:
    """The processes that any of its threads started and that still exist."""
    found: list[int] = []
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, path.read_text().split())
    return found


def exists(pid: int) -> bool:
    """Whether there is such a process, if only as a dead one."""
    return Path(f"/proc/{pid}").exists()
