"""What all actors of a fleet have in common: where they run, how they end, and why they died."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Any, Final

import ray
from ray.exceptions import RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.shares import WorkerShare

STARTS: Final = 3  # workers of one share that may die in a row before they are ready
FETCH_S: Final = 30.0  # to fetch an answer that is ready
STOP_S: Final = 15.0  # for a worker to close what is open
_LOOK_S: Final = 1.0


@dataclass(slots=True, eq=False)
class ActorSlot:
    """A share of a host, and its present worker."""

    share: WorkerShare
    actor: Any
    name: str
    unready: int = 0  # workers that died before they were ready, in a row
    ready: bool = False


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


def stop_all(slots: Sequence[ActorSlot]) -> None:
    """Let all workers close what they have open, then end them."""
    stops = [slot.actor.stop.remote() for slot in slots if slot.ready]
    if stops:
        ray.wait(stops, num_returns=len(stops), timeout=STOP_S)
    for slot in slots:
        ray.kill(slot.actor)


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
