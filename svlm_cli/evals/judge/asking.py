"""Builds requests to a judge from prompts. Knows no server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from svlm_cli.chat.asking import AskedChat, Asker
from svlm_cli.chat.server import ChatRole
from svlm_cli.evals.judge.prompts import JudgePrompts
from svlm_cli.evals.judge.questions import JudgeQuestion

JUDGE: Final = ChatRole("The judge's server", "A judge is asked", "--judge", most_characters=2000)  # more is malformed

JudgeAsker = Asker[JudgeQuestion]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedJudge(AskedChat):
    """The question which of two texts is better."""

    texts: Sequence[str]  # reference, A, B; contained in the messages in some form
    order: str


@dataclass(frozen=True, slots=True)
class JudgeForm:
    """A judge and its prompts."""

    address: str
    judge: str
    prompts: JudgePrompts
    seed: int | None = None

    def asked(self, question: JudgeQuestion, temperature: float | None) -> AskedJudge:
        """The request for a question."""
        pair = question.pair
        return AskedJudge(
            server=self.address,
            model=self.judge,
            messages=self.prompts.messages(question.texts),
            seed=self.seed,
            temperature=temperature,
            texts=(pair.reference, pair.a, pair.b),
            order=question.order,
        )
