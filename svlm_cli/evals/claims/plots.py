"""Two plots of the measured rows of the claims: quality and latency over the stream.

Deterministic, to the byte.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from svlm_cli.evals.claims.results import CELL_S, RowResult
from svlm_cli.evals.claims.rows import ROWS
from svlm_cli.evals.claims.verdicts import over
from svlm_cli.evals.scores import FIFTHS, Estimate
from svlm_cli.outputs.figures import new_figure, number_plainly, png, write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEP_S: Final = 180  # of the quality line: a fifth of the row `full`

_INCHES: Final = (9.0, 5.0)
_MARKERS: Final = "osD^v<>pP*XhdH"
_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A row as a line: minutes, values, and their error bars."""

    row: str
    minutes: tuple[float, ...]
    values: tuple[float, ...]
    below: tuple[float, ...] = ()
    above: tuple[float, ...] = ()


def draw_plots(results: Mapping[str, RowResult], folder: Path, stem: str) -> tuple[tuple[str, Path], ...]:
    """Write two PNG files into `folder`; return their titles and paths. Raises `OutputError`."""
    quality, latency = "Event F1 over the stream", "Time of a round over the stream"
    pictures = (
        (quality, folder / f"{stem}-quality.png", _picture(quality, "event F1", quality_lines(results))),
        (latency, folder / f"{stem}-latency.png", _picture(latency, "ms a round", latency_lines(results), log=True)),
    )
    for _, path, picture in pictures:
        write_picture(path, picture, "Choose another place for --write.")
    return tuple((title, path) for title, path, _ in pictures)


def quality_lines(results: Mapping[str, RowResult]) -> list[Line]:
    """Event F1 for every three minutes, or per fifth if those are shorter, at their middle."""
    lines = []
    for name, result in _once(results):
        known = [
            (middle_s / 60, one.value, one.value - one.low, one.high - one.value)
            for middle_s, one in _quality(result)
            if one.value is not None and one.low is not None and one.high is not None
        ]
        if known:
            lines.append(Line(name, *zip(*known, strict=True)))
    return lines


def _quality(result: RowResult) -> Iterator[tuple[float, Estimate]]:
    seconds, cells = result.setting.seconds, STEP_S // CELL_S
    if seconds < FIFTHS * STEP_S:
        yield from ((seconds * (index + 0.5) / FIFTHS, one.event_f1) for index, one in enumerate(result.fifths))
        return
    for index, start in enumerate(range(0, seconds, STEP_S)):
        length = min(STEP_S, seconds - start)
        yield start + length / 2, over(result.by_minute[:, index * cells :], length).event_f1


def latency_lines(results: Mapping[str, RowResult]) -> list[Line]:
    """The median latency per minute, in ms, at the minute's end."""
    lines = []
    for name, result in _once(results):
        ends = (min((index + 1) * CELL_S, result.setting.seconds) / 60 for index in range(result.by_minute.shape[1]))
        known = [(end, one * _MS) for end, one in zip(ends, result.round_s_by_minute, strict=False) if one is not None]
        if known:
            lines.append(Line(name, *zip(*known, strict=True)))
    return lines


def _once(results: Mapping[str, RowResult]) -> Iterator[tuple[str, RowResult]]:
    """Rows without those that share a measurement already drawn."""
    drawn: list[RowResult] = []
    for name, result in results.items():
        if not any(one.setting.measures_the_same(result.setting) for one in drawn):
            drawn.append(result)
            yield name, result


def _picture(title: str, unit: str, lines: Sequence[Line], *, log: bool = False) -> bytes:
    with new_figure(_INCHES) as figure:
        axes = figure.subplots()
        _draw(axes, lines)
        axes.set(title=title, xlabel="minutes of the stream", ylabel=unit, xscale="log")
        if log:
            axes.set_yscale("log")
        else:
            axes.set_ylim(-0.02, 1.02)
        for axis in (axes.xaxis, axes.yaxis) if log else (axes.xaxis,):
            number_plainly(axis)
        axes.grid(alpha=0.3)
        if lines:
            figure.legend(loc="outside right upper", frameon=False)
        return png(figure)


def _draw(axes: "Axes", lines: Sequence[Line]) -> None:
    import matplotlib as mpl

    names = [row.name for row in ROWS]
    colours = mpl.colormaps["tab20"]
    for line in lines:
        index = names.index(line.row)  # so that a row looks the same whichever others are drawn
        axes.errorbar(
            line.minutes,
            line.values,
            yerr=(line.below, line.above) if line.below else None,
            label=line.row,
            color=colours(index),
            marker=_MARKERS[index],
            markersize=4,
            linewidth=2.4 if not index else 1.2,
            elinewidth=0.8,
            capsize=2,
        )
