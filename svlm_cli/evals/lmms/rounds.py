"""Multi-round requests, in which the task chooses the next question after each answer. Knows no engine."""

from collections.abc import Callable
from typing import Any


class Conversation:
    """The rounds of one request."""

    def __init__(self, doc: Any, doc_to_messages: Callable[..., Any]) -> None:
        """`doc_to_messages` takes the document, and from the second round on the round's index and the answers."""
        self._doc, self._doc_to_messages = doc, doc_to_messages
        self.coming: Any = doc_to_messages(doc)  # the next question; None at the end
        self.said: list[str] = []  # one per round, as processed by the task
        self._info: Any = None  # the task's own state
        self.round = 0  # index of the next question

    def hear(self, answer: str) -> None:
        """Take the answer to the last question."""
        self.said.append(answer)
        self.round += 1
        coming = self._doc_to_messages(
            self._doc, round_idx=self.round, previous_output=[*self.said], previous_round_info=self._info
        )
        if not (isinstance(coming, tuple) and len(coming) == 4):  # a single-round task returns plain messages
            self.coming = None
            return
        messages, over, said, self._info = coming
        if isinstance(said, list | tuple) and all(isinstance(one, str) for one in said):
            self.said = [*said]
        self.coming = None if over else messages
