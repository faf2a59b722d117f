"""The state of a video as the word in its header. Pure."""

from enum import StrEnum

from svlm_cli.core.events import SourceStatus, State


class Condition(StrEnum):
    """The state of a video, as shown."""

    FILE = "FILE"  # read on demand, so never late
    CONNECTING = "CONNECTING"  # no picture yet
    LIVE = "LIVE"
    RECONNECTING = "RECONNECTING"
    ENDED = "ENDED"

    @property
    def without_picture(self) -> bool:
        """Whether it has no picture and is trying to get one."""
        return self in (Condition.CONNECTING, Condition.RECONNECTING)


def condition(status: SourceStatus) -> Condition:
    """The word for a source's status."""
    match status.state:
        case State.LIVE:
            return Condition.LIVE
        case State.READING:
            return Condition.FILE
        case State.ENDED:
            return Condition.ENDED
        case State.CONNECTING | State.WAITING:
            return Condition.RECONNECTING if status.connections else Condition.CONNECTING
