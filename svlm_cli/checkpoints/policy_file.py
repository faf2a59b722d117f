"""``policy.toml`` <-> dataclasses, strictly: every key is known and of the right type; what is missing is the default.

The top level holds the keys of ``StreamPolicy``, its parts are tables (``[vision]``, ``[prompt.markup]``, ...), and two
tables say what is not policy: ``[model]`` and ``[weights]``. The code is generic over the dataclasses: a new field of a
policy needs no line here. Does not know where such files lie.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints

from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.core.policy import StreamPolicy

POLICY_FILE = "policy.toml"
DEFAULT_REVISION = "main"

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_MAX_BYTES = 1_000_000  # a policy is a page long: what is bigger is something else


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
    size_gb: float = 0.0  # 10^9 bytes to download; 0: not known

    def __post_init__(self) -> None:
        if self.hub and not is_hub_id(self.hub):
            raise UsageError(f"hub must look like organisation/name, not {self.hub!r}.")
        if not self.revision.strip():
            raise UsageError("revision must not be blank.")
        if not 0 <= self.size_gb < float("inf"):
            raise UsageError(f"size_gb must be 0 or more, not {self.size_gb}.")


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The whole of one ``policy.toml``."""

    model: ModelInfo = field(default_factory=ModelInfo)
    weights: WeightsInfo = field(default_factory=WeightsInfo)
    policy: StreamPolicy = field(default_factory=StreamPolicy)


def read(path: Path) -> PolicyFile:
    """The file at ``path``. Raises `ModelError`, naming file and key, for anything that is not as it must be."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ModelError(f"{path} is too big to be a policy.")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8 text.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from error
    return parse(text, source=str(path))


def parse(text: str, *, source: str) -> PolicyFile:
    """``text`` as a policy file; ``source`` is what errors call it."""
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # besides TOMLDecodeError: endless numbers, endless nesting
        raise ModelError(f"{source} is not valid TOML: {error}.") from error
    parts = {name: tables.pop(name) for name in ("model", "weights") if name in tables}
    return PolicyFile(
        model=_value(ModelInfo, parts.get("model", {}), source, "model"),
        weights=_value(WeightsInfo, parts.get("weights", {}), source, "weights"),
        policy=_value(StreamPolicy, tables, source, ""),
    )


def dump(file: PolicyFile) -> str:
    """All of ``file`` as TOML, defaults included: ``parse(dump(file)) == file``."""
    return (
        "\n".join(_lines(file.policy, "")).strip()
        + "\n\n"
        + "\n".join(_lines(file, "", skip=("policy",))).strip()
        + "\n"
    )


def _value(kind: Any, value: Any, source: str, key: str) -> Any:
    """``value`` as the type ``kind``, or an error that names ``key``."""
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise _wrong_type(value, "a table", source, key)
        return _instance(kind, value, source, key)
    if issubclass(kind, StrEnum):
        if value not in tuple(kind):
            choices = ", ".join(repr(str(choice)) for choice in kind)
            raise _wrong_type(value, f"one of {choices}", source, key, _did_you_mean(value, [str(one) for one in kind]))
        return kind(value)
    if kind is float and type(value) is int:
        try:
            return float(value)
        except OverflowError as error:
            raise _wrong_type(value, "a number within reason", source, key) from error
    if type(value) is not kind:  # exact: a bool is an int to isinstance
        raise _wrong_type(value, _TYPE_NAMES[kind], source, key)
    return value


_TYPE_NAMES: dict[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _instance(kind: Any, table: dict[str, Any], source: str, prefix: str) -> Any:
    types = get_type_hints(kind)
    for name in table:
        if name not in types:
            key = _join(prefix, name)
            raise ModelError(f"{source}: unknown key {key!r}.", _did_you_mean(key, list(_known_keys())))
    values = {name: _value(types[name], value, source, _join(prefix, name)) for name, value in table.items()}
    try:
        return kind(**values)
    except UsageError as error:
        place = f"{source}, [{prefix}]" if prefix else source
        raise ModelError(f"{place}: {error.message}", error.hint) from error


def _wrong_type(value: Any, expected: str, source: str, key: str, hint: str = "") -> ModelError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return ModelError(f"{source}: {key} must be {expected}, not {shown}.", hint)


def _known_keys() -> Iterator[str]:
    yield from _keys(StreamPolicy, "")
    yield from (key for key in _keys(PolicyFile, "") if key.split(".")[0] != "policy")


def _keys(kind: Any, prefix: str) -> Iterator[str]:
    for name, inner in get_type_hints(kind).items():
        key = _join(prefix, name)
        yield key
        if is_dataclass(inner):
            yield from _keys(inner, key)


def _did_you_mean(key: Any, known: list[str]) -> str:
    if not isinstance(key, str):
        return ""
    leaf = key.rpartition(".")[2]
    elsewhere = [one for one in known if one.rpartition(".")[2] == leaf]  # the right key in the wrong table
    close = elsewhere or difflib.get_close_matches(key, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _lines(part: Any, table: str, skip: tuple[str, ...] = ()) -> Iterator[str]:
    """The keys of ``part``, then its tables, as TOML requires."""
    values = {one.name: getattr(part, one.name) for one in fields(part) if one.name not in skip}
    scalars = {name: value for name, value in values.items() if not is_dataclass(value)}
    if table and scalars:
        yield f"\n[{table}]"
    yield from (f"{name} = {_literal(value)}" for name, value in scalars.items())
    for name, value in values.items():
        if is_dataclass(value):
            yield from _lines(value, _join(table, name))


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's strings are TOML's basic strings, but for DEL, which TOML wants escaped
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
