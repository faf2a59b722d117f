"""``svlm models merge``: an adapter and its base to one checkpoint folder, which needs neither any more."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from svlm_cli.commands import options
from svlm_cli.commands.loading import checkpoint_of
from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import OutputError, OutputExistsError

if TYPE_CHECKING:
    import torch

    from svlm_cli.checkpoints.resolve import Checkpoint

_DTYPES = ("float32", "bfloat16", "float16")


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
    _refuse_taken(asked.output)
    checkpoint = checkpoint_of(asked)

    import torch

    from svlm_cli.networks.weights import load_network, save_network

    network = load_network(
        checkpoint.folder, device=torch.device("cpu"), dtype=_stored_dtype(checkpoint), adapter=asked.adapter
    )
    with _new_folder(asked.output) as folder:
        _write_small_files(checkpoint, asked.adapter, folder)
        save_network(network, folder)
    typer.echo(asked.output)


def _refuse_taken(output: Path) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OutputExistsError(f"{output} exists already.", "Name a new folder with -o.")


def _stored_dtype(checkpoint: "Checkpoint") -> "torch.dtype":
    import torch

    from svlm_cli.checkpoints.fields import read_object
    from svlm_cli.checkpoints.folder import CONFIG_FILE

    config = read_object(checkpoint.folder, CONFIG_FILE)
    stated = config.get("dtype") or config.get("torch_dtype")
    dtype: torch.dtype = getattr(torch, stated) if stated in _DTYPES else torch.bfloat16
    return dtype


@contextmanager
def _new_folder(output: Path) -> Iterator[Path]:
    """Gets its name when all is in it."""
    part = output.absolute().with_name(f".{output.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        yield part
        part.rename(output)
    except OSError as error:
        raise OutputError(
            f"{output} cannot be written: {error.strerror}.", "Check its path, rights and space."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_small_files(checkpoint: "Checkpoint", adapter: Path, folder: Path) -> None:
    from svlm_cli.checkpoints import policy_file
    from svlm_cli.checkpoints.folder import CARD_FILE, SMALL_FILES, copy_files
    from svlm_cli.checkpoints.policy_file import POLICY_FILE, PolicyFile

    copy_files(checkpoint.folder, folder, SMALL_FILES)
    own = adapter / POLICY_FILE
    info = policy_file.read(own).model if own.is_file() else PolicyFile().model
    (folder / POLICY_FILE).write_text(policy_file.dump(PolicyFile(info, policy=checkpoint.policy)), encoding="utf-8")
    title = f"# {info.title or adapter.resolve().name}"
    origin = f"Licence: {info.licence or 'not stated'}. Made by `svlm models merge`: {checkpoint.name}, merged."
    card = "\n\n".join(filter(None, (title, info.summary, origin)))
    (folder / CARD_FILE).write_text(f"{card}\n", encoding="utf-8")
