"""Resolves ``--model``: a name in the catalog, else a folder, else a hub id; and finds the checkpoint folder.

A folder with the name of a catalog model is written ``./FOLDER``; one that looks like a hub id takes precedence over
the hub. The policy is the catalog's for models in the catalog (also by hub id), else the checkpoint's ``policy.toml``,
else the published defaults. Does not open weights.
"""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from svlm_cli.checkpoints import catalog, hub, policy_file
from svlm_cli.checkpoints.adapter import AdapterConfig
from svlm_cli.checkpoints.catalog import DEFAULT_MODEL, ModelEntry
from svlm_cli.checkpoints.folder import require_checkpoint
from svlm_cli.checkpoints.policy_file import DEFAULT_REVISION, POLICY_FILE, PolicyFile
from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.core.policy import StreamPolicy

POLICY_OF_DEFAULTS = "streamingvlm-7b"  # the catalog model whose policy equals the defaults

_NAME_IT = "Name it with --model."
_THREE_WAYS = "A model is a name (`svlm models list`), a folder, or a hub id like organisation/name."


class Origin(StrEnum):
    """What a model's name refers to."""

    CATALOG = "catalog"
    FOLDER = "folder"
    HUB = "hub"


@dataclass(frozen=True, slots=True)
class Reference:
    """A resolved name, before any download: its weights are in ``folder``, or on the hub."""

    name: str
    origin: Origin
    folder: Path | None  # set if the weights need no download
    hub_id: str = ""
    revision: str = DEFAULT_REVISION
    entry: ModelEntry | None = None  # in the catalog

    def present(self) -> Path | None:
        """The folder of the weights if they are on this machine. Uses no network."""
        return self.folder or hub.cached(self.hub_id, self.revision)

    def fetch(self, *, offline: bool, quiet: bool = False) -> Path:
        """The folder of the weights, downloaded if necessary, with progress unless `quiet`. Raises `ModelError`."""
        return self.folder or hub.fetch(self.hub_id, revision=self.revision, offline=offline, quiet=quiet)

    def described(self, folder: Path | None) -> PolicyFile:
        """Its policy file, given the folder of its weights."""
        if self.entry is not None:
            return self.entry.file
        if folder is not None and os.path.lexists(folder / POLICY_FILE):
            return policy_file.read(folder / POLICY_FILE)
        return PolicyFile()

    def notice(self, folder: Path | None) -> str:
        """Which policy is used if a checkpoint outside the catalog has none; empty otherwise."""
        if self.origin is Origin.CATALOG or folder is None or os.path.lexists(folder / POLICY_FILE):
            return ""
        whose = f"{POLICY_OF_DEFAULTS}, the default" if self.entry is None else self.entry.name
        return f"{self.name} has no {POLICY_FILE}: it streams by the policy of {whose}."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder to load, and its policy."""

    name: str
    folder: Path
    policy: StreamPolicy
    origin: Origin
    notice: str = ""  # which policy is used, if the checkpoint has none
    adapter: Path | None = None  # a folder; merged into the weights on loading

    @property
    def title(self) -> str:
        """Its name in results: for folders only the folder's name, not its path."""
        base = self.folder.resolve().name if self.origin is Origin.FOLDER else self.name
        return base if self.adapter is None else f"{base}+{self.adapter.resolve().name}"


def resolve(
    model: str | None,
    *,
    revision: str | None = None,
    offline: bool = False,
    quiet: bool = False,
    adapter: Path | None = None,
) -> Checkpoint:
    """The checkpoint named ``model``, downloaded if necessary; ``None`` is `DEFAULT_MODEL`.

    With an ``adapter``, ``None`` is the adapter's base, and a policy in the adapter's folder takes precedence.

    ``revision`` (branch, tag or commit) overrides the catalog's, only for models from the hub; ``offline`` uses no
    network; ``quiet`` hides progress. Raises `ModelError`, and `UsageError` for an unsuitable revision.
    """
    if adapter is not None:
        return _adapted(adapter, model, revision=revision, offline=offline, quiet=quiet)
    if model is None and DEFAULT_MODEL not in catalog.names():
        raise ModelError(
            f"No model is named, and {DEFAULT_MODEL}, the default, is not part of this installation.",
            "Name one with --model, or install svlm-cli again.",
        )
    reference = refer(DEFAULT_MODEL if model is None else model, revision=revision)
    folder = reference.fetch(offline=offline, quiet=quiet)
    require_checkpoint(folder, reference.name)
    policy = reference.described(folder).policy
    return Checkpoint(reference.name, folder, policy, reference.origin, reference.notice(folder))


