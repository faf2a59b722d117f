"""Questions about videos, their answers, and a queue for those about running streams. Knows no engine."""

import string
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.core.text import plain_text, presentable
from svlm_cli.outputs.progress import clock

LETTERS: Final = string.ascii_uppercase
_ASKS_FOR_A_LETTER: Final = "Answer with one letter."


@dataclass(frozen=True, slots=True)
class Question:
    """A question. With `choices`, the answer is one of them; otherwise it is free text."""

    text: str
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise UsageError("A question is empty.", "Write what you want to know.")
        if self.choices and not 2 <= len(self.choices) <= len(LETTERS):
            raise UsageError(f"A question has 2 to {len(LETTERS)} choices, not {len(self.choices)}.")
        if not all(choice.strip() for choice in self.choices):
            raise UsageError("A choice is empty.", "Write something for each.")

    @property
    def query(self) -> str:
        """The text for the model: choices are listed below the question, each with its letter."""
        listed = [f"{letter}. {choice.strip()}" for letter, choice in zip(LETTERS, self.choices, strict=False)]
        return "\n".join([self.text.strip(), *listed, *([_ASKS_FOR_A_LETTER] if listed else [])])


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    question: Question
    seen_s: float  # how much of the video had been seen
    text: str  # one of the choices, or free text
    chances: tuple[float, ...] = ()  # probability of each choice, in order; they add up to 1
    work_s: float = 0.0

    def line(self, *, alone: bool) -> str:
        """On one line; of several, with its time and question."""
        answer = presentable(" ".join(self.text.split()))
        return answer if alone else f"[{clock(self.seen_s)}] {presentable(self.question.text)} -> {answer}"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        found: dict[str, Any] = {
            "question": self.question.text,
            "at_s": round(self.seen_s, 3),
            "answer": plain_text(self.text),
        }
        if self.chances:
            chances = zip(self.question.choices, self.chances, strict=True)
            found["chances"] = {choice: round(chance, 6) for choice, chance in chances}
        return found


@dataclass(frozen=True, slots=True)
class _Waiting:
    name: str
    question: Question
    tell: Callable[[Reply | SvlmError], None]


class QuestionDesk:
    """A queue of questions about running streams, filled from any thread and answered between two rounds."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self.wake: Callable[[], None] = lambda: None  # ends the wait for a round

    def leave(self, name: str, question: Question, tell: Callable[[Reply | SvlmError], None]) -> None:
        """Ask the stream called `name`. `tell` gets the answer, or the reason for none, in the thread of the loop."""
        self._waiting.append(_Waiting(name, question, tell))
        self.wake()

    def ask(self, name: str, question: str, tell: Callable[[str], None]) -> None:
        """The same in plain text, as people ask in the live view."""

        def hear(found: Reply | SvlmError) -> None:
            tell(found.message if isinstance(found, SvlmError) else found.text or "(nothing)")

        self.leave(name, Question(question), hear)

    def answer(self, ask: Callable[[str, Question], Reply]) -> None:
        """Answer all queued questions. `ask` may raise an `SvlmError`."""
        while self._waiting:
            one = self._waiting.popleft()
            try:
                found: Reply | SvlmError = ask(one.name, one.question)
            except SvlmError as error:
                found = error
            one.tell(found)
