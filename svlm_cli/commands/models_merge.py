"""``svlm models merge``: an adapter and its base to one checkpoint folder, which needs neither any more."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.commands import options
from svlm_cli.commands.loading import meant
from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import OutputExistsError


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """What was asked for."""

    adapter: Annotated[Path, Panel.INPUT.argument(metavar="ADAPTER", help="Its folder, with adapter_config.json.")]
    output: Annotated[
        Path, Panel.OUTPUT.option("--output", "-o", metavar="DIR", help="A new folder.", show_default=False)
    ]
    model: options.Model = None
    revision: options.Revision = None
    offline: options.Offline = False
    quiet: options.Quiet = False


@options.takes(MergeOptions)
def merge(asked: MergeOptions) -> None:
    """Write a checkpoint in which an adapter is merged into its base, and print its folder.

    The base is the one that the adapter names, or --model. Numbers keep the format in which the base is stored.
    """
    output = asked.output
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OutputExistsError(f"{output} exists already.", "Name a new folder with -o.")
    model = meant(asked.model, asked.adapter)
    checkpoint = resolve(
        model, revision=asked.revision, offline=asked.offline, quiet=asked.quiet, adapter=asked.adapter
    )
    from svlm_cli.networks.merging import merge as write

    write(checkpoint, asked.adapter, output)
    typer.echo(output)
