"""``policy.toml`` <-> dataclasses, strictly: every key is known and of the right type; what is missing is the default.

The top level holds the keys of ``StreamPolicy``, its parts are tables (``[vision]``, ``[prompt.markup]``, ...), and two
tables say what is not policy: ``[model]`` and ``[weights]``. Does not know where such files lie.
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
_MOST_BYTES = 100_000  # a policy is a page long
_NOT_POLICY = ("model", "weights")


def is_hub_id(text: str) -> bool:
    """Whether ``text`` has the form ``organisation/name``."""
    return _HUB_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What people want to know of a model in one line each. The card says the rest."""

    title: str = ""
    summary: str = ""
    licence: str = ""  # of the weights


@dataclass(frozen=True, slots=True)
class WeightsInfo:
    """Where the weights are, when they are not beside the file."""

    hub: str = ""  # organisation/name
    revision: str = DEFAULT_REVISION  # branch, tag or commit
    size_gb: Annotated[float, Within(0, 1_000_000)] = 0.0  # 10^9 bytes to download; 0: not known

    def __post_init__(self) -> None:
        if self.hub and not is_hub_id(self.hub):
            raise UsageError(f"hub must look like organisation/name, not {self.hub!r}.")
        if not self.revision.strip():
            raise UsageError("revision must not be blank.")
        require_usable(self)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The whole of one ``policy.toml``."""

    model: ModelInfo = field(default_factory=ModelInfo)
    weights: WeightsInfo = field(default_factory=WeightsInfo)
    policy: StreamPolicy = field(default_factory=StreamPolicy)


def read(path: Path) -> PolicyFile:
    """The file at ``path``. Raises `ModelError`, naming file and key, for anything that is not as it must be."""
    try:
        data = read_bytes(path, most=_MOST_BYTES)
    except UnreadableError as error:
        raise ModelError(f"{path} is no policy: {error}.", "Mend it, or take it away.") from error
    return parse(toml.decode(data, path, ModelError), source=str(path))


def parse(text: str, *, source: str) -> PolicyFile:
    """``text`` as a policy file; ``source`` is what errors call it."""
    document = document_of(source, ModelError)
    model, weights, tables = split(document, text)
    return PolicyFile(model, weights, document.value(StreamPolicy, tables, ""))


def document_of(source: str, error: type[SvlmError]) -> toml.Document:
    """How a policy file is read that errors of this kind call ``source``."""
    known = [*toml.keys(StreamPolicy), *(key for key in toml.keys(PolicyFile) if key.split(".")[0] in _NOT_POLICY)]
    return toml.Document(source, error, known)


def split(document: toml.Document, text: str) -> tuple[ModelInfo, WeightsInfo, dict[str, Any]]:
    """The tables that are not policy, read; and those that are, as they stand."""
    tables = document.tables(text)
    parts = {name: tables.pop(name) for name in _NOT_POLICY if name in tables}
    return (
        document.value(ModelInfo, parts.get("model", {}), "model"),
        document.value(WeightsInfo, parts.get("weights", {}), "weights"),
        tables,
    )


def dump(file: PolicyFile) -> str:
    """All of ``file`` as TOML, defaults included: ``parse(dump(file)) == file``."""
    policy, rest = "\n".join(toml.lines(file.policy)), "\n".join(toml.lines(file, skip=("policy",)))
    return f"{policy.strip()}\n\n{rest.strip()}\n"
