"""Asks a server until it answers: from the cache, else the server, with retries, and without temperature if refused.

Knows no protocol and no question: the server, and the conversion of questions to chats, are passed in.
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
_LONGEST_ASKED_FOR_S: Final = 600.0  # maximum for a server's Retry-After

Question = TypeVar("Question")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a question is asked, and the waits in between, which roughly double."""

    tries: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0

    def wait_s(self, failed: int, retry_after_s: float | None, chance: float) -> float:
        """The wait after `failed` failures; `chance` is in [0, 1]. A longer Retry-After counts, up to 10 minutes."""
        whole = min(self.first_wait_s * 2.0 ** min(failed - 1, _MOST_DOUBLINGS), self.longest_wait_s)
        jittered = whole * (1 + chance) / 2
        return max(jittered, min(retry_after_s or 0.0, _LONGEST_ASKED_FOR_S) + whole * chance / 2)


class UnansweredError(Exception):
    """All tries have failed. Says why the last one did, a sentence without its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedChat:
    """A question as sent. Subclasses add whatever else determines the reply: equal questions share one."""

    server: str
    model: str
    messages: Sequence[Message]
    seed: int | None
    temperature: float | None

    @property
    def key(self) -> str:
        """The SHA-256 of everything that determines the reply."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply, and how it was obtained."""

    reply: ChatReply
    cached: bool
    temperature: bool  # whether the request had a temperature


@dataclass(slots=True)
class Asker(Generic[Question]):
    """Asks one server, from several threads. `stop` ends all waits."""

    server: ChatServer
    asked: Callable[[Question, float | None], AskedChat]  # builds a request with that temperature
    cache: ReplyCache
    temperature: float = 0.0
    seed: int | None = None
    patience: Patience = field(default_factory=Patience)
    is_kept: Callable[[ChatReply], bool] = lambda reply: True
    fault: Callable[[Question, ChatReply], str] = lambda question, reply: ""  # why it is unusable: ask again
    stop: threading.Event = field(default_factory=threading.Event)
    chance: Callable[[], float] = random.random
    requests: int = 0  # made to the server
    lost_in: int = 0  # tokens of unusable answers
    lost_out: int = 0
    _takes_temperature: bool = True
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, question: Question) -> Answered:
        """Raises `UnansweredError`, `ModelError` if asking again is pointless, and `OutputError`."""
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
