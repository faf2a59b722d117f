"""``svlm models``: list the known models, recommend or show one, fetch its weights, merge an adapter. Imports no torch.

What there is to say of a model is in ``checkpoints/pages.py`` and ``checkpoints/recommendation_text.py``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from svlm_cli.checkpoints import catalog, host, policy_file, recommendation, recommendation_text, resolve
from svlm_cli.checkpoints.pages import COLUMNS, ModelPage, cells, listed
from svlm_cli.checkpoints.recommendation import Demand, Fit
from svlm_cli.cli import choices
from svlm_cli.cli.messages import ExitCode
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import options
from svlm_cli.commands.loading import meant
from svlm_cli.core.errors import OutputExistsError, UsageError
from svlm_cli.core.text import plain_text, presentable
from svlm_cli.outputs.tables import print_columns

app = typer.Typer(
    help="List the known models, recommend or show one, fetch its weights, or merge an adapter into one.",
    no_args_is_help=True,
    add_completion=False,
)

_MOST_FPS: Final = 1000.0


@app.command("list")
def list_models(as_json: options.Json = False) -> None:
    """List the known models: where their weights come from, and whether they are on this machine."""
    rows = [listed(entry) for entry in catalog.list_models()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    print_columns(COLUMNS, map(cells, rows), folded={"TITLE", "LICENCE"})


@app.command("show")
def show(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME|PATH|HUB_ID", autocompletion=choices.models, help="A model that is on this machine."
        ),
    ],
    as_json: options.Json = False,
    as_toml: Annotated[
        bool, Panel.OUTPUT.option("--toml", help="Print only the policy, in the format of --policy.")
    ] = False,
) -> None:
    """Show a model's card and the policy that it is streamed with."""
    if as_json and as_toml:
        raise UsageError("--json and --toml contradict each other.", "Leave one of them out.")
    page = ModelPage.of(model)
    if as_toml:
        typer.echo(page.policy_text())
        return
    if as_json:
        typer.echo(json.dumps(page.to_json(), indent=2))
        return
    _print_card(page.card_text())
    typer.echo(f"Weights: {'not on this machine' if page.folder is None else plain_text(str(page.folder))}\n")
    typer.echo(f"# The policy in full, as in {policy_file.POLICY_FILE}")
    typer.echo(page.policy_text())


@app.command("pull")
def pull(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME|HUB_ID", autocompletion=choices.known_models, help="A known model, or OWNER/NAME on the hub."
        ),
    ],
    revision: options.Revision = None,
    quiet: options.Quiet = False,
) -> None:
    """Fetch a model's weights, with progress on stderr, and print their folder."""
    reference = resolve.refer(model, revision=revision)
    if reference.origin is resolve.Origin.FOLDER:
        raise UsageError(f"{model} is a folder: there is nothing to fetch.", "Name a known model or a hub id.")
    typer.echo(reference.fetch(offline=False, quiet=quiet))


@app.command("recommend")
def recommend(
    fps: Annotated[
        float | None,
        Panel.COMMENTARY.option(help="Frames per second that the model should see.", show_default="the model's"),
    ] = None,
    live: Annotated[
        bool,
        Panel.COMMENTARY.option(
            "--live", help="For cameras: leave out models known to be slower than real time on such hardware."
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Recommend a known model for this machine: what fits, how fast it was where measured, how to get it.

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
        for line in (recommendation_text.machine_line(machine), *machine.notes, ""):
            typer.echo(presentable(line))
        rows = [recommendation_text.cells(one) for one in assessed]
        print_columns(recommendation_text.COLUMNS, rows, folded={"MEMORY", "MEASURED SPEED", "GOOD AT", "COMMAND"})
        whys = [f"{one.candidate.name}: {one.why}" for one in assessed if one.fits is not Fit.YES]
        for line in ("", *whys, recommendation_text.advice(best, live=live)):
            typer.echo(presentable(line))
    if best is None:
        raise typer.Exit(ExitCode.FAILED)


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """What was asked for."""

    adapter: Annotated[Path, typer.Argument(metavar="ADAPTER", help="Folder of the adapter, with adapter_config.json.")]
    output: Annotated[
        Path,
        Panel.OUTPUT.option(
            "--output", "-o", metavar="DIR", help="A new folder for the checkpoint.", show_default=False
        ),
    ]
    model: options.Model = None
    revision: options.Revision = None
    offline: options.Offline = False
    quiet: options.Quiet = False


@app.command("merge")
@takes(MergeOptions)
def merge(asked: MergeOptions) -> None:
    """Merge an adapter into its base, write the result as a checkpoint, and print its folder.

    The base is the one that the adapter names, or --model. Weights keep the number format of the base.
    """
    output = asked.output
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OutputExistsError(f"{output} exists already.", "Name a new folder with -o.")
    checkpoint = resolve.resolve(
        meant(asked.model, asked.adapter),
        revision=asked.revision,
        offline=asked.offline,
        quiet=asked.quiet,
        adapter=asked.adapter,
    )
    from svlm_cli.networks.merging import merge as write

    write(checkpoint, asked.adapter, output)
    typer.echo(output)


def _print_card(text: str) -> None:
    """On a terminal the Markdown is set; its links are not made to be clicked."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    if console.is_terminal:
        console.print(Markdown(text, hyperlinks=False))
        console.print()
    elif text:
        typer.echo(f"{text}\n")
