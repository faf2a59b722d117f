"""Runs many questions concurrently in threads, and yields results as they arrive.

Knows neither questions nor answers.
"""

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from svlm_cli.core.errors import ModelError

_IN_A_ROW: Final = 10  # unanswered questions, after which the server counts as down

Question = TypeVar("Question")
Done = TypeVar("Done")


def at_once(
    questions: Sequence[Question], work: Callable[[Question], Done], *, jobs: int, stop: threading.Event
) -> Generator[Done, None, None]:
    """The result of `work` for each question, in order of completion, `jobs` at a time.

    Re-raises what `work` raises. `stop` is set at the end, even if the iterator is closed early; threads that still
    wait for an abandoned server are left behind.
    """
    waiting: queue.SimpleQueue[Question] = queue.SimpleQueue()
    done: queue.SimpleQueue[Done | _Failure] = queue.SimpleQueue()
    for one in questions:
        waiting.put(one)
    threads = [
        threading.Thread(target=_work, args=(waiting, done, work, stop), daemon=True)
        for _ in range(min(jobs, len(questions)))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in questions:
            found = done.get()
            if isinstance(found, _Failure):
                raise found.error
            yield found
    finally:
        stop.set()
    for thread in threads:
        thread.join()


@dataclass(frozen=True, slots=True)
class _Failure:
    """An exception to re-raise in the consumer."""

    error: BaseException


def _work(
    waiting: "queue.SimpleQueue[Question]",
    done: "queue.SimpleQueue[Done | _Failure]",
    work: Callable[[Question], Done],
    stop: threading.Event,
) -> None:
    try:
        while not stop.is_set():
            try:
                question = waiting.get_nowait()
            except queue.Empty:
                return
            done.put(work(question))
    except BaseException as error:  # noqa: BLE001  re-raised in the consumer
        done.put(_Failure(error))


@dataclass(slots=True)
class Silence:
    """Counts consecutive unanswered questions."""

    server: str  # at the start of a sentence
    kept: str  # as in "votes and answers"
    count: int = 0

    def note(self, unanswered: str) -> None:
        """Record a question: "" if answered, else the reason. Raises `ModelError` at the tenth in a row."""
        self.count = self.count + 1 if unanswered else 0
        if self.count == _IN_A_ROW:
            raise ModelError(
                f"{self.server} has not answered {_IN_A_ROW} questions in a row: {unanswered}.",
                f"Try again later; {self.kept} are kept.",
            )
