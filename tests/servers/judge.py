"""A judge on loopback: honest, biased, noisy or malformed; slow and failing as any server of its kind.

It sees no more than a judge does, the words of a request. A text's worth is written in it: ``worth 7``; or it
is a commentary of Endless Match, which can be read for what it tells (``match_judge.py``). The ways to judge are
functions, so tests that need no server use them as they are. As a program it judges until it is stopped:

    python -m tests.servers.judge knows-the-match --port 8123

Knows nothing of votes.
"""

import argparse
import hashlib
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.servers.chat import ChatOnLoopback, Messages, serving
from tests.servers.match_judge import knows_the_match

_TEXTS = re.compile(
    r"=== Reference ===\n(?P<reference>.*?)\n\n"
    r"=== Commentary A ===\n(?P<first>.*?)\n\n=== Commentary B ===\n(?P<second>.*?)\n\n=== End ===",
    re.DOTALL,
)

Decide = Callable[[str, str, str], str]
"""The text that is read first, the other one, and the reference, to the reply."""


def _worth(text: str) -> int:
    found = re.search(r"worth (\d+)", text)
    return int(found[1]) if found else -1


def truthful(first: str, second: str, reference: str) -> str:
    """The better text. Of equals, the first: somehow it must answer."""
    return "A" if _worth(first) >= _worth(second) else "B"


def position_biased(first: str, second: str, reference: str) -> str:
    """Whatever is read first."""
    return "A"


def length_biased(first: str, second: str, reference: str) -> str:
    """The longer one."""
    return "A" if len(first) >= len(second) else "B"


def noisy(first: str, second: str, reference: str) -> str:
    """A coin, which falls the same way for the same two texts in the same order."""
    return "AB"[hashlib.sha256(f"{first}\0{second}".encode()).digest()[0] % 2]


def malformed(first: str, second: str, reference: str) -> str:
    """A sentence that names a letter."""
    return "A is the better one."


WAYS: dict[str, Decide] = {
    "truthful": truthful,
    "position-biased": position_biased,
    "length-biased": length_biased,
    "noisy": noisy,
    "malformed": malformed,
    "knows-the-match": knows_the_match,
}


def decide_on(messages: Messages, decide: Decide) -> str:
    """The reply to a question in our own words."""
    found = _TEXTS.search(messages[-1]["content"])
    assert found, messages
    return decide(found["first"], found["second"], found["reference"])


@dataclass(slots=True)
class JudgeOnLoopback(ChatOnLoopback):
    """How it judges, how it is to fail, and what it was asked."""

    decide: Decide = truthful


@contextmanager
def serve_judge(decide: Decide, port: int = 0) -> Iterator[JudgeOnLoopback]:
    """A running judge; without a port, on any that is free."""
    judge = JudgeOnLoopback(lambda messages: decide_on(messages, judge.decide), decide=decide)
    with serving(judge, port):
        yield judge


def _main() -> None:
    parser = argparse.ArgumentParser(description="Judges on loopback until it is stopped.")
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--port", type=int, default=8123)
    asked = parser.parse_args()
    with serve_judge(WAYS[asked.way], asked.port) as judge, suppress(KeyboardInterrupt):
        sys.stdout.write(f"{judge.base_url}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    _main()
