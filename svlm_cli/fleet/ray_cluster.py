"""The Ray cluster of a call: one of our own on this host, or an existing one. Knows no workers."""

import atexit
import contextlib
import importlib.util
import io
import logging
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.core.process_stats import children_of
from svlm_cli.fleet.scratch import scratch
from svlm_cli.fleet.shares import Node

LOCAL: Final = "local"
_STORE_BYTES: Final = 100 << 20  # messages are small, and contain no frames
_LONGEST_FOLDER: Final = 24  # Ray creates sockets deep below it, and their paths are limited to 107 bytes
_REACH_S: Final = 5.0
_LEAVING_S: Final = 30.0
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
    with scratch(_short_folder()) if address == LOCAL else contextlib.nullcontext() as folder:
        others = set(children_of(os.getpid()))
        try:
            with _our_signals():
                _connect(address, folder)
            with contextlib.redirect_stdout(_OursAlone(sys.stdout)):
                yield
        finally:
            _leave(set(children_of(os.getpid())) - others if address == LOCAL else set())


def _leave(daemons: Collection[int]) -> None:
    """Leave the cluster. Ray ends the `daemons` of one of our own; if it takes too long, they are killed."""
    import ray

    leaving = threading.Thread(target=ray.shutdown, name="svlm-leaving", daemon=True)
    leaving.start()
    leaving.join(_LEAVING_S)
    if leaving.is_alive():
        atexit.unregister(ray.shutdown)  # it would wait there again
        _kill(set(daemons) & set(children_of(os.getpid())))


def _kill(processes: Iterable[int]) -> None:
    """End them, and all that is below them."""
    for process in processes:
        below = children_of(process)  # before others adopt them
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)
        _kill(below)


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


def _short_folder() -> Path:
    """The folder for that of Ray's sockets and logs."""
    above = Path(tempfile.gettempdir())
    return above if len(os.fsencode(above)) <= _LONGEST_FOLDER else Path("/tmp")
