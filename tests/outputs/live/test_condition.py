"""How a source is, in a word."""

import pytest

from svlm_cli.core.events import SourceStatus, State
from svlm_cli.outputs.live.condition import Condition, condition


@pytest.mark.parametrize(
    ("state", "connections", "shown"),
    [
        (State.CONNECTING, 0, Condition.CONNECTING),
        (State.WAITING, 0, Condition.CONNECTING),
        (State.LIVE, 1, Condition.LIVE),
        (State.WAITING, 1, Condition.RECONNECTING),
        (State.CONNECTING, 1, Condition.RECONNECTING),
        (State.READING, 0, Condition.FILE),
        (State.ENDED, 1, Condition.ENDED),
    ],
)
def test_a_camera_that_was_never_there_is_not_coming_back(state: State, connections: int, shown: Condition) -> None:
    assert condition(SourceStatus("front", state, connections=connections)) is shown
