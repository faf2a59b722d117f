"""Many questions at once: threads ask, and votes are written as they come. Knows no files of data and no server."""

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from svlm_cli.core.errors import ModelError
from svlm_cli.core.text import presentable
from svlm_cli.evals.judge.asking import Asker, UnansweredError
from svlm_cli.evals.judge.questions import JudgeQuestion, Outcome, read_reply, visible_length
from svlm_cli.evals.judge.votes import Vote

_IN_A_ROW: Final = 10  # questions without an answer: then the server is gone
_SHOWN: Final = 200  # characters of a reply


@dataclass(slots=True)
class Spent:
    """What a run has done, and what it took."""

    votes: int = 0
    cached: int = 0
    malformed: int = 0
    unanswered: int = 0
    tokens_in: int = 0  # of this run's own requests
    tokens_out: int = 0

    def note(self, vote: Vote) -> None:
        """One more."""
        self.votes += vote.outcome not in (Outcome.MALFORMED, Outcome.UNANSWERED)
        self.malformed += vote.outcome is Outcome.MALFORMED
        self.unanswered += vote.outcome is Outcome.UNANSWERED
        self.cached += vote.cached
        if not vote.cached:
            self.tokens_in += vote.tokens_in
            self.tokens_out += vote.tokens_out

    def cost(self, price_in: float | None, price_out: float | None) -> float | None:
        """Prices are for a million tokens; without both, nobody knows."""
        if price_in is None or price_out is None:
            return None
        return (self.tokens_in * price_in + self.tokens_out * price_out) / 1e6


def collect_votes(
    questions: Sequence[JudgeQuestion],
    asker: Asker,
    *,
    jobs: int,
    has_ties: bool,
    write: Callable[[Vote], None],
) -> Spent:
    """Asks all of them, `jobs` at once, and hands over each vote as it comes.

    Raises what ends it: `ModelError` if the server is of no use, or has not answered ten questions in a row.
    """
    waiting: queue.SimpleQueue[JudgeQuestion] = queue.SimpleQueue()
    done: queue.SimpleQueue[Vote | BaseException] = queue.SimpleQueue()
    _fill(waiting, questions)
    threads = [
        threading.Thread(target=_work, args=(waiting, done, asker, has_ties), daemon=True)
        for _ in range(min(jobs, len(questions)))
    ]
    for thread in threads:
        thread.start()
    spent, in_a_row = Spent(), 0
    try:
        for _ in questions:
            vote = done.get()
            if isinstance(vote, BaseException):
                raise vote
            write(vote)
            spent.note(vote)
            in_a_row = in_a_row + 1 if vote.outcome is Outcome.UNANSWERED else 0
            if in_a_row == _IN_A_ROW:
                raise ModelError(
                    f"The judge's server has not answered {_IN_A_ROW} questions in a row: {vote.reply}.",
                    "Try again later; votes and answers are kept.",
                )
    finally:
        asker.stop.set()  # who waits for a server that was given up is left behind
    for thread in threads:
        thread.join()
    return spent


def _fill(waiting: "queue.SimpleQueue[JudgeQuestion]", questions: Iterable[JudgeQuestion]) -> None:
    for one in questions:
        waiting.put(one)


def _work(
    waiting: "queue.SimpleQueue[JudgeQuestion]",
    done: "queue.SimpleQueue[Vote | BaseException]",
    asker: Asker,
    has_ties: bool,
) -> None:
    try:
        while not asker.stop.is_set():
            try:
                question = waiting.get_nowait()
            except queue.Empty:
                return
            done.put(vote_on(question, asker, has_ties=has_ties))
    except BaseException as error:  # noqa: BLE001  it is raised where votes are waited for
        done.put(error)


def vote_on(question: JudgeQuestion, asker: Asker, *, has_ties: bool) -> Vote:
    """One question, and what came of it."""
    pair = question.pair
    try:
        answered = asker.ask(question)
    except UnansweredError as error:
        outcome, said, tokens, cached, temperature = Outcome.UNANSWERED, str(error), (0, 0), False, True
    else:
        reply = answered.reply
        outcome, said = read_reply(reply.text, question.order, has_ties=has_ties), reply.text
        tokens, cached, temperature = (reply.tokens_in, reply.tokens_out), answered.cached, answered.temperature
    return Vote(
        pair.video,
        pair.part,
        pair.fifth,
        question.order,
        outcome,
        presentable(said)[:_SHOWN],
        visible_length(pair.a),
        visible_length(pair.b),
        *tokens,
        cached,
        temperature,
    )
