"""Overrides of a model's policy for one call: a file, and single keys that take precedence.

The file has the format of ``policy.toml``, where ``[model]`` and ``[weights]`` are ignored; single keys are TOML, as in
``windows.sink_tokens=8``. Everything else keeps the model's value. Knows no command line.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from svlm_cli.checkpoints import policy_file, toml
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import PolicyOverrides, StreamPolicy

_SINGLE: Final = "--set"  # the source of single keys in errors


@dataclass(frozen=True, slots=True)
class PolicyChanges:
    """Tables of overrides, validated as far as possible without the policy."""

    source: str = ""  # its name in errors
    tables: Mapping[str, Any] | None = None  # None: no overrides

    def applied(self, policy: StreamPolicy, overrides: PolicyOverrides | None = None) -> StreamPolicy:
        """`policy` with these changes, and with `overrides`, which take precedence.

        `UsageError` if the values are inconsistent.
        """
        overrides = overrides or PolicyOverrides()
        if self.tables is not None:
            tables = self.tables
            if overrides.fps is not None:  # the length of a round has to suit it
                tables = _merged(tables, {"vision": {"fps": overrides.fps}})
            policy = _document(self.source).over(policy, tables)
        return policy.changed(overrides)

    def told(self) -> dict[str, Any]:
        """For the setting in a report: the tables, if any."""
        return {} if self.tables is None else {"policy": dict(self.tables)}

    def asks(self, key: str) -> bool:
        """Whether the dotted `key` is overridden."""
        found: Any = self.tables
        for name in key.split("."):
            if not isinstance(found, Mapping) or name not in found:
                return False
            found = found[name]
        return True


def read(file: Path | None = None, single: Sequence[str] = ()) -> PolicyChanges:
    """The overrides in a file and in single keys; of a repeated key the last value counts.

    `UsageError` naming file and key for an unknown key, a wrong type or a value out of bounds.
    """
    sources, tables = [], {}
    if file is not None:
        sources.append(str(file))
        tables = _of_file(file)
    for one in single:
        tables = _merged(tables, _of_line(one))
    if single:
        sources.append(_SINGLE)
    return PolicyChanges(" with ".join(sources), tables) if sources else PolicyChanges()


def defaults() -> Iterator[tuple[str, str]]:
    """All keys of a policy, dotted, with their defaults as TOML."""
    table = ""
    for line in toml.lines(StreamPolicy()):
        if line.startswith("\n["):
            table = f"{line[2:-1]}."
        else:
            name, _, value = line.partition(" = ")
            yield f"{table}{name}", value


def _of_file(path: Path) -> dict[str, Any]:
    text = toml.read_text(path, what="a policy", error=UsageError)
    document = policy_file.document_of(str(path), UsageError)
    *_, tables = policy_file.split(document, text)
    document.check(StreamPolicy, tables)
    return tables


def _of_line(text: str) -> dict[str, Any]:
    try:
        tables = _document(f"{_SINGLE} {shown(text)}").tables(text)
    except UsageError as error:
        raise UsageError(error.message, error.hint or _form(text)) from error
    if not tables:
        raise UsageError(f"{_SINGLE} {shown(text)} sets nothing.", _form(text))
    _document(_SINGLE).check(StreamPolicy, tables)
    return tables


def _form(text: str) -> str:
    """How a key is set; the key in `text`, if it has one."""
    key, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not key or '"' in text or "'" in text:
        key, value = "prompt.query", "What happens?"
    return f"""Write KEY=VALUE as in TOML, texts in quotes: {shown(f'{key}="{value}"')}."""


def _document(source: str) -> toml.Document:
    return toml.Document(source, UsageError, list(toml.keys(StreamPolicy)))


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of both, recursively; `above` takes precedence."""
    tables = dict(below)
    for name, value in above.items():
        own = tables.get(name)
        tables[name] = _merged(own, value) if isinstance(own, Mapping) and isinstance(value, Mapping) else value
    return tables
