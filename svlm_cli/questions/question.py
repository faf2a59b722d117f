"""A question about a video, in a benchmark or in training. Knows no file, no prompt and no score."""

from enum import StrEnum
from typing import Final, Protocol

YES: Final = "yes"
NO: Final = "no"


class AnswerKind(StrEnum):
    """How a question is answered, and what its text contains."""

    CHOICE = "choice"  # with the letter of an option
    COUNT = "count"  # how often the text's action has happened so far: a whole number
    STEP = "step"  # whether the text's step is being done now: yes or no
    CLUE = "clue"  # whether enough has been seen to answer the text: yes or no
    PROACTIVE = "proactive"  # at the right moment, with the right words


class Askable(Protocol):
    """What `prompts.py` needs to word a question."""

    @property
    def kind(self) -> AnswerKind:
        """How it is answered."""
        ...

    @property
    def text(self) -> str:
        """Without options."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """Without letters; only for choices."""
        ...

    @property
    def answer(self) -> str:
        """The letter, a number, yes or no, or the expected words."""
        ...

    @property
    def earlier(self) -> tuple[tuple[str, str], ...]:
        """Earlier questions with their answers in words."""
        ...


def yes_no(flag: bool | int) -> str:
    """A boolean as an answer."""
    return YES if flag else NO
