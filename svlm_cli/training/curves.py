"""Plots training logs: one run, or several side by side.

Knows only a log's rows: no network and no loop.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from svlm_cli.core.errors import InputError, OutputError, UsageError
from svlm_cli.core.text import presentable
from svlm_cli.outputs.destination import refuse_unwritable
from svlm_cli.outputs.figures import new_figure, png, require_matplotlib, svg, write_picture
from svlm_cli.training.folder import LOG_FILE
from svlm_cli.training.log import HELD_OUT, Row, Say, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EVERY_S: Final = 30.0  # at most this often: drawing takes a second of the training thread
_FORMATS: Final = {".png": png, ".svg": svg}
_INCHES: Final = (11.0, 7.0)
_MOST_POINTS: Final = 1000  # per line
_RIGHT: Final = ("words", "first_word", "silence", "answers")  # kinds of tokens
_HINT: Final = "Choose another place for the plot."


class Curves:
    """A plot of a run's log that is redrawn as the log grows, and by `close`."""

    def __init__(self, picture: Path, log: Path, say: Say, *, every_s: float = EVERY_S) -> None:
        """A plot that cannot be written is reported, but does not end the run: the log has all the data."""
        self._picture, self._log, self._say = picture, log, say
        self._every_s = every_s
        self._drawn_s = time.monotonic()
        self._new = False

    def __call__(self, _row: Row) -> None:
        """A row was added."""
        self._new = True
        if time.monotonic() - self._drawn_s >= self._every_s:
            self._draw()

    def close(self) -> None:
        """Draw the rest."""
        if self._new:
            self._draw()

    def _draw(self) -> None:
        try:
            draw(self._picture, {"": rows_of(self._log)})
        except OutputError as error:
            self._say(error.message)
        self._new, self._drawn_s = False, time.monotonic()


def require_curves(path: Path, *, needed_by: str, hint: str) -> None:
    """Before anything is read: `UsageError` or `OutputError` if curves cannot be drawn, or not be written there."""
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"{path} is neither a .png nor an .svg file.", "Give the plot one of these suffixes.")
    require_matplotlib(needed_by)
    refuse_unwritable(path, makes_folders=True, hint=hint)


def read_logs(paths: Iterable[Path]) -> dict[str, Sequence[Row]]:
    """The rows of each log, or of the log in each folder, by the name of what was given. Raises `InputError`."""
    runs: dict[str, Sequence[Row]] = {}
    for log in paths:
        path = log / LOG_FILE if log.is_dir() else log
        try:
            rows = rows_of(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read as a log.", "Name a log that `svlm train` wrote.") from error
        if not rows:
            raise InputError(f"{path} has no step yet.", "Name a log that `svlm train` wrote.")
        runs[str(log)] = rows
    return runs


def draw(path: Path, runs: Mapping[str, Sequence[Row]]) -> None:
    """Write a plot of the logs of `runs`, atomically. Raises `OutputError`."""
    alone = len(runs) == 1
    with new_figure(_INCHES) as figure:
        loss, right, speed, norm = figure.subplots(2, 2).flatten()
        for number, (name, rows) in enumerate(runs.items()):
            colour = f"C{number % 10}"
            label = presentable(name)
            _line(loss, rows, "loss", color=colour, label=label or "learned", alpha=0.8)
            held_out = "held out" if alone else None
            _line(loss, rows, f"{HELD_OUT}loss", color="C1" if alone else colour, label=held_out, marker="o")
            for kind, key in enumerate(_RIGHT if alone else _RIGHT[:1]):
                own = f"C{kind}" if alone else colour
                _line(right, rows, key, color=own, label=key.replace("_", " ") if alone else label, alpha=0.8)
                _line(right, rows, f"{HELD_OUT}{key}", color=own, marker="o", linestyle="none")
            _line(speed, rows, "tokens_per_s", color=colour, label=label)
            _line(norm, rows, "grad_norm", color=colour, label=label)
        _name(loss, "loss a token (points: held out)")
        _name(right, f"{'tokens' if alone else 'words'} found likeliest (points: held out)")
        right.set_ylim(-0.02, 1.02)
        _name(speed, "tokens a second")
        _name(norm, "norm of the gradient")
        write_picture(path, _FORMATS[path.suffix.lower()](figure), _HINT)


def _line(axes: "Axes", rows: Iterable[Row], key: str, *, label: str | None = None, **style: Any) -> None:
    points = np.array([(row["step"], row[key]) for row in rows if isinstance(row.get(key), int | float)], float)
    if len(points):
        shape = {"markersize": 4, "linewidth": 1.2} | style
        axes.plot(*_thinned(points).T, label=label or None, **shape)


def _thinned(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Reduce to as many points as a plot can show, by averaging neighbours."""
    parts = np.array_split(points, min(len(points), _MOST_POINTS))
    return np.array([part.mean(axis=0) for part in parts])


def _name(axes: "Axes", title: str) -> None:
    axes.set(title=title, xlabel="step")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize="small")
