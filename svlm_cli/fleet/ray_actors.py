"""What all actors of a fleet have in common: where they run, how they end, and why they died."""

import os
import time
from threading import Thread
from typing import Any, Final

from ray.exceptions import RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.shares import WorkerShare

_LOOK_S: Final = 1.0


def options_for(share: WorkerShare, *, calls: int) -> dict[str, Any]:
    """Ray's options for an actor on a share of a host, with so many `calls` at once. It is never restarted by Ray."""
    return {
        "num_gpus": int(share.gpu),
        "num_cpus": 0 if share.gpu else share.cores,
        "max_restarts": 0,
        "max_task_retries": 0,
        "max_concurrency": calls,
        "scheduling_strategy": NodeAffinitySchedulingStrategy(share.node, soft=False),
    }


def end_with_parent() -> None:
    """From now on, end this process when its parent ends. Otherwise Ray would end it only at its next message."""
    Thread(target=_end_with, args=(os.getppid(),), name="svlm-parent", daemon=True).start()


def reason_of(error: Exception) -> str:
    """Why a call of an actor failed, without a full stop."""
    if isinstance(error, RayTaskError):
        if isinstance(error.cause, SvlmError):
            return error.cause.message.rstrip(".")
        return f"{type(error.cause).__name__}: {error.cause}".splitlines()[0].rstrip(".")
    return "its process died"


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)
