"""A request of several rounds: after each answer the task says what is asked next. Knows no engine."""

from collections.abc import Callable
from typing import Any


class Conversation:
    """The rounds of one request."""

    def __init__(self, doc: Any, doc_to_messages: Callable[..., Any]) -> None:
        """`doc_to_messages` takes the document, and from the second round on its number and what was said."""
        self._doc, self._doc_to_messages = doc, doc_to_messages
        self.coming: Any = doc_to_messages(doc)  # the messages of the next question; None: all is said
        self.said: list[str] = []  # an answer a round, as the task leaves them
        self._info: Any = None  # the task's own, from one round to the next
        self.round = 0  # of what is asked next

    def hear(self, answer: str) -> None:
        """The answer to what was asked last."""
        self.said.append(answer)
        self.round += 1
        coming = self._doc_to_messages(
            self._doc, round_idx=self.round, previous_output=[*self.said], previous_round_info=self._info
        )
        if not (isinstance(coming, tuple) and len(coming) == 4):  # a task of one round answers as in the first
            self.coming = None
            return
        messages, over, said, self._info = coming
        if isinstance(said, list | tuple) and all(isinstance(one, str) for one in said):
            self.said = [*said]
        self.coming = None if over else messages
