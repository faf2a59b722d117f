"""Figures as PNG and SVG files. matplotlib, which draws them, is optional and imported when it is needed.

Does not know what is drawn. The same figure always gives the same bytes.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.outputs.destination import refuse_unwritable

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_DPI: Final = 110


def require_matplotlib(what: str) -> None:
    """Raise `UsageError`, which says that `what` needs it, if matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise UsageError(f"{what} needs matplotlib.", "Install svlm-cli[plots].")


def require_plot(path: Path, *, option: str = "--plot", makes_folders: bool = True) -> None:
    """Raise `UsageError` or `OutputError`, before anything is measured, if no plot can be drawn and written there."""
    require_matplotlib("A plot")
    refuse_unwritable(path, makes_folders=makes_folders, hint=f"Choose another {option}.")


@contextmanager
def new_figure(inches: tuple[float, float]) -> Iterator["Figure"]:
    """A white figure in matplotlib's default style, whatever the user's settings."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context("default"):
        yield Figure(figsize=inches, dpi=_DPI, layout="constrained", facecolor="white")


def number_plainly(axis: "Axis") -> None:
    """Label a logarithmic axis with 20, not 2 x 10^1."""
    from matplotlib.ticker import LogFormatter

    axis.set_major_formatter(LogFormatter())
    axis.set_minor_formatter(LogFormatter())


def png(figure: "Figure") -> bytes:
    """The figure as PNG, drawn without a display."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def svg(figure: "Figure") -> bytes:
    """The figure as SVG."""
    import matplotlib as mpl

    picture = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "svlm"}):  # ids are random otherwise
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    return picture.getvalue()


def write_picture(path: Path, picture: bytes, hint: str) -> None:
    """Create or replace a file atomically; `OutputError` with `hint` if that fails."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(picture)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}.", hint) from error
