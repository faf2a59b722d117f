"""Computes rates with intervals from votes: wins, agreement between the orders, and biases of the judge.

Counts are per video and fifth and are summed before any division, so intervals come from resampling videos.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.evals.judge.questions import DECIDED, Benchmark, Outcome, PairOrder
from svlm_cli.evals.judge.votes import Vote
from svlm_cli.evals.resampling import NOTHING, drawn_times, estimate
from svlm_cli.evals.scores import FIFTHS, Estimate

Tallied = NDArray[np.int64]
"""``[..., T]``, indexed by `Tally`."""


class Tally(IntEnum):
    """Columns of the counts."""

    WON = 0  # by A
    VOTES = 1  # including ties, if the benchmark has them
    FAILED = 2  # questions without a valid vote
    AGREED = 3  # pairs with the same outcome in both orders
    PAIRS = 4  # pairs with votes in both orders
    FIRST = 5  # decided votes for the text shown first
    DECIDED = 6
    LONGER = 7  # decided votes for the longer text
    UNEQUAL = 8  # decided votes on texts of unequal length


_RATES: Final = (
    (Tally.WON, Tally.VOTES),
    (Tally.AGREED, Tally.PAIRS),
    (Tally.FIRST, Tally.DECIDED),
    (Tally.LONGER, Tally.UNEQUAL),
)


@dataclass(frozen=True, slots=True)
class Rates:
    """The statistics of votes. Intervals are None for a single video, rates if there is nothing to divide."""

    win_rate: Estimate
    agreement: Estimate
    first_place: Estimate
    longer: Estimate
    fifths: tuple[Estimate, ...]  # win rates; empty for a benchmark without fifths
    last_minus_first: Estimate

    def to_json(self) -> dict[str, Any]:
        """Each by name."""
        return {
            "win_rate": self.win_rate.to_json(),
            "fifths": [one.to_json() for one in self.fifths],
            "last_minus_first": self.last_minus_first.to_json(),
            "agreement": self.agreement.to_json(),
            "first_place_rate": self.first_place.to_json(),
            "longer_wins": self.longer.to_json(),
        }


def is_vote(vote: Vote, benchmark: Benchmark) -> bool:
    """Whether it counts: if there are ties, any reply that is neither A nor B is one."""
    if vote.outcome is Outcome.MALFORMED:
        return benchmark.has_ties
    return vote.outcome is not Outcome.UNANSWERED


def rates(votes: Iterable[Vote], benchmark: Benchmark, *, seed: int = 0) -> Rates:
    """Rates with percentile bootstrap intervals over videos. Does not depend on the order of votes."""
    cells = _cells(list(votes), benchmark)  # [V, 5, T]
    drawn = _drawn(cells, seed)  # [R, 5, T]
    whole, whole_drawn = _divided(cells.sum(axis=(0, 1))), _divided(drawn.sum(axis=1))
    win, agreement, first, longer = (estimate(whole[index], whole_drawn[:, index]) for index in range(len(_RATES)))
    if benchmark is not Benchmark.COMMENTARY:
        return Rates(win, agreement, first, longer, (), NOTHING)
    each, each_drawn = _divided(cells.sum(axis=0))[:, 0], _divided(drawn)[..., 0]  # [5], [R, 5]
    fifths = tuple(estimate(each[index], each_drawn[:, index]) for index in range(FIFTHS))
    drift = estimate(each[-1] - each[0], each_drawn[:, -1] - each_drawn[:, 0])
    return Rates(win, agreement, first, longer, fifths, drift)


def _cells(votes: Sequence[Vote], benchmark: Benchmark) -> Tallied:
    videos = sorted({one.video for one in votes})
    row = {video: index for index, video in enumerate(videos)}
    cells = np.zeros((len(videos), FIFTHS, len(Tally)), np.int64)
    pairs: dict[tuple[str, str], list[Vote]] = {}
    for vote in votes:
        cell = cells[row[vote.video], max(vote.fifth, 0)]
        if not is_vote(vote, benchmark):
            cell[Tally.FAILED] += 1
            continue
        cell[Tally.VOTES] += 1
        _count_decided(cell, vote)
        pairs.setdefault((vote.video, vote.part), []).append(vote)
    for both in pairs.values():
        if len(both) == len(PairOrder):
            cell = cells[row[both[0].video], max(both[0].fifth, 0)]
            cell[Tally.PAIRS] += 1
            cell[Tally.AGREED] += len({_decided(one) for one in both}) == 1
    return cells


def _decided(vote: Vote) -> Outcome:
    return vote.outcome if vote.outcome in DECIDED else Outcome.TIE


def _count_decided(cell: Tallied, vote: Vote) -> None:
    if vote.outcome not in DECIDED:
        return
    for_a = vote.outcome is Outcome.A
    cell[Tally.WON] += for_a
    cell[Tally.DECIDED] += 1
    cell[Tally.FIRST] += for_a is (vote.order is PairOrder.AB)
    if vote.characters_a != vote.characters_b:
        cell[Tally.UNEQUAL] += 1
        cell[Tally.LONGER] += for_a is (vote.characters_a > vote.characters_b)


def _drawn(cells: Tallied, seed: int) -> Tallied:
    """``[R, 5, T]``: sums over videos, resampled with replacement."""
    drawn: Tallied = np.einsum("rv,vft->rft", drawn_times(len(cells), seed), cells)
    return drawn


def _divided(counts: Tallied) -> NDArray[np.float64]:
    """``[..., T]`` -> ``[..., 4]``; NaN if there is nothing to divide."""
    parts = [counts[..., part] for part, _ in _RATES]
    wholes = [counts[..., whole] for _, whole in _RATES]
    part, whole = np.stack(parts, axis=-1), np.stack(wholes, axis=-1)
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return shares
