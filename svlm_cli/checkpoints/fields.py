"""Checked access to JSON objects of a checkpoint: errors name the field and its value.

Checks types; bounds of values are declared in dataclasses (``core/bounds.py``).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from svlm_cli.checkpoints.reading import MOST_CONFIG_BYTES, MissingError, UnreadableError, read_json
from svlm_cli.core.bounds import FieldError, shown
from svlm_cli.core.errors import ModelError

_MOST_BITS = 1000  # of an integer that is converted to float


def read_object(folder: Path, name: str, *, most: int = MOST_CONFIG_BYTES) -> dict[str, Any]:
    """The object in a file of a checkpoint. `ModelError` if there is none."""
    try:
        return read_json(folder / name, most=most)
    except MissingError as error:
        raise ModelError(f"{folder} has no {name}.", "Name a folder that holds a whole checkpoint.") from error
    except UnreadableError as error:
        raise ModelError(f"{folder / name} cannot be used: {error}.", "Fetch the checkpoint again.") from error


@contextmanager
def of_file(name: str, hint: str) -> Iterator[None]:
    """Turns a `FieldError` inside into a `ModelError` that names the file."""
    try:
        yield
    except FieldError as error:
        raise ModelError(f"{name}: {error}.", hint) from error


class Fields:
    """The fields of an object. ``null`` counts as missing."""

    def __init__(self, raw: Mapping[str, Any], name: str = "") -> None:
        self.raw = {key: value for key, value in raw.items() if value is not None}
        self.name = name

    def over(self, fallback: "Fields") -> "Fields":
        """These fields, with missing ones taken from `fallback`."""
        return Fields(fallback.raw | self.raw, self.name)

    def path(self, field: str) -> str:
        """The name of a field in errors."""
        return f"{self.name}.{field}" if self.name else field

    def has(self, field: str) -> bool:
        """Whether the field exists."""
        return field in self.raw

    def get(self, field: str) -> Any:
        """The value, of any type."""
        self._require(field in self.raw, field, "is missing")
        return self.raw[field]

    def mapping(self, field: str) -> "Fields":
        """A nested object."""
        value = self.get(field)
        self._require(isinstance(value, Mapping), field, f"is {shown(value)}, not an object")
        return Fields(value, self.path(field))

    def integer(self, field: str, *, default: int | None = None) -> int:
        """An integer, at least 0."""
        value = self.raw.get(field, default) if default is not None else self.get(field)
        self._require(_is_count(value), field, f"is {shown(value)}, not a whole number of 0 or more")
        return int(value)

    def size(self, field: str) -> int:
        """An integer above 0."""
        value = self.integer(field)
        self._require(value > 0, field, "must be above 0")
        return value

    def number(self, field: str) -> float:
        """A number above 0."""
        value = self.get(field)
        self._require(_is_number(value) and value > 0, field, f"is {shown(value)}, not a number above 0")
        return float(value)

    def integers(self, field: str) -> tuple[int, ...]:
        """A list of integers, at least 0."""
        value = self.get(field)
        valid = isinstance(value, (list, tuple)) and all(map(_is_count, value))
        self._require(valid, field, f"is {shown(value)}, not a list of whole numbers")
        return tuple(value)

    def one_or_more(self, field: str) -> tuple[int, ...]:
        """An integer, or a list of them, at least 0."""
        several = isinstance(self.get(field), (list, tuple))
        values = self.integers(field) if several else (self.integer(field),)
        self._require(bool(values), field, "is empty")
        return values

    def three_numbers(self, field: str) -> tuple[float, float, float]:
        """One number per colour."""
        value = self.raw.get(field)
        valid = isinstance(value, (list, tuple)) and len(value) == 3 and all(map(_is_number, value))
        self._require(valid, field, f"must be three numbers, not {shown(value)}")
        first, second, third = map(float, value or ())
        return first, second, third

    def text(self, field: str) -> str:
        """A string."""
        value = self.get(field)
        self._require(isinstance(value, str), field, f"is {shown(value)}, not a text")
        return str(value)

    def flag(self, field: str) -> bool:
        """A boolean; False if missing."""
        value = self.raw.get(field, False)
        self._require(isinstance(value, bool), field, f"is {shown(value)}, not true or false")
        return bool(value)

    def expect(self, field: str, *supported: Any) -> None:
        """The field must be missing, or one of ``supported``."""
        value = self.raw.get(field)
        self._require(value is None or value in supported, field, f"{shown(value)} is not supported")

    def _require(self, condition: bool, field: str, problem: str) -> None:
        if not condition:
            raise FieldError(f"{self.path(field)} {problem}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    """Includes infinity and NaN, which bounds exclude."""
    return isinstance(value, float) or (type(value) is int and value.bit_length() < _MOST_BITS)
