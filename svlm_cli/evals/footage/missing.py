"""Which news a commentary should have stated and did not: it had the time, and used it for nothing better.

A speaker with one mouth cannot say everything. The rules of the commentary decide what comes first, so what was missed
depends on what the speaker was saying, not on what another speaker chose. Knows no rates.
"""

import math
from collections.abc import Iterable, Sequence

from svlm_cli.evals.footage.reading import Said
from svlm_cli.simulator.footage.speech import LAST_PICTURE_S, News, interrupts, lasts_s, rank


def missed(news: Iterable[News], holding: Sequence[Said]) -> list[News]:
    """Those of `news` that a speaker of `holding`, statements that hold, could have stated instead of a silence,
    of a statement that does not hold, or of one that the rules place after them.
    """
    speaking = {second: one for one in holding for second in range(one.begun, one.begun + lasts_s(one.words))}
    return [one for one in news if any(not _excused(one, second, speaking.get(second)) for second in _seconds(one))]


def _seconds(news: News) -> range:
    """The seconds in which a statement of it was due."""
    if news.due_s < news.from_s:
        return range(0)
    return range(math.ceil(news.from_s - LAST_PICTURE_S), math.ceil(news.due_s - LAST_PICTURE_S))


def _excused(news: News, second: int, said: Said | None) -> bool:
    if said is None:
        return False
    if said.begun < second:  # in the middle of a sentence
        return not interrupts(news.statement)
    return rank(said.statement) <= rank(news.statement)
