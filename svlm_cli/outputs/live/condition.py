"""How a video is, in the word that stands in its header. Pure."""

from enum import StrEnum

from svlm_cli.core.events import SourceStatus, State


class Condition(StrEnum):
    """How a video is, as people say it."""

    FILE = "FILE"  # it waits for us, and not we for it
    CONNECTING = "CONNECTING"  # nothing was seen of it yet
    LIVE = "LIVE"
    RECONNECTING = "RECONNECTING"
    ENDED = "ENDED"

    @property
    def without_picture(self) -> bool:
        """Whether it tries to get one."""
        return self in (Condition.CONNECTING, Condition.RECONNECTING)


def condition(status: SourceStatus) -> Condition:
    """The word for the status of a source."""
    match status.state:
        case State.LIVE:
            return Condition.LIVE
        case State.READING:
            return Condition.FILE
        case State.ENDED:
            return Condition.ENDED
        case State.CONNECTING | State.WAITING:
            return Condition.RECONNECTING if status.connections else Condition.CONNECTING
