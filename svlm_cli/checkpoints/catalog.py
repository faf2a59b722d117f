"""The models that svlm knows by name: one folder each, with a card and a policy, sometimes with the weights too.

Knows no network: whether weights named by hub id are on this machine is ``hub.py``'s affair.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from svlm_cli.checkpoints import policy_file
from svlm_cli.checkpoints.folder import CONFIG_FILE, TOKENIZER_FILE, has_all_shards
from svlm_cli.checkpoints.policy_file import POLICY_FILE, PolicyFile
from svlm_cli.core.errors import ModelError
from svlm_cli.core.text import did_you_mean

DEFAULT_MODEL: Final = "svlm-mini"  # what is used where no model is named; it needs no download

_INSTALL_AGAIN = "Install svlm-cli again."
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the catalog."""

    name: str
    folder: Path
    file: PolicyFile

    @property
    def embedded(self) -> bool:
        """Whether the weights are in the catalog itself."""
        return (self.folder / CONFIG_FILE).is_file()


def models_folder() -> Path:
    """The catalog: shipped inside the installed package, beside the package in a checkout."""
    for folder in (_PACKAGE / "_models", _PACKAGE.parent / "models"):
        if folder.is_dir():
            return folder
    raise ModelError("The catalog of models is missing from this installation.", _INSTALL_AGAIN)


def names() -> tuple[str, ...]:
    """The names in the catalog, sorted, without reading what is behind them."""
    return tuple(sorted(path.name for path in models_folder().iterdir() if path.is_dir() and path.name[0] not in "._"))


def list_models() -> tuple[ModelEntry, ...]:
    """All entries, sorted by name. Raises `ModelError`, naming the entry, if one is broken."""
    return tuple(find(name) for name in names())


def find(name: str) -> ModelEntry:
    """The entry called ``name``. Raises `ModelError` if there is none, or if it is broken."""
    known = names()
    if name not in known:
        raise ModelError(f"No model is called {name!r}.", nearest(name))
    folder = models_folder() / name
    if not (folder / POLICY_FILE).is_file():
        raise ModelError(f"The model {name} is broken: {folder} has no {POLICY_FILE}.", _INSTALL_AGAIN)
    entry = ModelEntry(name, folder, policy_file.read(folder / POLICY_FILE))
    if entry.embedded and not ((folder / TOKENIZER_FILE).is_file() and has_all_shards(folder)):
        raise ModelError(f"The model {name} is broken: {folder} lacks weights, or the tokenizer.", _INSTALL_AGAIN)
    if not entry.embedded and not entry.file.weights.hub:
        raise ModelError(
            f"The model {name} is broken: it has no weights of its own, and no weights.hub in {POLICY_FILE}.",
            _INSTALL_AGAIN,
        )
    return entry


def nearest(name: str) -> str:
    """The name closest to ``name``, or all of them, as a sentence."""
    known = names()
    return did_you_mean(name, known) or f"There are: {', '.join(known)}."
