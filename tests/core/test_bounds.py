"""Bounds beside fields: what is within, and how a message shows what is not."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from svlm_cli.core.bounds import FieldError, Within, require_usable, require_within, shown
from svlm_cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Part:
    """Fields of each kind."""

    count: Annotated[int, Within(0, 10)] = 0
    share: Annotated[float, Within(0, 1, above=True)] = 1.0
    text: Annotated[str, Within(0, 3)] = ""
    sizes: Annotated[tuple[float, ...], Within(1, 2)] = ()
    unbounded: float = 0.0
    absent: Annotated[int | None, Within(0, 10)] = None


def test_what_is_within_passes() -> None:
    """Guards the ends, which are within."""
    require_within(Part())
    require_within(Part(10, 1.0, "abc", (1.0, 2.0), float("nan"), 10))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"count": -1}, "count must be 0 or more, not -1"),
        ({"count": 11}, "count must be at most 10, not 11"),
        ({"count": 10**5000}, "count must be at most 10, not what is too large to show"),
        ({"share": 0.0}, "share must be above 0, not 0.0"),
        ({"share": float("nan")}, "share must be above 0, not nan"),
        ({"share": float("inf")}, "share must be above 0, not inf"),
        ({"share": 1e308}, r"share must be at most 1, not 1e\+308"),
        ({"text": "abcd"}, "text must have at most 3 characters, not 4"),
        ({"sizes": (1.0, 2.5)}, "sizes must be at most 2, not 2.5"),
        ({"absent": -1}, "absent must be 0 or more, not -1"),
    ],
)
def test_what_is_out_of_bounds_is_named(changes: dict[str, Any], problem: str) -> None:
    """Guards against NaN, which no comparison catches, and numbers that cannot be printed."""
    with pytest.raises(FieldError, match=f"^{problem}$"):
        require_within(Part(**changes))
    with pytest.raises(FieldError, match=f"^table.{problem}$"):
        require_within(Part(**changes), "table")
    with pytest.raises(UsageError, match=rf"^{problem}\.$"):
        require_usable(Part(**changes))


def test_whatever_it_is_can_be_shown() -> None:
    """Guards messages about values that are themselves too much for a message."""
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    assert shown(nested) == shown(10**5000) == "what is too large to show"
    assert shown("x" * 1000) == "'" + "x" * 56 + "..."
    assert shown([1, "a"]) == "[1, 'a']"
