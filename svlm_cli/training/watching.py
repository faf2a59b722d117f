"""How a run is shown besides its log: a picture of its curves, and TensorBoard."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from svlm_cli.training.board import Board, require_tensorboard
from svlm_cli.training.curves import Curves, require_curves
from svlm_cli.training.folder import LOG_FILE
from svlm_cli.training.log import Say, Watcher


@dataclass(frozen=True, slots=True)
class RunWatching:
    """What is wanted of it."""

    plot: Path | None
    tensorboard: Path | None

    def check(self) -> None:
        """`UsageError` or `OutputError` for what cannot be, before anything is loaded."""
        if self.plot is not None:
            require_curves(self.plot, needed_by="--plot", hint="Choose another --plot.")
        if self.tensorboard is not None:
            require_tensorboard()

    @contextmanager
    def watchers(self, run: Path, say: Say) -> Iterator[list[Watcher]]:
        """Those who hear each row of the log of the run in that folder."""
        with ExitStack() as opened:
            found: list[Watcher] = []
            if self.plot is not None:
                found.append(opened.enter_context(closing(Curves(self.plot, run / LOG_FILE, say))))
            if self.tensorboard is not None:
                found.append(opened.enter_context(closing(Board(self.tensorboard))))
            yield found