def base_of(adapter: Path, model: str | None = None, *, revision: str | None = None) -> Reference:
    """The base of an adapter: ``model``, or else as recorded in the adapter. Raises `ModelError`."""
    config = AdapterConfig.read(adapter)
    if model is not None:
        return refer(model, revision=revision)
    if not config.base:
        raise ModelError(f"The adapter {adapter} does not say what its base is.", _NAME_IT)
    stated = config.revision if policy_file.is_hub_id(config.base) and config.base not in catalog.names() else ""
    try:
        return refer(config.base, revision=revision or stated or None)
    except ModelError as error:
        raise ModelError(f"The base of the adapter {adapter} was not found: {error.message}", _NAME_IT) from error


def _adapted(adapter: Path, model: str | None, *, revision: str | None, offline: bool, quiet: bool) -> Checkpoint:
    reference = base_of(adapter, model, revision=revision)
    folder = reference.fetch(offline=offline, quiet=quiet)
    require_checkpoint(folder, reference.name)
    name = f"{reference.name} + {adapter}"
    if os.path.lexists(adapter / POLICY_FILE):
        policy = policy_file.read(adapter / POLICY_FILE).policy
        return Checkpoint(name, folder, policy, reference.origin, adapter=adapter)
    policy = reference.described(folder).policy
    return Checkpoint(name, folder, policy, reference.origin, reference.notice(folder), adapter)


def refer(model: str, *, revision: str | None = None) -> Reference:
    """Resolve ``model``, reading only the catalog and checking for folders. Raises as `resolve`."""
    if model in catalog.names():
        return _from_catalog(catalog.find(model), revision)
    path = Path(os.path.expanduser(model))  # noqa: PTH111 - Path.expanduser raises for unknown users
    if model and os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for names that are too long
        if revision is not None:
            raise UsageError(
                f"{model} is a folder: it has no revision.", "Leave out --revision, or unset SVLM_REVISION."
            )
        return Reference(model, Origin.FOLDER, path)
    if os.path.isfile(path):  # noqa: PTH113 - as above
        raise ModelError(f"{model} is a file.", "Name the checkpoint's folder.")
    if policy_file.is_hub_id(model):
        known = next((one for one in catalog.list_models() if one.file.weights.hub == model and not one.embedded), None)
        default = known.file.weights.revision if known is not None else DEFAULT_REVISION
        return Reference(model, Origin.HUB, None, model, revision or default, known)
    if "/" in model or model.startswith(("~", ".")):
        raise ModelError(f"There is no folder {model}.", _THREE_WAYS)
    if model == "auto":
        raise ModelError("`auto` chooses a model for commands that watch video, not here.", f"Name one. {_THREE_WAYS}")
    raise ModelError(f"No model is called {model!r}.", f"{catalog.nearest(model)} {_THREE_WAYS}")


def _from_catalog(entry: ModelEntry, revision: str | None) -> Reference:
    if entry.embedded:
        if revision is not None:
            raise UsageError(
                f"{entry.name} comes with svlm: it has no revision.", "Leave out --revision, or unset SVLM_REVISION."
            )
        return Reference(entry.name, Origin.CATALOG, entry.folder, entry=entry)
    weights = entry.file.weights
    return Reference(entry.name, Origin.CATALOG, None, weights.hub, revision or weights.revision, entry)
