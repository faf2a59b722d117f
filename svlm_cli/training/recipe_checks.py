"""Checks for values in a recipe's tables. Knows none of the tables."""

import math

from svlm_cli.core.errors import UsageError


def require(condition: bool, message: str) -> None:
    """`UsageError` with `message` unless `condition` holds."""
    if not condition:
        raise UsageError(message)


def above(part: object, *names: str, least: float = 1) -> None:
    """`UsageError` if one of these values of `part` is below `least`, or not a number."""
    for name in names:
        value = getattr(part, name)
        require(math.isfinite(value) and value >= least, f"{name} must be {least:g} or more, not {value}.")


def share(part: object, *names: str) -> None:
    """The same for values that must be between 0 and 1."""
    for name in names:
        value = getattr(part, name)
        require(0 <= value <= 1, f"{name} must be between 0 and 1, not {value}.")
