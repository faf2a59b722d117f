"""Starts programs such as ffmpeg. None outlives svlm, receives the terminal's Ctrl-C, or gets a password.

All run in one process group with a keeper, a shell that waits for the end of a pipe. The pipe ends when svlm ends, for
whatever reason, and the keeper then kills the group. A program joins the group before it closes its copy of the pipe,
so even one that is just starting is killed. A parent-death signal (prctl) would not work: it is sent when the thread
that started the program ends. A forked svlm disowns the programs, which belong to its parent. Does not know what the
programs do.
"""

import io
import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO
from weakref import WeakSet

from svlm_cli.core.owned import Owned

SECRETS = ("SVLM_USER", "SVLM_PASSWORD", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OPENAI_API_KEY", "RAY_AUTH_TOKEN")
"""Environment variables that are withheld from other programs, because their input might make them leak."""

_KEEPER = ("sh", "-c", 'trap "" HUP INT QUIT TERM; read -r _; kill -KILL 0')
_REMOVER = ("sh", "-c", 'trap "" HUP INT QUIT TERM; read -r _; rm -rf -- "$1"', "sh")
_KEEPER_END_S = 1.0
_LAST = 10  # niceness; the maximum is 19

Stream = int | IO[bytes] | None
"""What `subprocess` takes for a standard stream."""


def start(
    command: Sequence[str],
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.DEVNULL,
    stderr: Stream = subprocess.DEVNULL,
    bufsize: int = -1,
    cwd: Path | None = None,
    pass_fds: Collection[int] = (),
    environment: Mapping[str, str] | None = None,
    gives_way: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program, by default without input and with its output discarded. Raises `OSError`.

    `environment` is meant for svlm itself, as it may contain secrets. With `gives_way` the program gets a low priority:
    many of them must not slow down the thread that drives the model.
    """
    process = subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        bufsize=bufsize,
        cwd=cwd,
        pass_fds=pass_fds,
        env=without_secrets() if environment is None else environment,
        process_group=_keeper.group(),
    )
    _started.add(process)
    if gives_way:
        with suppress(OSError):  # it has exited already
            os.setpriority(os.PRIO_PROCESS, process.pid, _LAST)
    return process


def run(
    command: Sequence[str],
    *,
    told: bytes = b"",
    timeout_s: float | None = None,
    cwd: Path | None = None,
    check: bool = False,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end, with `told` on its standard input, and capture its output.

    Raises `OSError`, and `SubprocessError` like `subprocess.run`.
    """
    return subprocess.run(
        command,
        input=told,
        capture_output=True,
        timeout=timeout_s,
        cwd=cwd,
        check=check,
        env=without_secrets() if environment is None else environment,
        process_group=_keeper.group(),
    )


def start_remover(folder: Path) -> subprocess.Popen[bytes]:
    """Has a folder removed when the remover's standard input ends, as it does with this process. Raises `OSError`.

    It is in no group with the programs, which are killed then.
    """
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(
        (*_REMOVER, str(folder)),
        stdin=subprocess.PIPE,
        stdout=nowhere,
        stderr=nowhere,
        cwd="/",
        env=without_secrets(),
        start_new_session=True,
    )


def without_secrets() -> dict[str, str]:
    """The environment for other programs."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


class _Keeper(Owned):
    """Kills the rest of its group once this process has ended. Started with the first program."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def group(self) -> int:
        """The group for a new program; 0, which means a group of its own, if there is no shell to keep one."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                nowhere = subprocess.DEVNULL
                try:
                    self._process = subprocess.Popen(
                        _KEEPER, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, cwd="/", process_group=0
                    )
                except OSError:
                    return 0
            return self._process.pid

    def forget(self) -> None:
        """Disown the keeper in a forked process, whose children it does not keep."""
        self._lock = Lock()
        process, self._process = self._process, None
        if process is not None:
            _let_go(process)

    def close(self) -> None:
        """At interpreter exit: end the keeper, and whatever is left in its group."""
        if self._process is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._process.communicate(timeout=_KEEPER_END_S)


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Disown a program in a forked process: do not wait for it or kill it, and close only our copies of its pipes."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:  # bypass the buffer: a thread of the parent may hold its lock
            (pipe if isinstance(pipe, io.FileIO) else pipe.raw).close()  # type: ignore[attr-defined]
    process.returncode = 0


def _forget_all() -> None:
    for process in _started:
        _let_go(process)
    _keeper.forget()


_started: WeakSet[subprocess.Popen[bytes]] = WeakSet()
_keeper = _Keeper()  # opened first, so closed last
os.register_at_fork(after_in_child=_forget_all)
