"""``svlm eval claims``: the rows of the paper's table, measured, and what they say. The work is in ``evals/claims``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from svlm_cli.cli import choices
from svlm_cli.cli.messages import print_json
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import options
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.tables import add_rows, table_console

if TYPE_CHECKING:
    from svlm_cli.evals.claims.rows import Row

_Model = Panel.MODEL.option(
    "--model",
    "-m",
    metavar="NAME|PATH|HUB_ID",
    autocompletion=choices.models,
    help="Measure the rows that are missing. Without it, nothing is measured.",
)


@dataclass(frozen=True, slots=True)
class _Asked(options.PlaceOptions):
    """The options, in the order of the help."""

    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder of the results, one file per row.")]
    model: Annotated[str | None, _Model] = None
    row: Annotated[
        list[str] | None,
        Panel.MEASURING.option(metavar="NAME", autocompletion=choices.rows, help="Measure only this row. Repeatable."),
    ] = None
    matches: Annotated[
        int | None,
        Panel.MATCH.option(
            min=1,
            help="Number of matches, with seeds from --seed on, 20 in one batch.",
            show_default="160 for full, 100 for vision-0, 40 for window and native-positions, 20 for the others",
        ),
    ] = None
    minutes: Annotated[
        float | None,
        Panel.MEASURING.option(
            help="Length of each match.",
            show_default="120 for streaming, 40 for window, 15 for full, 30 for the others",
        ),
    ] = None
    seed: options.MatchSeed = 0
    fps: options.Fps = None
    no_overlap_model: Annotated[
        str | None,
        Panel.MODEL.option(
            metavar="NAME|PATH|HUB_ID",
            autocompletion=choices.models,
            help="A model trained without overlap, for the row no-overlap.",
        ),
    ] = None
    overwrite: Annotated[bool, Panel.OUTPUT.option("--overwrite", help="Measure existing rows again.")] = False
    write: Annotated[
        Path | None,
        Panel.OUTPUT.option(metavar="FILE.md", help="Write the table as a page, with plots in assets/ beside it."),
    ] = None
    as_json: options.Json = False


@takes(_Asked)
def claims(asked: _Asked) -> None:
    """Reproduce the paper's comparisons: streaming, full attention, windows, positions, sink, vision window, training.

    Each row is measured as by `svlm eval match`, and kept in RESULTS/ROW.json. Existing rows are not measured again, so
    the table can be made row by row. The rows are streaming, full, window, window-overlap, native-positions,
    sink-0, text-window-0, vision-0, vision-1, vision-4, vision-8, vision-16 and no-overlap.

    The report includes RESULTS/questions.json (the output of `svlm eval vqa report --json` for simulated matches) and
    RESULTS/training.json (models trained in different ways), if they exist.
    """
    if asked.model is None and asked.no_overlap_model is None and (asked.row or asked.overwrite):
        raise UsageError("Nothing says which model is measured.", "Name a --model.")
    from svlm_cli.evals.claims.rows import choose_rows
    from svlm_cli.evals.claims.summary import ClaimsSummary, Sections, require_page

    if asked.write is not None:
        require_page(asked.write)
    rows = choose_rows(
        asked.row or (), model=asked.model is not None, no_overlap_model=asked.no_overlap_model is not None
    )
    sections = Sections.of(asked.results)
    measured = _measure(rows, asked) if rows else []
    summary = ClaimsSummary.of(asked.results, sections)
    if asked.write is not None:
        summary.write(asked.write, asked.results)
    if asked.as_json:
        print_json(summary.to_json(measured, asked.write))
    else:
        from rich.table import Table

        table = Table("row", "the claim", box=None)
        add_rows(table, summary.rows())
        table_console().print(table)


def _measure(rows: "Sequence[Row]", asked: _Asked) -> list[str]:
    """The names of those that had to be measured."""
    from svlm_cli.engine.place import EnginePlace
    from svlm_cli.evals.claims.measuring import MeasuredModel, RowPlayer, RowsRun

    def load(no_overlap: bool) -> MeasuredModel:
        name, revision = (asked.no_overlap_model, None) if no_overlap else (asked.model, asked.revision)
        assert name is not None  # or no row of it was chosen
        return MeasuredModel.of(name, asked.fps, revision, offline=asked.offline, quiet=asked.quiet)

    player = RowPlayer(EnginePlace.of(asked.device, asked.dtype), asked)
    run = RowsRun(asked.results, asked.seed, asked.minutes, asked.matches, asked.overwrite, asked.tell)
    return run.measure(rows, load, player)
