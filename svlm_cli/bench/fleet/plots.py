"""Plots how soon cameras speak again, and how many have no words over time."""

from pathlib import Path

from svlm_cli.bench.fleet.fates import Cause
from svlm_cli.bench.fleet.simulation import FleetSimulation
from svlm_cli.outputs.figures import new_figure, png, svg, write_picture

_INCHES = (9.0, 3.8)
_POINTS = 400  # of a line
_NAMES = {
    Cause.NODE: "a node died",
    Cause.GPU: "a GPU died",
    Cause.PARTITION: "out of reach",
    Cause.SUPERVISOR: "no supervisor",
    Cause.NETWORK: "messages lost",
    Cause.MOVE: "moved",
}


def draw_fleet(one: FleetSimulation, path: Path) -> None:
    """PNG, or SVG by its ending. Raises `OutputError`."""
    with new_figure(_INCHES) as figure:
        left, right = figure.subplots(1, 2)
        for cause, name in _NAMES.items():
            times = one.fates.times_s(cause)
            if times:
                ranks = [round(step * (len(times) - 1) / (_POINTS - 1)) for step in range(_POINTS)]
                left.plot(
                    [times[rank] for rank in ranks], [100 * (rank + 1) / len(times) for rank in ranks], label=name
                )
        left.set(xlabel="seconds from the failure to the next words", ylabel="% of the cameras", xlim=(0, None))
        left.grid(alpha=0.3)
        left.legend(frameon=False)
        shown = [(time_s / 60, count) for time_s, count in one.silent_over_time if time_s >= one.setting.loading_s * 2]
        right.plot([time for time, _ in shown], [count for _, count in shown], linewidth=0.8)
        right.set(xlabel="minutes", ylabel="cameras without words", ylim=(0, None))
        right.grid(alpha=0.3)
        write_picture(path, svg(figure) if path.suffix == ".svg" else png(figure), "Choose another place for --plot.")
