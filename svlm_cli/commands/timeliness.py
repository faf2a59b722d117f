"""``svlm eval commentary timeliness``: when a commentary says what people said. The counting is in ``evals/``."""

from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.cli.messages import print_json
from svlm_cli.cli.panels import Panel
from svlm_cli.commands import options
from svlm_cli.core.sentences import sentence
from svlm_cli.outputs.tables import print_tables


def timeliness(
    predictions: Annotated[Path, typer.Argument(metavar="PRED.jsonl", help="The predictions of a model.")],
    annotations: Annotated[
        Path, Panel.INPUT.option(metavar="FILE.jsonl", help="eval_all_metadata.jsonl of the benchmark.")
    ],
    as_json: options.Json = False,
) -> None:
    """Measure when a commentary says what people said, word by word: within a second, early, late or never.

    Names, numbers and content words are compared by spelling, so a paraphrase counts as never.
    """
    from svlm_cli.evals.benchmarks.commentary_timeliness import SHIFT_S, time_commentary
    from svlm_cli.evals.report import timeliness_tables

    found = time_commentary(predictions, annotations)
    for notice in found.notices:
        typer.echo(sentence(notice), err=True)
    if found.left_out:
        left = f"{found.left_out} of {found.left_out + found.videos} videos are left out"
        typer.echo(sentence(f"{left}: the predictions do not cover them."), err=True)
    if as_json:
        names = {"eval": "timeliness", "predictions": str(predictions), "annotations": str(annotations)}
        print_json(names | found.to_json())
        return
    print_tables(timeliness_tables(found.timeliness, found.controls, f"{SHIFT_S} s"))
