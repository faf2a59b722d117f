"""The JSON objects of a checkpoint, every access to which is checked: errors name the field and what it is.

Knows types; how large a value may be stands beside the fields of the dataclass that it goes into (``core/bounds.py``).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from svlm_cli.checkpoints.reading import MOST_CONFIG_BYTES, MissingError, UnreadableError, read_json
from svlm_cli.core.bounds import FieldError, shown
from svlm_cli.core.errors import ModelError

_MOST_BITS = 1000  # of a whole number that becomes a float


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
    """What is wrong with a field is a `ModelError` that names the file."""
    try:
        yield
    except FieldError as error:
        raise ModelError(f"{name}: {error}.", hint) from error


class Fields:
    """``null`` counts as absent."""

    def __init__(self, raw: Mapping[str, Any], name: str = "") -> None:
        self.raw = {key: value for key, value in raw.items() if value is not None}
        self.name = name

    def over(self, fallback: "Fields") -> "Fields":
        """These, and where one is absent the other's."""
        return Fields(fallback.raw | self.raw, self.name)

    def path(self, field: str) -> str:
        """What errors call a field."""
        return f"{self.name}.{field}" if self.name else field

    def has(self, field: str) -> bool:
        """Whether it is there."""
        return field in self.raw

    def get(self, field: str) -> Any:
        """Whatever it is."""
        self._require(field in self.raw, field, "is missing")
        return self.raw[field]

    def mapping(self, field: str) -> "Fields":
        """An object in the object."""
        value = self.get(field)
        self._require(isinstance(value, Mapping), field, f"is {shown(value)}, not an object")
        return Fields(value, self.path(field))

    def integer(self, field: str, *, default: int | None = None) -> int:
        """A whole number of 0 or more."""
        value = self.raw.get(field, default) if default is not None else self.get(field)
        self._require(_is_count(value), field, f"is {shown(value)}, not a whole number of 0 or more")
        return int(value)

    def size(self, field: str) -> int:
        """A whole number above 0."""
        value = self.integer(field)
        self._require(value > 0, field, "must be above 0")
        return value

    def number(self, field: str) -> float:
        """A number above 0."""
        value = self.get(field)
        self._require(_is_number(value) and value > 0, field, f"is {shown(value)}, not a number above 0")
        return float(value)

    def integers(self, field: str) -> tuple[int, ...]:
        """A list of whole numbers of 0 or more."""
        value = self.get(field)
        valid = isinstance(value, (list, tuple)) and all(map(_is_count, value))
        self._require(valid, field, f"is {shown(value)}, not a list of whole numbers")
        return tuple(value)

    def one_or_more(self, field: str) -> tuple[int, ...]:
        """A whole number of 0 or more, or a list of them."""
        several = isinstance(self.get(field), (list, tuple))
        values = self.integers(field) if several else (self.integer(field),)
        self._require(bool(values), field, "is empty")
        return values

    def three_numbers(self, field: str) -> tuple[float, float, float]:
        """One for each colour."""
        value = self.raw.get(field)
        valid = isinstance(value, (list, tuple)) and len(value) == 3 and all(map(_is_number, value))
        self._require(valid, field, f"must be three numbers, not {shown(value)}")
        first, second, third = map(float, value or ())
        return first, second, third

    def text(self, field: str) -> str:
        """Any text."""
        value = self.get(field)
        self._require(isinstance(value, str), field, f"is {shown(value)}, not a text")
        return str(value)

    def flag(self, field: str) -> bool:
        """False where it is absent."""
        value = self.raw.get(field, False)
        self._require(isinstance(value, bool), field, f"is {shown(value)}, not true or false")
        return bool(value)

    def expect(self, field: str, *supported: Any) -> None:
        """Absent, or one of ``supported``."""
        value = self.raw.get(field)
        self._require(value is None or value in supported, field, f"{shown(value)} is not supported")

    def _require(self, condition: bool, field: str, problem: str) -> None:
        if not condition:
            raise FieldError(f"{self.path(field)} {problem}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    """Also infinity and NaN: they are out of all bounds."""
    return isinstance(value, float) or (type(value) is int and value.bit_length() < _MOST_BITS)
