"""``svlm models``: list the known models, recommend or show one, fetch its weights, merge an adapter. Imports no torch.

Cards and policies come with checkpoints that anyone may have made: they are printed as plain text, never as markup.
"""

import dataclasses
import json
from typing import Annotated, Any

import typer

from svlm_cli.checkpoints import catalog, policy_file, resolve
from svlm_cli.checkpoints.folder import CARD_FILE, read_card, require_readable, size_bytes
from svlm_cli.commands import choices, models_merge, models_recommend
from svlm_cli.commands.options import Json, Quiet, Revision
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.tables import print_columns
from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.core.text import plain_text

app = typer.Typer(
    help="List the known models, recommend or show one, fetch its weights, or merge an adapter into one.",
    no_args_is_help=True,
    add_completion=False,
)

_COLUMNS = ("NAME", "TITLE", "WEIGHTS", "HERE", "SIZE", "LICENCE")


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the known models: where their weights come from, and whether they are on this machine."""
    rows = [_summary(entry) for entry in catalog.list_models()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = [
        (
            row["name"],
            row["title"],
            "with svlm" if row["embedded"] else row["hub"],
            "yes" if row["present"] else "no",
            _size(row["size_bytes"]),
            row["licence"],
        )
        for row in rows
    ]
    print_columns(_COLUMNS, table, folded={"TITLE", "LICENCE"})


@app.command("show")
def show(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME|PATH|HUB_ID", autocompletion=choices.models, help="A model that needs no fetching."
        ),
    ],
    as_json: Json = False,
    as_toml: Annotated[bool, Panel.OUTPUT.option("--toml", help="The policy alone, as --policy takes it.")] = False,
) -> None:
    """Show a model's card and the policy that it is streamed with."""
    if as_json and as_toml:
        raise UsageError("--json and --toml contradict each other.", "Leave one of them out.")
    reference = resolve.refer(model)
    folder = reference.present()
    if folder is None and reference.entry is None:
        raise ModelError(f"{model} is not on this machine.", f"Fetch it with `svlm models pull {model}`.")
    if folder is not None:
        require_readable(folder)
    described = reference.described(folder)
    notice = reference.notice(folder)
    policy = f"# {plain_text(notice)}\n{policy_file.dump(described)}" if notice else policy_file.dump(described)
    if as_toml:
        typer.echo(_plain_lines(policy))
        return
    card_folder = folder if reference.entry is None else reference.entry.folder
    card = read_card(card_folder) if card_folder is not None and (card_folder / CARD_FILE).is_file() else ""
    if as_json:
        document = {
            "name": reference.name,
            "origin": reference.origin,
            "folder": None if folder is None else str(folder),
            "notice": notice or None,
            **dataclasses.asdict(described),
            "card": card,
        }
        typer.echo(json.dumps(document, indent=2))
        return
    where = "not on this machine" if folder is None else str(folder)
    _print_card(card)
    typer.echo(f"Weights: {plain_text(where)}\n")
    typer.echo(f"# The policy in full, as in {policy_file.POLICY_FILE}")
    typer.echo(_plain_lines(policy))


@app.command("pull")
def pull(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME|HUB_ID", autocompletion=choices.known_models, help="A known model, or OWNER/NAME on the hub."
        ),
    ],
    revision: Revision = None,
    quiet: Quiet = False,
) -> None:
    """Fetch a model's weights, with progress on stderr, and print their folder."""
    reference = resolve.refer(model, revision=revision)
    if reference.origin is resolve.Origin.FOLDER:
        raise UsageError(f"{model} is a folder: there is nothing to fetch.", "Name a known model or a hub id.")
    typer.echo(reference.fetch(offline=False, quiet=quiet))


app.command("recommend")(models_recommend.recommend)
app.command("merge")(models_merge.merge)


def _summary(entry: catalog.ModelEntry) -> dict[str, Any]:
    folder = resolve.refer(entry.name).present()
    weights = entry.file.weights
    return {
        "name": entry.name,
        **dataclasses.asdict(entry.file.model),
        "embedded": entry.embedded,
        "hub": weights.hub or None,
        "revision": weights.revision if weights.hub else None,
        "present": folder is not None,
        "folder": None if folder is None else str(folder),
        # of what is here, else of what there is to fetch, as far as that is known
        "size_bytes": size_bytes(folder) if folder is not None else round(weights.size_gb * 1e9) or None,
    }


def _size(size: int | None) -> str:
    if size is None:
        return "?"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _print_card(card: str) -> None:
    """On a terminal the Markdown is set; its links are not made to be clicked."""
    from rich.console import Console
    from rich.markdown import Markdown

    console, text = Console(), _plain_lines(_without_front_matter(card))
    if console.is_terminal:
        console.print(Markdown(text, hyperlinks=False))
        console.print()
    elif text:
        typer.echo(f"{text}\n")


def _plain_lines(text: str) -> str:
    return "\n".join(plain_text(line) for line in text.strip().splitlines())


def _without_front_matter(card: str) -> str:
    """A card without the YAML between two ``---`` that those from the hub open with."""
    head, mark, rest = card.removeprefix("---\n").partition("\n---\n")
    return rest if mark and card.startswith("---\n") and head else card
