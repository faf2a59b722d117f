"""Writes the log for TensorBoard, with its own writer, which is optional and imported when needed.

Knows only rows of a log.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.errors import UsageError
from svlm_cli.training.log import HELD_OUT, Row

_LEARNED: Final = "learned"
_HELD_OUT: Final = "held out"
_EVERY_S: Final = 30  # seconds between writes


def require_tensorboard() -> None:
    """`UsageError` if it is not installed."""
    if find_spec("tensorboard") is None:
        raise UsageError("--tensorboard needs tensorboard.", "Install svlm-cli[tensorboard].")


class Board:
    """A TensorBoard folder that receives each row of a log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None  # torch.utils.tensorboard.SummaryWriter

    def __call__(self, row: Row) -> None:
        """Add a row. Rows of this and later steps that a killed run has written are no longer shown."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder), purge_step=row["step"], flush_secs=_EVERY_S)
        for name, value in row.items():
            if name != "step":
                group = _HELD_OUT if name.startswith(HELD_OUT) else _LEARNED
                own = name.removeprefix(HELD_OUT)
                self._writer.add_scalar(f"{group}/{own}", value, row["step"])

    def close(self) -> None:
        """Flush the rest."""
        if self._writer is not None:
            self._writer.close()
