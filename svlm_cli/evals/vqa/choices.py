"""What people choose when they have questions asked: how the model looks, and what counts as its answer. No torch."""

from enum import StrEnum


class Way(StrEnum):
    """Of looking."""

    STREAMING = "streaming"  # the stream, which comments and remembers by its policy
    FULL = "full"  # frames all over what may be seen, at once
    RECENT = "recent"  # the last frames of it, at once
    WINDOW = "window"  # the stream, which forgets everything every so often

    @property
    def streams(self) -> bool:
        """Whether the video is watched; otherwise a clip is shown."""
        return self in (Way.STREAMING, Way.WINDOW)


class AnswerBy(StrEnum):
    """What counts as the answer to a question with options."""

    LETTERS = "letters"  # the likeliest of the options' letters
    GENERATION = "generation"  # what the model says
