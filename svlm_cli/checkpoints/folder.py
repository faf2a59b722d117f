"""Recognises a checkpoint folder by its file names. The loader reads their contents."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from svlm_cli.checkpoints.reading import MOST_CONFIG_BYTES, MOST_TABLE_BYTES, UnreadableError, read_bytes, read_json
from svlm_cli.core.errors import ModelError

CONFIG_FILE = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
TOKENIZER_FILE, TOKENIZER_CONFIG_FILE = "tokenizer.json", "tokenizer_config.json"
SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
CARD_FILE = "README.md"
TOKENIZER_FILES = (TOKENIZER_FILE, TOKENIZER_CONFIG_FILE, "vocab.json", "merges.txt", "special_tokens_map.json")
SMALL_FILES = (
    *TOKENIZER_FILES,
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "chat_template.jinja",
    "chat_template.json",
)
"""All files of a checkpoint other than configuration and weights."""

_NAME_ONE = "Name a folder that came from the hub, or that `svlm train` wrote to its end."
_COMPLETE_IT = "Copy it from where the model came from."
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def require_checkpoint(folder: Path, name: str) -> None:
    """Raise `ModelError` about the checkpoint called ``name`` if files needed for loading are missing."""
    if not (folder / CONFIG_FILE).is_file() and (folder / ADAPTER_CONFIG).is_file():
        raise ModelError(
            f"{name} is an adapter, not a whole model.", "Name it with --adapter, or merge it: svlm models merge."
        )
    if not (folder / CONFIG_FILE).is_file():
        raise ModelError(f"{name} is not a checkpoint: it has no {CONFIG_FILE}.", _NAME_ONE)
    if not (folder / TOKENIZER_FILE).is_file():
        raise ModelError(f"{name} has no {TOKENIZER_FILE}.", _COMPLETE_IT)
    if not (folder / SINGLE_FILE).is_file() and not (folder / INDEX_FILE).is_file():
        pickled = any(next(folder.glob(pattern), None) for pattern in _PICKLES)
        found = "its weights are pickled" if pickled else "it has no weights"
        raise ModelError(f"{name} cannot be loaded: {found}.", f"It needs {SINGLE_FILE}, or {INDEX_FILE} and shards.")


def copy_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copy those of them that exist."""
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def require_readable(folder: Path) -> None:
    """Raise `ModelError` if a JSON file of a checkpoint is invalid or unreasonably large."""
    for name in (CONFIG_FILE, TOKENIZER_FILE, "generation_config.json", "preprocessor_config.json"):
        if os.path.lexists(folder / name):
            try:
                read_json(folder / name, most=MOST_TABLE_BYTES)
            except UnreadableError as error:
                raise ModelError(f"{folder / name} cannot be used: {error}.", _COMPLETE_IT) from error


def has_all_shards(folder: Path) -> bool:
    """Whether ``folder`` has all shards in the index."""
    index = folder / INDEX_FILE
    if not index.is_file():
        return (folder / SINGLE_FILE).is_file()
    try:
        shards = set(read_json(index, most=MOST_TABLE_BYTES)["weight_map"].values())
        return all((folder / shard).is_file() for shard in shards)
    except (OSError, UnreadableError, ValueError, KeyError, TypeError, AttributeError):
        return False


def read_card(folder: Path) -> str:
    """The model card in ``folder``, in Markdown. Raises `ModelError` if it is missing or unreadable."""
    path = folder / CARD_FILE
    try:
        return read_bytes(path, most=MOST_CONFIG_BYTES).decode("utf-8", errors="replace")
    except UnreadableError as error:
        raise ModelError(f"{path}, the model's card, is not shown: {error}.", "Check it.") from error


def size_bytes(folder: Path) -> int:
    """Size on disk of all files directly in ``folder``, following links."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
