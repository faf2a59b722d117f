"""Plots a report on windows: which were left out and why, and their statistics. Deterministic, to the byte."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from svlm_cli.curation.histogram import Histogram
from svlm_cli.curation.windows import LeftOut
from svlm_cli.curation.windows_report import WindowsReport
from svlm_cli.outputs.figures import new_figure, png, write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES: Final = (11.0, 7.0)


def draw_windows(report: WindowsReport, path: Path) -> None:
    """Write a PNG file. Raises `OutputError`."""
    with new_figure(_INCHES) as figure:
        fates, *others = figure.subplots(2, 2).flat
        names = ["kept", *(str(reason) for reason in LeftOut if report.left_out[reason])]
        counts = [report.kept, *(report.left_out[reason] for reason in LeftOut if report.left_out[reason])]
        fates.barh(names, counts, color=["C0", *["C1"] * (len(names) - 1)])
        fates.invert_yaxis()
        fates.set(title=f"{report.windows:,} windows", xlabel="windows")
        before, after = report.before.named(), report.after.named()
        for axes, name in zip(others, before, strict=True):
            _draw(axes, before[name], "C1", "all")
            _draw(axes, after[name], "C0", "kept")
            axes.set(xlabel=name, ylabel="windows")
            axes.legend(frameon=False)
        picture = png(figure)
    write_picture(path, picture, "Choose another place for --plot.")


def _draw(axes: "Axes", histogram: Histogram, color: str, label: str) -> None:
    bars = histogram.bars()
    axes.bar(
        [edge for edge, _ in bars], [count for _, count in bars], histogram.step, align="edge", color=color, label=label
    )
