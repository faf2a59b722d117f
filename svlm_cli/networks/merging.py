"""Merges an adapter into its base, as a new checkpoint folder in the number format of the base."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from svlm_cli.checkpoints import policy_file
from svlm_cli.checkpoints.fields import read_object
from svlm_cli.checkpoints.folder import CARD_FILE, CONFIG_FILE, SMALL_FILES, copy_files
from svlm_cli.checkpoints.policy_file import POLICY_FILE, PolicyFile
from svlm_cli.checkpoints.resolve import Checkpoint
from svlm_cli.core.errors import OutputError
from svlm_cli.networks.weights import load_network, save_network

_DTYPES = ("float32", "bfloat16", "float16")


def merge(base: Checkpoint, adapter: Path, output: Path) -> None:
    """Write the folder, atomically. Raises `ModelError` and `OutputError`."""
    network = load_network(base.folder, device=torch.device("cpu"), dtype=_stored_dtype(base), adapter=adapter)
    with _new_folder(output) as folder:
        _write_small_files(base, adapter, folder)
        save_network(network, folder)


def _stored_dtype(checkpoint: Checkpoint) -> torch.dtype:
    config = read_object(checkpoint.folder, CONFIG_FILE)
    stated = config.get("dtype") or config.get("torch_dtype")
    dtype: torch.dtype = getattr(torch, stated) if stated in _DTYPES else torch.bfloat16
    return dtype


@contextmanager
def _new_folder(output: Path) -> Iterator[Path]:
    """A temporary folder that is renamed to `output` when it is complete."""
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


def _write_small_files(checkpoint: Checkpoint, adapter: Path, folder: Path) -> None:
    copy_files(checkpoint.folder, folder, SMALL_FILES)
    own = adapter / POLICY_FILE
    info = policy_file.read(own).model if own.is_file() else PolicyFile().model
    (folder / POLICY_FILE).write_text(policy_file.dump(PolicyFile(info, policy=checkpoint.policy)), encoding="utf-8")
    title = f"# {info.title or adapter.resolve().name}"
    origin = f"Licence: {info.licence or 'not stated'}. Made by `svlm models merge`: {checkpoint.name}, merged."
    card = "\n\n".join(filter(None, (title, info.summary, origin)))
    (folder / CARD_FILE).write_text(f"{card}\n", encoding="utf-8")
