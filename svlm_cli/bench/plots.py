"""Plots the time per token over a long stream."""

from collections.abc import Sequence
from pathlib import Path

from svlm_cli.bench.latency import STEP_ROUNDS, StreamLatency
from svlm_cli.outputs.figures import new_figure, number_plainly, png, write_picture

_INCHES, _MS = (8.0, 4.5), 1000


def draw_latency(results: Sequence[StreamLatency], path: Path, round_s: float) -> None:
    """A line per mode: round time / tokens, over the seconds of the stream. Raises `OutputError`."""
    with new_figure(_INCHES) as figure:
        axes = figure.subplots()
        for result in results:
            times = [index * STEP_ROUNDS * round_s for index in range(len(result.token_s_over_time))]
            axes.plot(times, [one * _MS for one in result.token_s_over_time], label=result.mode)
            if result.ended:
                axes.plot(times[-1:], [result.token_s_over_time[-1] * _MS], "x", color="black")
        axes.set(xlabel="seconds of the stream", ylabel="ms a token", yscale="log")
        number_plainly(axes.yaxis)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        write_picture(path, png(figure), "Choose another place for --plot.")
