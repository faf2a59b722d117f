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

import typer

from svlm_cli.commands.messages import ExitCode
from svlm_cli.commands.signals import Terminated, ends_in_time
from svlm_cli.core import launched
from svlm_cli.core.errors import SvlmError

_OTHERS_S = 5.0  # until a launcher has noticed that a process has ended, and ends this one too
_UNWINDING_S = 5.0  # what a process gets to end in order
_WATCH_S = 1.0


def start(count: int, arguments: Sequence[str]) -> None:
    """``svlm`` with `arguments` in `count` processes, until all have ended. Raises if one of them did not end well."""
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
        _conclude({rank: failure.exitcode for rank, failure in error.failures.items()}, count)


def _conclude(codes: Mapping[int, int], count: int) -> None:
    """Raises for the process that ended first: who ended by itself has said why, whom a signal killed could not."""
    ended = [code for _, code in sorted(codes.items()) if code > 0]
    if told := [code for code in ended if code != ExitCode.TERMINATED]:
        raise typer.Exit(told[0])
    for rank, code in sorted(codes.items()):
        if code < 0:
            raise SvlmError(
                f"Process {rank + 1} of {count} was killed ({signal.Signals(-code).name}), and the others ended too.",
                "Add --resume to go on from the last state.",
            )
    raise typer.Exit(ExitCode.TERMINATED)


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
