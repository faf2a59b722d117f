"""Converts ``policy.toml`` to dataclasses and back. Strict: unknown keys and wrong types are errors.

The top level has the keys of ``StreamPolicy``, its parts are tables (``[vision]``, ``[prompt.markup]``, ...), and two
tables are not part of the policy: ``[model]`` and ``[weights]``. Missing keys get defaults. Does not know where such
files are.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from svlm_cli.checkpoints import toml
from svlm_cli.checkpoints.reading import UnreadableError, read_bytes
from svlm_cli.core.bounds import Within, require_usable
from svlm_cli.core.errors import ModelError, SvlmError, UsageError
from svlm_cli.core.policy import StreamPolicy

POLICY_FILE = "policy.toml"
DEFAULT_REVISION = "main"

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_MOST_BYTES = 100_000  # a policy is one page long
_NOT_POLICY = ("model", "weights")


def is_hub_id(text: str) -> bool:
    """Whether ``text`` looks like ``organisation/name``."""
    return _HUB_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts about a model, one line each. The card has the rest."""

    title: str = ""
    summary: str = ""
    licence: str = ""  # of the weights


@dataclass(frozen=True, slots=True)
class WeightsInfo:
    """The location of the weights, if they are not beside the file."""

    hub: str = ""  # organisation/name
    revision: str = DEFAULT_REVISION  # branch, tag or commit
    size_gb: Annotated[float, Within(0, 1_000_000)] = 0.0  # in 10^9 bytes; 0: unknown

    def __post_init__(self) -> None:
        if self.hub and not is_hub_id(self.hub):
            raise UsageError(f"hub must look like organisation/name, not {self.hub!r}.")
        if not self.revision.strip():
            raise UsageError("revision must not be blank.")
        require_usable(self)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The contents of a ``policy.toml``."""

    model: ModelInfo = field(default_factory=ModelInfo)
    weights: WeightsInfo = field(default_factory=WeightsInfo)
    policy: StreamPolicy = field(default_factory=StreamPolicy)


def read(path: Path) -> PolicyFile:
    """The file at ``path``. Raises `ModelError` naming file and key if it is invalid."""
    try:
        data = read_bytes(path, most=_MOST_BYTES)
    except UnreadableError as error:
        raise ModelError(f"{path} is not a valid policy: {error}.", "Correct the file, or remove it.") from error
    return parse(toml.decode(data, path, ModelError), source=str(path))


def parse(text: str, *, source: str) -> PolicyFile:
    """Parse ``text``; ``source`` is its name in errors."""
    document = document_of(source, ModelError)
    model, weights, tables = split(document, text)
    return PolicyFile(model, weights, document.value(StreamPolicy, tables, ""))


def document_of(source: str, error: type[SvlmError]) -> toml.Document:
    """A reader for policy files whose errors have this type and name ``source``."""
    known = [*toml.keys(StreamPolicy), *(key for key in toml.keys(PolicyFile) if key.split(".")[0] in _NOT_POLICY)]
    return toml.Document(source, error, known)


def split(document: toml.Document, text: str) -> tuple[ModelInfo, WeightsInfo, dict[str, Any]]:
    """The parsed tables that are not policy, and the unparsed ones that are."""
    tables = document.tables(text)
    parts = {name: tables.pop(name) for name in _NOT_POLICY if name in tables}
    return (
        document.value(ModelInfo, parts.get("model", {}), "model"),
        document.value(WeightsInfo, parts.get("weights", {}), "weights"),
        tables,
    )


def dump(file: PolicyFile) -> str:
    """All of ``file`` as TOML, with defaults: ``parse(dump(file)) == file``."""
    policy, rest = "\n".join(toml.lines(file.policy)), "\n".join(toml.lines(file, skip=("policy",)))
    return f"{policy.strip()}\n\n{rest.strip()}\n"
