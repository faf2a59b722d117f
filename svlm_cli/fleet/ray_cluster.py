"""The Ray cluster of a call: one of our own on this host, or an existing one. Knows no workers."""

import contextlib
import fcntl
import importlib.util
import io
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.fleet.shares import Node

LOCAL: Final = "local"
_STORE_BYTES: Final = 100 << 20  # messages are small, and contain no frames
SCRATCH: Final = "svlm-fleet-"
_LONGEST_FOLDER: Final = 24  # Ray creates sockets deep below it, and their paths are limited to 107 bytes
_REACH_S: Final = 5.0
_HANDLED: Final = (signal.SIGINT, signal.SIGTERM)


def require_ray() -> None:
    """`UsageError` if Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--fleet needs Ray.", "Install svlm-cli[fleet].")


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect to the cluster at `address`, or for `LOCAL` to one on this host, which is removed afterwards.

    Raises `SvlmError` if no cluster answers.
    """
    _settle(address)
    import ray

    with _scratch() if address == LOCAL else contextlib.nullcontext() as folder:
        try:
            with _our_signals():
                _connect(address, folder)
            with contextlib.redirect_stdout(_OursAlone(sys.stdout)):
                yield
        finally:
            ray.shutdown()


def nodes() -> list[Node]:
    """The hosts that are in the cluster at present."""
    import ray

    found = []
    for node in ray.nodes():
        has = node["Resources"]
        if node["Alive"]:
            gpus, cores, memory = (int(has.get(name, 0)) for name in ("GPU", "CPU", "memory"))
            address, port = node["NodeManagerAddress"], node["NodeManagerPort"]
            found.append(Node(node["NodeID"], gpus, cores, memory, address, port))
    return found


def answers(node: Node) -> bool:
    """Whether a host can be reached. Ray notices a dead host only after 15 seconds."""
    try:
        socket.create_connection((node.address, node.port), timeout=_REACH_S).close()
    except OSError:
        return False
    return True


def _settle(address: str) -> None:
    """Set Ray's environment variables, except those that the user has set."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # send no statistics
    if address == LOCAL:
        os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's default of 15 almost stops workers on a busy host
        # its ports can be reached from other hosts
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _connect(address: str, folder: Path | None) -> None:
    import ray

    quietly: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if folder is not None:
        ray.init(
            address=LOCAL,
            num_cpus=len(os.sched_getaffinity(0)),
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            _temp_dir=str(folder),
            **quietly,
        )
        return
    try:
        ray.init(address=address, **quietly)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SvlmError(
            f"No Ray cluster answers at {address}.",
            "Check the address, that this host has joined it (`ray status`), and its token (RAY_AUTH_MODE).",
        ) from error


class _OursAlone(io.TextIOBase):
    """Standard output for the main thread only: a thread of Ray prints there what happens to workers."""

    def __init__(self, whole: TextIO) -> None:
        self._whole = whole

    def write(self, text: str) -> int:
        return self._whole.write(text) if threading.current_thread() is threading.main_thread() else len(text)

    def flush(self) -> None:
        self._whole.flush()

    def fileno(self) -> int:
        return self._whole.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._whole.encoding


@contextmanager
def _our_signals() -> Iterator[None]:
    """Restore our signal handlers: Ray replaces that of SIGTERM when it starts, and files would not be finished."""
    before = {number: signal.getsignal(number) for number in _HANDLED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for Ray's sockets and logs, removed at the end. Also removes the folders of runs that were killed.

    A run holds a lock on its folder.
    """
    above = Path(tempfile.gettempdir())
    if len(os.fsencode(above)) > _LONGEST_FOLDER:
        above = Path("/tmp")
    for folder in above.glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError), _locked(folder):
            shutil.rmtree(folder)
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=above))
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder. Raises `OSError` if another process holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
