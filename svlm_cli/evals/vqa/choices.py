"""The user's choices: how the model looks, and what counts as its answer. No torch."""

from enum import StrEnum


class Way(StrEnum):
    """A way of looking."""

    STREAMING = "streaming"  # the stream, which comments and remembers as its policy says
    FULL = "full"  # frames sampled over all that may be seen, at once
    RECENT = "recent"  # only the last frames, at once
    WINDOW = "window"  # the stream, reset at regular intervals

    @property
    def streams(self) -> bool:
        """Whether the video is streamed, instead of shown as a clip."""
        return self in (Way.STREAMING, Way.WINDOW)


class AnswerBy(StrEnum):
    """What counts as the answer to a question with options."""

    LETTERS = "letters"  # the likeliest letter of an option
    GENERATION = "generation"  # the generated text
