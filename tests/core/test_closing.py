"""The context manager that closes itself."""

import pytest

from svlm_cli.core.closing import Closing


class Door(Closing):
    """Counts how often it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def fail_in(door: Door) -> None:
    """An error inside the context."""
    with door as entered:
        assert entered is door
        raise ZeroDivisionError


def test_leaving_closes_and_lets_errors_through() -> None:
    """Guards against a context that swallows what went wrong in it."""
    door = Door()
    with pytest.raises(ZeroDivisionError):
        fail_in(door)
    assert door.closed == 1
