"""The time of a token over a long stream, as a picture. matplotlib, which draws it, is optional."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from svlm_cli.bench.latency import STEP_ROUNDS, Latency
from svlm_cli.core.errors import OutputError, UsageError

_INCHES, _DPI, _MS = (8.0, 4.5), 110, 1000


def require_plots() -> None:
    """`UsageError` where matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise UsageError("A plot needs matplotlib.", "Install svlm-cli[plots].")


def draw_latency(results: Sequence[Latency], path: Path, round_s: float) -> None:
    """A line a mode: the whole round's time / its tokens, over the seconds of the stream. Raises `OutputError`."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context("default"):  # not the user's own
        figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained", facecolor="white")
        axes = figure.subplots()
        for result in results:
            times = [index * STEP_ROUNDS * round_s for index in range(len(result.token_s_over_time))]
            axes.plot(times, [one * _MS for one in result.token_s_over_time], label=result.mode)
            if result.ended:
                axes.plot(times[-1:], [result.token_s_over_time[-1] * _MS], "x", color="black")
        axes.set(xlabel="seconds of the stream", ylabel="ms a token", yscale="log")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, format="png", metadata={"Software": None})
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error
