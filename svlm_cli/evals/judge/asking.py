"""Asking a judge until it answers: from disk, else the server, again after a while, without a temperature if need be.

Knows no protocol: the server is handed in.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from svlm_cli.core.errors import ModelError
from svlm_cli.evals.judge.prompts import JudgePrompts
from svlm_cli.evals.judge.questions import JudgeQuestion
from svlm_cli.evals.judge.replies import Asked, JudgeReply, ReplyCache
from svlm_cli.evals.judge.server import AskAgainError, ChatServer, TemperatureRefusedError

_MOST_DOUBLINGS: Final = 30
_LONGEST_ASKED_FOR_S: Final = 600.0  # of a server's Retry-After


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a question is asked, and how long is waited in between: each time about twice as long."""

    tries: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0

    def wait_s(self, failed: int, retry_after_s: float | None, chance: float) -> float:
        """After so many failures; `chance` is from 0 to 1. A server that asks for more gets it, up to 10 minutes."""
        whole = min(self.first_wait_s * 2.0 ** min(failed - 1, _MOST_DOUBLINGS), self.longest_wait_s)
        jittered = whole * (1 + chance) / 2
        return max(jittered, min(retry_after_s or 0.0, _LONGEST_ASKED_FOR_S) + whole * chance / 2)


class UnansweredError(Exception):
    """All tries are used up. Says why the last one failed, a sentence without its end."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply, and how it came."""

    reply: JudgeReply
    cached: bool
    temperature: bool  # whether it was asked for with temperature 0


@dataclass(slots=True)
class Asker:
    """Asks one judge, from several threads at once. `stop` ends all waiting."""

    server: ChatServer
    address: str
    judge: str
    prompts: JudgePrompts
    cache: ReplyCache
    seed: int | None = None
    patience: Patience = field(default_factory=Patience)
    stop: threading.Event = field(default_factory=threading.Event)
    chance: Callable[[], float] = random.random
    requests: int = 0  # that were made of the server
    _takes_temperature: bool = True
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, question: JudgeQuestion) -> Answered:
        """Raises `UnansweredError`, `ModelError` if it is of no use to ask on, and `OutputError`."""
        for temperature in (0.0, None):
            if found := self.cache.get(self._asked(question, temperature).key):
                return Answered(found, True, temperature is not None)
        failed = 0
        while True:
            temperature = 0.0 if self._takes_temperature else None
            asked = self._asked(question, temperature)
            try:
                with self._counting:
                    self.requests += 1
                reply = self.server.ask(asked.messages, seed=self.seed, temperature=temperature)
            except TemperatureRefusedError as error:
                if temperature is None:
                    raise ModelError("The judge's server refuses a temperature that was not sent.") from error
                self._takes_temperature = False
            except AskAgainError as error:
                failed += 1
                wait_s = self.patience.wait_s(failed, error.retry_after_s, self.chance())
                if failed >= self.patience.tries or self.stop.wait(wait_s):
                    raise UnansweredError(str(error)) from error
            else:
                return Answered(self.cache.put(asked.key, reply), False, temperature is not None)

    def _asked(self, question: JudgeQuestion, temperature: float | None) -> Asked:
        pair = question.pair
        return Asked(
            self.address,
            self.judge,
            self.prompts.messages(question.texts),
            (pair.reference, pair.a, pair.b),
            question.order,
            self.seed,
            temperature,
        )
