"""Questions to a judge about two texts on the same part of a video, each pair in both orders; and parsing of replies.

Does not know where texts come from, or who is asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NO_FIFTH: Final = -1  # for a video that is not divided into fifths


class Benchmark(StrEnum):
    """The benchmark of the texts, by its command's name."""

    COMMENTARY = "commentary"
    LIVESPORTS = "livesports"

    @property
    def has_ties(self) -> bool:
        """Whether any reply that is neither A nor B is a tie, and counts."""
        return self is Benchmark.LIVESPORTS

    @property
    def seed(self) -> int | None:
        """The seed of the published judge."""
        return 42 if self is Benchmark.LIVESPORTS else None


class PairOrder(StrEnum):
    """Which of the two texts the judge sees first, as A."""

    AB = "ab"
    BA = "ba"


class Outcome(StrEnum):
    """The outcome of a question."""

    A = "a"  # the first commentary won, whichever letter the judge used
    B = "b"
    TIE = "tie"
    MALFORMED = "malformed"  # an answer that is not in the required form
    UNANSWERED = "unanswered"  # no answer in any attempt


DECIDED: Final = (Outcome.A, Outcome.B)


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """A part of a video, the human reference, and the two texts."""

    video: str
    part: str
    fifth: int
    reference: str
    a: str
    b: str

    def questions(self) -> Iterator["JudgeQuestion"]:
        """One question per order."""
        return (JudgeQuestion(self, order) for order in PairOrder)


@dataclass(frozen=True, slots=True)
class JudgeQuestion:
    """A pair in one order."""

    pair: JudgedPair
    order: PairOrder

    @property
    def texts(self) -> Mapping[str, str]:
        """The values of the prompt's placeholders."""
        first, second = (self.pair.a, self.pair.b) if self.order is PairOrder.AB else (self.pair.b, self.pair.a)
        return {"reference": self.pair.reference, "first": first, "second": second}


def read_reply(reply: str, order: PairOrder, *, has_ties: bool) -> Outcome:
    """Strict: one letter, A or B, apart from white space and one final full stop; if there are ties, also tie.

    Everything else is malformed, including sentences that name a letter.
    """
    said = reply.strip().removesuffix(".")
    if said in ("A", "B"):
        return Outcome.A if (said == "A") is (order is PairOrder.AB) else Outcome.B
    return Outcome.TIE if has_ties and said.lower() == "tie" else Outcome.MALFORMED


def visible_length(text: str) -> int:
    """The number of visible characters: silent seconds are spaces."""
    return len(" ".join(text.split()))
