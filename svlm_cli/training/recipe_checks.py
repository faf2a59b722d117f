"""What a recipe's tables check of their values. Knows none of them."""

import math

from svlm_cli.core.errors import UsageError


def require(condition: bool, message: str) -> None:
    """`UsageError` with the message unless it is so."""
    if not condition:
        raise UsageError(message)


def above(part: object, *names: str, least: float = 1) -> None:
    """`UsageError` for a value of `part` by these names that is below `least`, or no number."""
    for name in names:
        value = getattr(part, name)
        require(math.isfinite(value) and value >= least, f"{name} must be {least:g} or more, not {value}.")


def share(part: object, *names: str) -> None:
    """The same for values that must be between 0 and 1."""
    for name in names:
        value = getattr(part, name)
        require(0 <= value <= 1, f"{name} must be between 0 and 1, not {value}.")
