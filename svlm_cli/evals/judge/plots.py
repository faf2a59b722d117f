"""Plots a report: win rates over all and by fifths of the videos. Deterministic, to the byte."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from svlm_cli.evals.judge.report import HALF, Judged, JudgeReport
from svlm_cli.evals.scores import FIFTHS, Estimate
from svlm_cli.outputs.figures import new_figure, png, write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES: Final = (9.0, 5.0)
_MARKERS: Final = "osD^v<>pP*Xh"
_STEP: Final = 0.06  # between rows, so that their intervals do not overlap


def draw_report(report: JudgeReport, path: Path) -> None:
    """Write a PNG file. Raises `OutputError`."""
    with new_figure(_INCHES) as figure:
        axes = figure.subplots()
        names = ["all", *(f"fifth {one}" for one in range(1, FIFTHS + 1))] if report.rows[0].rates.fifths else ["all"]
        for index, one in enumerate(report.rows):
            _draw(axes, one, index, (index - (len(report.rows) - 1) / 2) * _STEP)
        axes.axhline(HALF, color="grey", linewidth=0.8, linestyle=":")
        axes.set(title="Win rates", ylabel="votes won / votes", ylim=(-0.02, 1.02), xlim=(-HALF, len(names) - HALF))
        axes.set_xticks(range(len(names)), names)
        axes.grid(alpha=0.3, axis="y")
        figure.legend(loc="outside lower center", frameon=False)
        picture = png(figure)
    write_picture(path, picture, "Choose another place for --plot.")


def points(one: Judged) -> list[tuple[int, Estimate]]:
    """Positions and rates: the overall rate at 0, the fifths from 1 on."""
    return [
        (place, each) for place, each in enumerate((one.rates.win_rate, *one.rates.fifths)) if each.value is not None
    ]


def _draw(axes: "Axes", one: Judged, index: int, shift: float) -> None:
    found = [
        (place + shift, each.value, *_reach(each.value, each)) for place, each in points(one) if each.value is not None
    ]
    if not found:
        return
    places, values, below, above = zip(*found, strict=True)
    dashes = "--" if one.file.runs[0].setting.control else "-"
    axes.plot(places[1:], values[1:], color=f"C{index % 10}", linestyle=dashes)  # without the overall rate
    axes.errorbar(
        places,
        values,
        yerr=(below, above),
        label=one.name.replace("$", r"\$").lstrip("_"),  # matplotlib gives these characters a meaning
        color=f"C{index % 10}",
        marker=_MARKERS[index % len(_MARKERS)],
        linestyle="none",
        markersize=5,
        capsize=2,
        elinewidth=0.8,
    )


def _reach(value: float, one: Estimate) -> tuple[float, float]:
    low = value if one.low is None else one.low
    high = value if one.high is None else one.high
    return value - low, high - value
