"""Many questions at once: threads work on them, and what comes of each is handed on as it comes.

Knows neither questions nor answers.
"""

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from svlm_cli.core.errors import ModelError

_IN_A_ROW: Final = 10  # questions without an answer: then the server is gone

Question = TypeVar("Question")
Done = TypeVar("Done")


def at_once(
    questions: Sequence[Question], work: Callable[[Question], Done], *, jobs: int, stop: threading.Event
) -> Generator[Done, None, None]:
    """What `work` makes of each, in the order in which it is done, `jobs` at a time.

    Raises what `work` raises. `stop` is set at the end, also where the iterator is closed before; who waits for a
    server that was given up is left behind then.
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
    """It is raised where answers are waited for."""

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
    except BaseException as error:  # noqa: BLE001  it is raised where answers are waited for
        done.put(_Failure(error))


@dataclass(slots=True)
class Silence:
    """How many questions in a row a server has left without an answer."""

    server: str  # as a sentence begins with it
    kept: str  # as in "votes and answers"
    count: int = 0

    def note(self, unanswered: str) -> None:
        """What came of one more: nothing, or why there is no answer. Raises `ModelError` at the tenth in a row."""
        self.count = self.count + 1 if unanswered else 0
        if self.count == _IN_A_ROW:
            raise ModelError(
                f"{self.server} has not answered {_IN_A_ROW} questions in a row: {unanswered}.",
                f"Try again later; {self.kept} are kept.",
            )
