"""What there is to say in a match, what a commentary says, and second-by-second counts that compare the two.

Seconds are named by index: second 3 is (3 s, 4 s]. Does not know how words are parsed (``reading.py``) or where they
come from.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svlm_cli.evals.pairing import Moment, Pair
from svlm_cli.evals.scores import Count, Counts
from svlm_cli.evals.timeliness import Timed, hold_against
from svlm_cli.simulator.match.events import Score

NOBODY = -1  # an event told of a name that belongs to neither team
TOLERANCE_S = 1.5  # around the second of the reference's key word, so that second or a neighbour


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An event, in the second in which its key word ends."""

    second: int
    kind: str
    team: int | None
    is_goal: bool


@dataclass(frozen=True, slots=True)
class ToldName:
    """A word in the place of a team's name, right or not."""

    second: int
    name: str


@dataclass(frozen=True, slots=True)
class ToldScore:
    """A stated score, from its first number to its last."""

    first_second: int
    second: int
    score: Score
    with_goal: bool  # in the sentence about a goal, so the scoreboard shows it; other scores are restated


@dataclass(frozen=True, slots=True)
class Telling:
    """What a commentary says."""

    speaks: NDArray[np.bool_]  # [seconds]
    events: tuple[ToldEvent, ...] = ()
    names: tuple[ToldName, ...] = ()
    scores: tuple[ToldScore, ...] = ()


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true, and what the reference says about it."""

    reference: Telling
    scores: tuple[tuple[float, Score], ...]  # changes: time in s, and new score; before the first it is 0 0

    @property
    def seconds(self) -> int:
        """The duration of the match."""
        return len(self.reference.speaks)


def matched(
    wanted: Sequence[tuple[int, Hashable]], said: Sequence[tuple[int, Hashable]], within_s: float = TOLERANCE_S
) -> list[Pair]:
    """The largest one-to-one matching of equal keys at most `within_s` apart. Both are (second, key), in any order.

    Per key, matching the earliest to the earliest is optimal, because all tolerances are equal.
    """
    by_key: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, told in enumerate((wanted, said)):
        for index in sorted(range(len(told)), key=lambda one, told=told: told[one][0]):  # type: ignore[misc]
            by_key[told[index][1]][side].append(index)
    return [pair for ours, theirs in by_key.values() for pair in _nearest(wanted, ours, said, theirs, within_s)]


def _nearest(
    wanted: Sequence[tuple[int, Hashable]],
    ours: Sequence[int],
    said: Sequence[tuple[int, Hashable]],
    theirs: Sequence[int],
    within_s: float,
) -> Iterator[Pair]:
    waiting = iter(theirs)
    candidate = next(waiting, None)
    for index in ours:
        second = wanted[index][0]
        while candidate is not None and said[candidate][0] < second - within_s:
            candidate = next(waiting, None)
        if candidate is not None and said[candidate][0] <= second + within_s:
            yield index, candidate
            candidate = next(waiting, None)


@dataclass(frozen=True, slots=True)
class KindCount:
    """Counts of events of one kind: in the reference, said, and both."""

    kind: str
    true: int
    said: int
    hit: int


def count_kinds(matches: Sequence[tuple[Truth, Telling]]) -> tuple[KindCount, ...]:
    """Over all matches, each with a candidate's commentary; the most frequent kinds first."""
    true, said, hit = Counter[str](), Counter[str](), Counter[str]()
    for truth, candidate in matches:
        wanted = truth.reference.events
        true.update(one.kind for one in wanted)
        said.update(one.kind for one in candidate.events)
        hit.update(wanted[index].kind for index, _ in matched(_keyed(wanted), _keyed(candidate.events)))
    kinds = sorted(true | said, key=lambda kind: (-true[kind], kind))
    return tuple(KindCount(kind, true[kind], said[kind], hit[kind]) for kind in kinds)


