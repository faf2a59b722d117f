"""What a question about a video is, whoever asks: a benchmark, or training. Knows no file, no prompt and no score."""

from enum import StrEnum
from typing import Final, Protocol

YES: Final = "yes"
NO: Final = "no"


class AnswerKind(StrEnum):
    """How a question is answered, and what is asked by its text."""

    CHOICE = "choice"  # with the letter of an option
    COUNT = "count"  # how often what the text names has been done so far: a whole number
    STEP = "step"  # whether the step of the text is being done now: yes or no
    CLUE = "clue"  # whether what has been seen is enough to answer the text: yes or no
    PROACTIVE = "proactive"  # at the right moment, with the right words


class Askable(Protocol):
    """What a question needs to be put in words (`prompts.py`)."""

    @property
    def kind(self) -> AnswerKind:
        """How it is answered."""
        ...

    @property
    def text(self) -> str:
        """Options not included."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """Without their letters; of choices alone."""
        ...

    @property
    def answer(self) -> str:
        """The letter, a number, yes or no, or what is to be said."""
        ...

    @property
    def earlier(self) -> tuple[tuple[str, str], ...]:
        """What was asked and answered before, in words."""
        ...


def yes_no(flag: bool | int) -> str:
    """Whether."""
    return YES if flag else NO
