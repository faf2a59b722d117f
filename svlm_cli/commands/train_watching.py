"""The options of ``svlm train`` that show how a run goes: a picture of its curves, and TensorBoard."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from svlm_cli.commands.panels import Panel

if TYPE_CHECKING:
    from svlm_cli.training.log import Say, Watcher

Plot = Annotated[
    Path | None,
    Panel.OUTPUT.option(
        "--plot", metavar="FILE", help="Draw the curves, .png or .svg, anew every half minute and at the end."
    ),
]

TensorBoard = Annotated[
    Path | None,
    Panel.OUTPUT.option(
        "--tensorboard", metavar="DIR", help="Write the figures of the log there too, for TensorBoard."
    ),
]


def check(plot: Path | None, tensorboard: Path | None) -> None:
    """`UsageError` for what cannot be, before anything is loaded."""
    if plot is not None:
        from svlm_cli.outputs.destination import refuse_unwritable
        from svlm_cli.outputs.figures import require_matplotlib
        from svlm_cli.training.curves import require_format

        require_format(plot)
        require_matplotlib("--plot")
        refuse_unwritable(plot, makes_folders=True, hint="Choose another --plot.")
    if tensorboard is not None:
        from svlm_cli.training.board import require_tensorboard

        require_tensorboard()


def arguments(plot: Path | None, tensorboard: Path | None) -> Iterator[str]:
    """The same options as they were given."""
    for name, path in (("--plot", plot), ("--tensorboard", tensorboard)):
        if path is not None:
            yield from (name, str(path))


@contextmanager
def watchers(plot: Path | None, tensorboard: Path | None, run: Path, say: "Say") -> "Iterator[list[Watcher]]":
    """Who hears of each row of the log of the run in that folder."""
    from svlm_cli.training.board import Board
    from svlm_cli.training.curves import Curves
    from svlm_cli.training.folder import LOG_FILE

    with ExitStack() as opened:
        found: list[Watcher] = []
        if plot is not None:
            found.append(opened.enter_context(closing(Curves(plot, run / LOG_FILE, say))))
        if tensorboard is not None:
            found.append(opened.enter_context(closing(Board(tensorboard))))
        yield found
