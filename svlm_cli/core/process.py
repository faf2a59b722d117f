"""Programs that svlm starts, such as ffmpeg: none outlives svlm, hears the terminal's Ctrl-C, or gets a password.

All are in one process group with a keeper, a shell that waits for the end of a pipe. That comes when svlm ends, however
it does, and then the keeper kills the group. A program has joined the group before it lets go of the pipe, so none is
missed, not even one that is just being started. A signal at the parent's death (prctl) would not do: it comes as soon
as the thread ends that started the program. A fork of svlm lets go of the programs, which are its parent's. Knows
nothing of what the programs do.
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
"""Variables of the environment that no other program gets: whatever it reads might get hold of them."""

_KEEPER = ("sh", "-c", 'trap "" HUP INT QUIT TERM; read -r _; kill -KILL 0')
_KEEPER_END_S = 1.0
_LAST = 10  # niceness, of 19 at most

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
    """Start a program; by default it gets nothing to read, and what it says goes nowhere. Raises `OSError`.

    `environment` is for svlm itself, which may know all that we know. One that `gives_way` gets what processor time
    others leave: many of them must not hold up the thread that drives the model.
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
        with suppress(OSError):  # it has ended already
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
    """Run a program to its end, which reads what it is `told`, and keep what it says.

    Raises `OSError`, and `SubprocessError` as `subprocess.run`.
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


def without_secrets() -> dict[str, str]:
    """Our environment, as other programs may have it."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


class _Keeper(Owned):
    """Kills what is left of its group when this process has ended. It starts with the first program."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def group(self) -> int:
        """The group to start a program in; 0, which is one of its own, where there is no shell to keep one."""
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
        """In a fork of this process, whose children are none of the keeper's."""
        self._lock = Lock()
        process, self._process = self._process, None
        if process is not None:
            _let_go(process)

    def close(self) -> None:
        """When the interpreter ends: with whatever is left by then."""
        if self._process is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._process.communicate(timeout=_KEEPER_END_S)


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """In a fork, whose parent it belongs to: it is neither waited for nor killed, and its pipes are the parent's."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:  # without its buffer, on whose lock a thread of the parent may have been
            (pipe if isinstance(pipe, io.FileIO) else pipe.raw).close()  # type: ignore[attr-defined]
    process.returncode = 0


def _forget_all() -> None:
    for process in _started:
        _let_go(process)
    _keeper.forget()


_started: WeakSet[subprocess.Popen[bytes]] = WeakSet()
_keeper = _Keeper()  # the first to be opened, and so the last to be closed
os.register_at_fork(after_in_child=_forget_all)
