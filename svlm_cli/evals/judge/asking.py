"""How a judge is asked: a question in the words of the prompts, as it is sent. Knows no server."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from svlm_cli.evals.chat.asking import Asker
from svlm_cli.evals.chat.replies import Message
from svlm_cli.evals.chat.server import ChatRole
from svlm_cli.evals.judge.prompts import JudgePrompts
from svlm_cli.evals.judge.questions import JudgeQuestion

JUDGE: Final = ChatRole("The judge's server", "A judge is asked", "--judge", most_characters=2000)  # more is no letter

JudgeAsker = Asker[JudgeQuestion]


@dataclass(frozen=True, slots=True)
class AskedJudge:
    """All that decides a reply: two of these that are alike are one question."""

    server: str
    judge: str
    messages: Sequence[Message]
    texts: Sequence[str]  # reference, A, B; the messages hold them in some form
    order: str
    seed: int | None
    temperature: float | None

    @property
    def key(self) -> str:
        """Its SHA-256."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class JudgeForm:
    """One judge and the words that it is asked in."""

    address: str
    judge: str
    prompts: JudgePrompts
    seed: int | None = None

    def asked(self, question: JudgeQuestion, temperature: float | None) -> AskedJudge:
        """A question to it."""
        pair = question.pair
        return AskedJudge(
            self.address,
            self.judge,
            self.prompts.messages(question.texts),
            (pair.reference, pair.a, pair.b),
            question.order,
            self.seed,
            temperature,
        )
