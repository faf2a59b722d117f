"""Two processes that prepare data tell one another what they have: on CPUs, over gloo, in some seconds."""

import json
import subprocess
import sys
from typing import Any

from tests.conftest import environment
from tests.servers.rtsp import free_port

_CODE = """
import json, sys, threading, torch
from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.ranks import joined
from svlm_cli.training.records import Skipped

with joined(torch.device("cpu")) as ranks:
    told = []
    found = {"rank": ranks.rank, "told": told}
    exchange = Exchange(ranks, Skipped(2, told.append))

    def prepare():
        found["learned"] = [exchange.settle(10 + ranks.rank)]
        if ranks.rank == 1:
            exchange.miss("there", "it is gone")
        found["learned"].append(exchange.settle(ranks.rank))
        for settle in ONES:
            try:
                settle(exchange, ranks.rank)
            except SvlmError as error:
                found.setdefault("errors", []).append([type(error).__name__, error.message, error.hint])

    def nothing(exchange, rank):
        exchange.settle(0)

    def fails(exchange, rank):
        exchange.fail(InputError("It is broken.", "Mend it.")) if rank else exchange.settle(5)

    def too_many(exchange, rank):
        exchange.miss(f"of {rank}", "it is gone")
        exchange.settle(5)

    ONES = nothing, fails, too_many
    thread = threading.Thread(target=prepare)  # beside the training, whose own messages have another order
    thread.start()
    sums = [ranks.add_up(torch.ones(1)).item() for _ in range(20)]
    thread.join()
    found["sums"] = set(sums) == {2.0}
    print(json.dumps(found))
"""


def _two_processes() -> list[dict[str, Any]]:
    port = str(free_port())
    running = []
    for rank in range(2):
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        env = environment(RANK=str(rank), WORLD_SIZE="2", LOCAL_RANK=str(rank), **address)
        running.append(subprocess.Popen([sys.executable, "-c", _CODE], env=env, stdout=subprocess.PIPE))
    return [json.loads(process.communicate(timeout=60)[0]) for process in running]


def test_what_one_process_knows_all_know() -> None:
    """Guards the weight of a token (all that a step learns), a count that is one for all, and errors that end all."""
    for rank, found in enumerate(_two_processes()):
        assert found["rank"] == rank
        assert found["learned"] == [21, 1]
        assert found["told"] == [
            "there: skipped: it is gone.",
            "of 0: skipped: it is gone.",
            "of 1: skipped: it is gone.",
        ]
        kinds, messages, hints = zip(*found["errors"], strict=True)
        assert kinds == ("InputError",) * 3
        assert messages[0] == "No window of this step has anything to learn."
        assert (messages[1], hints[1]) == ("It is broken.", "Mend it.")
        assert messages[2].startswith("of 1: it is gone; that is record 3 that had to be skipped, 2 are allowed")
        assert found["sums"]
