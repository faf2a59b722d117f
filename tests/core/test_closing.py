"""The context manager that closes itself."""

import pytest

from svlm_cli.core.closing import Closing


class Door(Closing):
    """Counts how often it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_leaving_closes_and_lets_errors_through() -> None:
    """Guards against a context that swallows what went wrong in it."""
    door = Door()
    with pytest.raises(ZeroDivisionError), door as entered:
        assert entered is door
        raise ZeroDivisionError
    assert door.closed == 1
