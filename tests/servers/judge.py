"""A judge on loopback: honest, biased, noisy or malformed; slow and failing as any server of its kind.

It sees no more than a judge does, the words of a request. A text's worth is written in it: ``worth 7``. The ways to
judge are functions, so tests that need no server use them as they are. Knows nothing of votes.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers.chat import ChatOnLoopback, Messages, serving

_TEXTS = re.compile(
    r"=== Commentary A ===\n(?P<first>.*?)\n\n=== Commentary B ===\n(?P<second>.*?)\n\n=== End ===", re.DOTALL
)

Decide = Callable[[str, str], str]
"""The text that is read first and the other one, to the reply."""


def _worth(text: str) -> int:
    found = re.search(r"worth (\d+)", text)
    return int(found[1]) if found else -1


def truthful(first: str, second: str) -> str:
    """The better text. Of equals, the first: somehow it must answer."""
    return "A" if _worth(first) >= _worth(second) else "B"


def position_biased(first: str, second: str) -> str:
    """Whatever is read first."""
    return "A"


def length_biased(first: str, second: str) -> str:
    """The longer one."""
    return "A" if len(first) >= len(second) else "B"


def noisy(first: str, second: str) -> str:
    """A coin, which falls the same way for the same two texts in the same order."""
    return "AB"[hashlib.sha256(f"{first}\0{second}".encode()).digest()[0] % 2]


def malformed(first: str, second: str) -> str:
    """A sentence that names a letter."""
    return "A is the better one."


def decide_on(messages: Messages, decide: Decide) -> str:
    """The reply to a question in our own words."""
    found = _TEXTS.search(messages[-1]["content"])
    assert found, messages
    return decide(found["first"], found["second"])


@dataclass(slots=True)
class JudgeOnLoopback(ChatOnLoopback):
    """How it judges, how it is to fail, and what it was asked."""

    decide: Decide = truthful


@contextmanager
def serve_judge(decide: Decide) -> Iterator[JudgeOnLoopback]:
    """A running judge."""
    judge = JudgeOnLoopback(lambda messages: decide_on(messages, judge.decide), decide=decide)
    with serving(judge):
        yield judge
