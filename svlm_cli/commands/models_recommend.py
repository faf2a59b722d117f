"""``svlm models recommend``: which known model suits this machine, as a table, as JSON, and in a sentence.

The rules are in ``checkpoints/recommendation.py``, the words in ``recommendation_text.py`` there. Imports no torch.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from svlm_cli.checkpoints import host, recommendation, recommendation_text
from svlm_cli.checkpoints.host import Host
from svlm_cli.checkpoints.recommendation import Assessment, Demand, Fit
from svlm_cli.commands import options
from svlm_cli.commands.messages import ExitCode
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.tables import print_columns
from svlm_cli.core.errors import UsageError
from svlm_cli.core.text import presentable

_MOST_FPS: Final = 1000.0


def recommend(
    fps: Annotated[
        float | None,
        Panel.COMMENTARY.option(help="Frames a second that the model shall see.", show_default="the model's"),
    ] = None,
    live: Annotated[
        bool,
        Panel.COMMENTARY.option(
            "--live", help="For cameras: nothing that is known to be slower than real time on such hardware."
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Say which known model suits this machine: what fits, how fast it was where that was measured, how to get it.

    The best comes first. Exits with 1 if none can run.
    """
    if fps is not None and not 0 < fps <= _MOST_FPS:
        raise UsageError(f"--fps must be above 0 and at most {_MOST_FPS:g}, not {fps:g}.")
    machine = host.look_around()
    assessed = recommendation.ranked(machine, recommendation.candidates(), Demand(fps, live))
    best = recommendation.recommended(assessed)
    if as_json:
        typer.echo(json.dumps(recommendation_text.document(machine, assessed, best, live=live), indent=2))
    else:
        _print(machine, assessed, best, live=live)
    if best is None:
        raise typer.Exit(ExitCode.FAILED)


def _print(machine: Host, assessed: Sequence[Assessment], best: Assessment | None, *, live: bool) -> None:
    for line in (recommendation_text.machine_line(machine), *machine.notes):
        typer.echo(presentable(line))
    typer.echo()
    rows = [recommendation_text.cells(one) for one in assessed]
    print_columns(recommendation_text.COLUMNS, rows, folded={"MEMORY", "MEASURED SPEED", "GOOD AT", "COMMAND"})
    typer.echo()
    for one in assessed:
        if one.fits is not Fit.YES:
            typer.echo(presentable(f"{one.candidate.name}: {one.why}"))
    typer.echo(presentable(recommendation_text.advice(best, live=live)))
