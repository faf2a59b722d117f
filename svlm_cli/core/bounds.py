"""Bounds of fields, declared in their types: ``depth: Annotated[int, Within(1, 512)]``.

Values from untrusted files are checked before they size a tensor or a loop. Pure. Knows no particular field; the
caller decides what to do with a value out of bounds.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, get_type_hints

from svlm_cli.core.errors import UsageError
from svlm_cli.core.logins import without_logins

_SHOWN = 60  # characters of a value in a message
_LOOKED_AT = 1000  # characters searched for a login


class FieldError(ValueError):
    """Why a value is invalid: a sentence without its full stop. The caller adds the file name."""


@dataclass(frozen=True, slots=True)
class Within:
    """Bounds from `least` to `most`: of a number, of a string's length, or of each item of a list."""

    least: float
    most: float
    above: bool = False  # excludes `least` itself

    def problem(self, value: Any) -> str:
        """What `value` should have been; empty if it is within bounds."""
        if isinstance(value, tuple):
            return next(filter(None, map(self.problem, value)), "")
        if isinstance(value, str):
            return f"have at most {self.most} characters, not {len(value)}" if len(value) > self.most else ""
        too_little = value < self.least or (self.above and value == self.least)
        if too_little or (isinstance(value, float) and not math.isfinite(value)):
            floor = f"above {self.least:g}" if self.above else f"{self.least:g} or more"
            return f"be {floor}, not {shown(value)}"
        return f"be at most {self.most}, not {shown(value)}" if value > self.most else ""


def require_within(part: Any, name: str = "") -> None:
    """`FieldError` naming the first field of a dataclass, called `name`, that is out of bounds."""
    kind: Any = type(part)
    for field, bounds in _bounds(kind).items():
        value = getattr(part, field)
        if value is not None and (problem := bounds.problem(value)):
            raise FieldError(f"{name}.{field} must {problem}" if name else f"{field} must {problem}")


def field_problem(kind: Any, field: str, value: Any) -> str:
    """What a field of the dataclass `kind` should have been; empty if the value is within bounds."""
    bounds = _bounds(kind).get(field)
    return bounds.problem(value) if bounds is not None else ""


def require_usable(part: Any) -> None:
    """As `require_within`, but raises `UsageError`, for values set by users."""
    try:
        require_within(part)
    except FieldError as error:
        raise UsageError(f"{error}.") from error


@cache
def _bounds(kind: Any) -> Mapping[str, Within]:
    return MappingProxyType(dict(_annotated(kind)))


def _annotated(kind: Any) -> Iterator[tuple[str, Within]]:
    for field, hint in get_type_hints(kind, include_extras=True).items():
        yield from ((field, one) for one in getattr(hint, "__metadata__", ()) if isinstance(one, Within))


def shown(value: Any) -> str:
    """A value as messages show it: shortened, and without logins."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # repr() fails on huge integers and on deep nesting
        return "what is too large to show"
    text = without_logins(text[:_LOOKED_AT])
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
