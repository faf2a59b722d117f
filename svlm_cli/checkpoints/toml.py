"""Converts TOML to frozen dataclasses and back. Strict: unknown keys and wrong types are errors.

Generic: a new field needs no code here. A field is a string, number, boolean, StrEnum member, a list of those (as a
tuple), or a table (another dataclass). Missing keys get defaults. Knows no particular file.
"""

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from svlm_cli.core.bounds import field_problem, shown
from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.core.text import did_you_mean

_MAX_BYTES = 1_000_000  # such files are a page long
_MOST = 2**63 - 1  # the range that TOML guarantees; Python parses hexadecimal numbers of any size
_MOST_DOTS = 500  # per line: for a key with thousands of parts, Python takes minutes
_TYPE_NAMES: dict[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Document:
    """A file to parse: its name in errors, their type, and its keys."""

    source: str
    error: type[SvlmError]
    known: Sequence[str]

    def tables(self, text: str) -> dict[str, Any]:
        """Parse ``text`` as TOML."""
        if any(line.count(".") > _MOST_DOTS for line in text.split("\n")):
            raise self.error(
                f"{self.source}: a line has more than {_MOST_DOTS} dots.", "Break the line, or correct its key."
            )
        try:
            tables = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # besides TOMLDecodeError: huge numbers, deep nesting
            raise self.error(f"{self.source} is not valid TOML: {error}.") from error
        if any(type(value) is int and abs(value) > _MOST for value in _values(tables)):
            raise self.error(f"{self.source}: whole numbers must have at most 64 bits.")
        return tables

    def value(self, kind: Any, value: Any, key: str) -> Any:
        """``value`` as type ``kind``, or an error that names ``key``."""
        if is_dataclass(kind):
            return self._instance(kind, self._table(value, key), key)
        if get_origin(kind) is tuple:
            return self._list(get_args(kind), value, key)
        if issubclass(kind, StrEnum):
            if value not in tuple(kind):
                choices = ", ".join(repr(str(choice)) for choice in kind)
                hint = did_you_mean(value, [str(one) for one in kind], quoted=True)
                raise self._wrong_type(value, f"one of {choices}", key, hint)
            return kind(value)
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:  # exact: isinstance accepts a bool as an int
            raise self._wrong_type(value, _TYPE_NAMES[kind], key)
        return value

    def check(self, kind: Any, table: Mapping[str, Any], prefix: str = "") -> None:
        """Check that every key belongs to ``kind``, with a value of its type and within its bounds.

        Does not check consistency between values: others may come from elsewhere.
        """
        types = self._types(kind, table, prefix)
        for name, value in table.items():
            key = _join(prefix, name)
            if is_dataclass(types[name]):
                self.check(types[name], self._table(value, key), key)
            elif problem := field_problem(kind, name, self.value(types[name], value, key)):
                raise self.error(f"{self._place(prefix)}: {name} must {problem}.")

    def over(self, part: Any, table: Mapping[str, Any], prefix: str = "") -> Any:
        """``part`` with the values in the table replaced."""
        types = self._types(type(part), table, prefix)
        values = {}
        for name, value in table.items():
            key = _join(prefix, name)
            if is_dataclass(types[name]):
                values[name] = self.over(getattr(part, name), self._table(value, key), key)
            else:
                values[name] = self.value(types[name], value, key)
        return self._made(lambda: replace(part, **values), prefix)

    def _list(self, kinds: tuple[Any, ...], value: Any, key: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise self._wrong_type(value, "a list", key)
        if kinds[-1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        if len(value) != len(kinds):
            raise self._wrong_type(value, f"a list of {len(kinds)}", key)
        return tuple(
            self.value(kind, one, f"{key}[{index}]") for index, (kind, one) in enumerate(zip(kinds, value, strict=True))
        )

    def _instance(self, kind: Any, table: dict[str, Any], prefix: str) -> Any:
        types = self._types(kind, table, prefix)
        values = {name: self.value(types[name], value, _join(prefix, name)) for name, value in table.items()}
        return self._made(lambda: kind(**values), prefix)

    def _types(self, kind: Any, table: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        """The types of the keys of ``kind``; checks that the table has no others."""
        types = get_type_hints(kind)
        for name in table:
            if name not in types:
                key = _join(prefix, name)
                raise self.error(f"{self.source}: unknown key {key!r}.", did_you_mean(key, self.known, quoted=True))
        return types

    def _table(self, value: Any, key: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong_type(value, "a table", key)
        return value

    def _made(self, make: Callable[[], Any], prefix: str) -> Any:
        """Call `make`; add the place in the file to errors about inconsistent values."""
        try:
            return make()
        except UsageError as error:
            raise self.error(f"{self._place(prefix)}: {error.message}", error.hint) from error

    def _place(self, prefix: str) -> str:
        return f"{self.source}, [{prefix}]" if prefix else self.source

    def _wrong_type(self, value: Any, expected: str, key: str, hint: str = "") -> SvlmError:
        return self.error(f"{self.source}: {key} must be {expected}, not {shown(value)}.", hint)


def read_text(path: Path, *, what: str, error: type[SvlmError]) -> str:
    """The text of a file or pipe that is ``what`` (a recipe), or an error that names it."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as problem:
        raise error(f"{path} cannot be read: {problem.strerror}.", "Check its name.") from problem
    if len(data) > _MAX_BYTES:
        raise error(f"{path} is too big to be {what}.", "Check its name.")
    return decode(data, path, error)


def decode(data: bytes, path: Path, error: type[SvlmError]) -> str:
    """Decode a file's bytes, or raise an error that names it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise error(f"{path} is not UTF-8 text.", "Check its name, or save it as UTF-8.") from problem


def _values(tables: dict[str, Any]) -> Iterator[Any]:
    """All values, recursively."""
    left: list[Any] = [tables]
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            left += value.values() if isinstance(value, dict) else value
        else:
            yield value


def keys(kind: Any, prefix: str = "") -> Iterator[str]:
    """All keys of a dataclass, including those of its tables."""
    for name, inner in get_type_hints(kind).items():
        key = _join(prefix, name)
        yield key
        if is_dataclass(inner):
            yield from keys(inner, key)


def lines(part: Any, table: str = "", skip: tuple[str, ...] = ()) -> Iterator[str]:
    """The keys of ``part``, then its tables, in the order that TOML requires."""
    values = {one.name: getattr(part, one.name) for one in fields(part) if one.name not in skip}
    scalars = {name: value for name, value in values.items() if not is_dataclass(value)}
    if table and scalars:
        yield f"\n[{table}]"
    yield from (f"{name} = {_literal(value)}" for name, value in scalars.items())
    for name, value in values.items():
        if is_dataclass(value):
            yield from lines(value, _join(table, name))


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON strings are TOML basic strings, except that TOML requires DEL to be escaped.
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