def tally(truth: Truth, candidate: Telling) -> Counts:
    """``[seconds, C]``: the candidate's counts, each in the second of what it was compared with.

    So a hit and the claim it matches count in the reference's second, and an unmatched claim where it was said.
    """
    assert len(candidate.speaks) == truth.seconds, "both are of the same match"
    counts = np.zeros((truth.seconds, len(Count)), np.int64)
    _count_events(counts, truth.reference.events, candidate.events)
    _count_names(counts, truth.reference.names, candidate.names)
    _count_scores(counts, truth, candidate.scores)
    ours, theirs = truth.reference.speaks, candidate.speaks
    counts[:, Count.BOTH_SPEAK] = ours & theirs
    counts[:, Count.ONLY_REFERENCE] = ours & ~theirs
    counts[:, Count.ONLY_CANDIDATE] = ~ours & theirs
    counts[:, Count.BOTH_SILENT] = ~ours & ~theirs
    return counts


def time_events(truth: Truth, candidate: Telling) -> Timed:
    """When the candidate told each event: at the end of the second of its key word."""
    return hold_against(_moments(truth.reference.events), _moments(candidate.events), truth.seconds)


def _moments(events: Sequence[ToldEvent]) -> list[Moment]:
    return [(one.second + 1.0, (one.kind, one.team)) for one in events]


def _count_events(counts: Counts, wanted: Sequence[ToldEvent], said: Sequence[ToldEvent]) -> None:
    hits = {theirs: ours for ours, theirs in matched(_keyed(wanted), _keyed(said))}
    for one in wanted:
        _add(counts, one.second, Count.EVENTS_TRUE, Count.GOALS_TRUE if one.is_goal else None)
    for index, one in enumerate(said):
        second = wanted[hits[index]].second if index in hits else one.second
        _add(counts, second, Count.EVENTS_SAID, Count.GOALS_SAID if one.is_goal else None)
        if index in hits:
            _add(counts, second, Count.EVENTS_HIT, Count.GOALS_HIT if one.is_goal else None)


def _keyed(events: Sequence[ToldEvent]) -> list[tuple[int, Hashable]]:
    return [(one.second, (one.kind, one.team)) for one in events]


def _count_names(counts: Counts, wanted: Sequence[ToldName], said: Sequence[ToldName]) -> None:
    """Match right names first; of the rest, a name within reach of an unmatched one is wrong."""
    right = matched([(one.second, one.name) for one in wanted], [(one.second, one.name) for one in said])
    ours, theirs = ({pair[side] for pair in right} for side in (0, 1))
    rest = [one for index, one in enumerate(wanted) if index not in ours]
    wrong = matched(
        [(one.second, None) for one in rest],
        [(one.second, None) for index, one in enumerate(said) if index not in theirs],
    )
    for one in wanted:
        _add(counts, one.second, Count.NAMES_TRUE)
    for index, _ in right:
        _add(counts, wanted[index].second, Count.NAMES_SAID, Count.NAMES_HIT)
    for index, _ in wrong:
        _add(counts, rest[index].second, Count.NAMES_SAID)


def _count_scores(counts: Counts, truth: Truth, said: Sequence[ToldScore]) -> None:
    restated = []
    for one in said:
        right = one.score in _scores_during(truth.scores, one)
        _add(counts, one.second, Count.SCORES_SAID, Count.SCORES_RIGHT if right else None)
        if not one.with_goal:
            restated.append((one.second, one.score))
            _add(counts, one.second, Count.RESTATED_SAID, Count.RESTATED_RIGHT if right else None)
    wanted = [(one.second, one.score) for one in truth.reference.scores if not one.with_goal]
    for told in truth.reference.scores:
        _add(counts, told.second, Count.SCORES_TRUE, None if told.with_goal else Count.RESTATED_TRUE)
    for index, _ in matched(wanted, restated):
        _add(counts, wanted[index][0], Count.RESTATED_HIT)


def _scores_during(changes: Sequence[tuple[float, Score]], told: ToldScore) -> set[Score]:
    """Every score that was valid at some time during the statement."""
    times = [time_s for time_s, _ in changes]
    first, last = (bisect_right(times, float(moment)) for moment in (told.first_second, told.second + 1))
    return {changes[index - 1][1] if index else (0, 0) for index in range(first, last + 1)}


def _add(counts: Counts, second: int, *columns: Count | None) -> None:
    for column in columns:
        if column is not None:
            counts[second, column] += 1
