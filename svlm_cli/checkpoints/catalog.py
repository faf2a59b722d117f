"""The models that svlm knows by name: a folder each, with a card and a policy, and sometimes with weights.

Knows no network: ``hub.py`` can tell whether weights on the hub have been downloaded.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from svlm_cli.checkpoints import policy_file
from svlm_cli.checkpoints.folder import CONFIG_FILE, TOKENIZER_FILE, has_all_shards
from svlm_cli.checkpoints.policy_file import POLICY_FILE, PolicyFile
from svlm_cli.core.errors import ModelError
from svlm_cli.core.text import did_you_mean

DEFAULT_MODEL: Final = "svlm-footage"  # used if no model is named; needs no download
MATCH_MODEL: Final = "svlm-mini"  # of Endless Match

_INSTALL_AGAIN = "Install svlm-cli again."
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model in the catalog."""

    name: str
    folder: Path
    file: PolicyFile

    @property
    def embedded(self) -> bool:
        """Whether the catalog contains its weights."""
        return (self.folder / CONFIG_FILE).is_file()


def models_folder() -> Path:
    """The catalog's folder: in the installed package, or beside the package in a checkout."""
    for folder in (_PACKAGE / "_models", _PACKAGE.parent / "models"):
        if folder.is_dir():
            return folder
    raise ModelError("The catalog of models is missing from this installation.", _INSTALL_AGAIN)


def names() -> tuple[str, ...]:
    """The names in the catalog, sorted, without reading the entries."""
    return tuple(sorted(path.name for path in models_folder().iterdir() if path.is_dir() and path.name[0] not in "._"))


def list_models() -> tuple[ModelEntry, ...]:
    """All entries, sorted by name. Raises `ModelError` naming an invalid entry."""
    return tuple(find(name) for name in names())


def find(name: str) -> ModelEntry:
    """The entry called ``name``. Raises `ModelError` if it does not exist, or is invalid."""
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


def default_for(context: str) -> str:
    """The model that speaks if none is named: the one that comes with svlm and needs such a context, if any."""
    if context.strip():
        for name in names():
            if not (models_folder() / name / CONFIG_FILE).is_file():
                continue
            prompt = find(name).file.policy.prompt
            if prompt.context_form and not prompt.misunderstood(context):
                return name
    return DEFAULT_MODEL


def nearest(name: str) -> str:
    """A sentence with the most similar name, or with all of them."""
    known = names()
    return did_you_mean(name, known) or f"There are: {', '.join(known)}."
