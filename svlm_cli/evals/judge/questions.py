"""Questions to a judge: two texts about the same part of a video, each pair in both orders. And how a reply is read.

Knows neither where the texts come from nor who is asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NO_FIFTH: Final = -1  # of a part whose video is not told in fifths


class Benchmark(StrEnum):
    """What the texts are of, by the name of its command."""

    COMMENTARY = "commentary"
    LIVESPORTS = "livesports"

    @property
    def has_ties(self) -> bool:
        """Whether what is neither A nor B is a tie, and counts."""
        return self is Benchmark.LIVESPORTS

    @property
    def seed(self) -> int | None:
        """What the published judge is seeded with."""
        return 42 if self is Benchmark.LIVESPORTS else None


class PairOrder(StrEnum):
    """Which of the two texts the judge reads first, as A."""

    AB = "ab"
    BA = "ba"


class Outcome(StrEnum):
    """What came of a question."""

    A = "a"  # the first commentary won, whatever the judge called it
    B = "b"
    TIE = "tie"
    MALFORMED = "malformed"  # it answered, and not as it was asked to
    UNANSWERED = "unanswered"  # it did not answer, however often it was asked


DECIDED: Final = (Outcome.A, Outcome.B)


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """A part of a video, what a person said there, and the two texts."""

    video: str
    part: str
    fifth: int
    reference: str
    a: str
    b: str

    def questions(self) -> Iterator["JudgeQuestion"]:
        """One for each order."""
        return (JudgeQuestion(self, order) for order in PairOrder)


@dataclass(frozen=True, slots=True)
class JudgeQuestion:
    """A pair in one order."""

    pair: JudgedPair
    order: PairOrder

    @property
    def texts(self) -> Mapping[str, str]:
        """What the placeholders of the prompts stand for."""
        first, second = (self.pair.a, self.pair.b) if self.order is PairOrder.AB else (self.pair.b, self.pair.a)
        return {"reference": self.pair.reference, "first": first, "second": second}


def read_reply(reply: str, order: PairOrder, *, has_ties: bool) -> Outcome:
    """Strictly: one letter, A or B, after white space and one final stop are taken off; where there are ties, also tie.

    All else is malformed, sentences that name a letter included.
    """
    said = reply.strip().removesuffix(".")
    if said in ("A", "B"):
        return Outcome.A if (said == "A") is (order is PairOrder.AB) else Outcome.B
    return Outcome.TIE if has_ties and said.lower() == "tie" else Outcome.MALFORMED


def visible_length(text: str) -> int:
    """Characters of a text without what nobody sees: silent seconds are blanks."""
    return len(" ".join(text.split()))
