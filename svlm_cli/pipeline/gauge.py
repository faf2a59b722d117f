"""What this process takes of the machine, for the live view."""

import os
from typing import TYPE_CHECKING

from svlm_cli.core.process_stats import resident_bytes_of
from svlm_cli.outputs.live.meters import Machine

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine


class Gauge:
    """Reads it anew with each call."""

    def __init__(self) -> None:
        self.engine: Engine | None = None  # once there is one

    def __call__(self) -> Machine:
        resident_bytes = resident_bytes_of(os.getpid()) or None
        if self.engine is None:
            return Machine(resident_bytes)
        from svlm_cli.compute.device import held_memory  # torch, which an engine has imported

        held = held_memory(self.engine.device)
        return Machine(resident_bytes) if held is None else Machine(resident_bytes, held.name, held.held, held.total)
