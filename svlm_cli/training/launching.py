"""One command as several processes: torch's launcher starts them, they end together, and one of them says why.

Knows nothing of what they do.
"""

import logging
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from svlm_cli.core import launched
from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.core.signals import Terminated, ends_in_time

if TYPE_CHECKING:
    import torch

_OTHERS_S = 5.0  # until a launcher has noticed that a process has ended, and ends this one too
_UNWINDING_S = 5.0  # what a process gets to end in order
_WATCH_S = 1.0
_TERMINATED = 128 + signal.SIGTERM  # by the launcher, because another process had ended


def require_gpus(count: int, device: "torch.device") -> None:
    """`UsageError` if so many cannot be used together."""
    import torch

    if (started := launched.processes()) not in {1, count}:
        raise UsageError(f"--gpus says {count}, but a launcher has started {started} processes.", "Leave out --gpus.")
    if device.type != "cuda":
        raise UsageError(f"--gpus {count} needs GPUs, and this run is on the CPU.", "Leave out --gpus.")
    if device.index is not None:
        raise UsageError(f"--gpus takes the first GPUs that it sees, not {device}.", "Use CUDA_VISIBLE_DEVICES.")
    if (found := torch.cuda.device_count()) < count:
        raise UsageError(f"--gpus {count} is more than there are: {found}.", "Run `svlm doctor` to see them.")


def start(count: int, arguments: Sequence[str]) -> int:
    """``svlm`` with `arguments` in `count` processes, until all have ended. Returns the exit code of all.

    A process that ended with another code than 0 has said why. `SvlmError` for one that was killed.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.disable()  # the launcher tells its story: ours is one sentence
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",  # a port that is free
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "svlm_cli", *arguments)
    except SignalException as error:
        raise KeyboardInterrupt if error.sigval == signal.SIGINT else Terminated(error.sigval) from None
    except ChildFailedError as error:
        return exit_code({rank: failure.exitcode for rank, failure in error.failures.items()}, count)
    return 0


def exit_code(codes: Mapping[int, int], count: int) -> int:
    """That of the process which caused the others to end. `SvlmError` if a signal killed it.

    `codes` has a code for each rank that did not end well, negative for a signal.
    """
    ended = [code for _, code in sorted(codes.items()) if code > 0]
    if told := [code for code in ended if code != _TERMINATED]:
        return told[0]
    for rank, code in sorted(codes.items()):
        if code < 0:
            raise SvlmError(
                f"Process {rank + 1} of {count} was killed ({signal.Signals(-code).name}), and the others ended too.",
                "Add --resume to go on from the last state.",
            )
    return _TERMINATED


@contextmanager
def as_rank() -> Iterator[None]:
    """In one of several processes that a launcher has started: it ends with the others, and says why if it was first.

    An error of ours on the first one is told at once. Any other may come of the end of another process, as a broken
    connection does, or be the same on all: so whoever has it waits, the first one less than the others. If one of them
    ends meanwhile, the launcher ends this one, before it has said anything.
    """
    if launched.processes() == 1:
        yield
        return
    with ends_in_time(_UNWINDING_S):
        threading.Thread(target=_end_with, args=(os.getppid(),), name="launcher", daemon=True).start()
        try:
            yield
        except Exception as error:
            if rank := launched.rank():
                time.sleep(2 * _OTHERS_S + rank)
            elif not isinstance(error, SvlmError):
                time.sleep(_OTHERS_S)
            raise


def _end_with(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(_WATCH_S)
    os.kill(os.getpid(), signal.SIGTERM)
