"""Asking a server until it answers: from disk, else the server, again after a while, without a temperature if need be.

Knows no protocol and no question: the server is handed in, and what makes a chat of a question.
"""

import hashlib
import json
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, Generic, TypeVar

from svlm_cli.chat.replies import ChatReply, Message, ReplyCache
from svlm_cli.chat.server import AskAgainError, ChatServer, TemperatureRefusedError
from svlm_cli.core.errors import ModelError

_MOST_DOUBLINGS: Final = 30
_LONGEST_ASKED_FOR_S: Final = 600.0  # of a server's Retry-After

Question = TypeVar("Question")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedChat:
    """A question as it is sent. Kinds of questions add whatever else decides the reply: two that are alike are one."""

    server: str
    model: str
    messages: Sequence[Message]
    seed: int | None
    temperature: float | None

    @property
    def key(self) -> str:
        """The SHA-256 of all that decides the reply."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply, and how it came."""

    reply: ChatReply
    cached: bool
    temperature: bool  # whether it was asked for with one


@dataclass(slots=True)
class Asker(Generic[Question]):
    """Asks one server, from several threads at once. `stop` ends all waiting."""

    server: ChatServer
    asked: Callable[[Question, float | None], AskedChat]  # at that temperature
    cache: ReplyCache
    temperature: float = 0.0
    seed: int | None = None
    patience: Patience = field(default_factory=Patience)
    is_kept: Callable[[ChatReply], bool] = lambda reply: True
    fault: Callable[[Question, ChatReply], str] = lambda question, reply: ""  # of one that is of no use: asked again
    stop: threading.Event = field(default_factory=threading.Event)
    chance: Callable[[], float] = random.random
    requests: int = 0  # that were made of the server
    lost_in: int = 0  # tokens of answers that were of no use
    lost_out: int = 0
    _takes_temperature: bool = True
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, question: Question) -> Answered:
        """Raises `UnansweredError`, `ModelError` if it is of no use to ask on, and `OutputError`."""
        for temperature in (self.temperature, None):
            found = self.cache.get(self.asked(question, temperature).key)
            if found and not self.fault(question, found):
                return Answered(found, True, temperature is not None)
        failed = 0
        while True:
            temperature = self.temperature if self._takes_temperature else None
            asked = self.asked(question, temperature)
            try:
                with self._counting:
                    self.requests += 1
                reply = self.server.ask(asked.messages, seed=self.seed, temperature=temperature)
                if fault := self.fault(question, reply):
                    raise AskAgainError(fault, tokens=(reply.tokens_in, reply.tokens_out))
            except TemperatureRefusedError as error:
                if temperature is None:
                    raise ModelError("The server refuses a temperature that was not sent.") from error
                self._takes_temperature = False
            except AskAgainError as error:
                failed += 1
                self._note_lost(error)
                wait_s = self.patience.wait_s(failed, error.retry_after_s, self.chance())
                if failed >= self.patience.tries or self.stop.wait(wait_s):
                    raise UnansweredError(str(error)) from error
            else:
                kept = self.cache.put(asked.key, reply) if self.is_kept(reply) else reply
                return Answered(reply if self.fault(question, kept) else kept, False, temperature is not None)

    def _note_lost(self, error: AskAgainError) -> None:
        with self._counting:
            self.lost_in += error.tokens[0]
            self.lost_out += error.tokens[1]
