"""A judge who knows the language of Endless Match, and so whether a text tells what the reference tells.

It reads, from the words alone, what each text says: events (kind and team) and scores, one after the other. A text is
worth the F1 of the longest common subsequence of that and what the reference says: what is left out, made up, of the
other team or in another order costs. Of two that are worth the same, the one whose number of words is nearer to the
reference's wins, then the one that comes first in the alphabet; so the place decides only between texts of the same
words.
"""

from collections.abc import Hashable, Sequence

from svlm_cli.evals.reading import read


def knows_the_match(first: str, second: str, reference: str) -> str:
    """The truer text."""
    return "A" if _rank(first, reference) <= _rank(second, reference) else "B"


def worth(text: str, reference: str) -> float:
    """From 0, nothing of the reference and something else, or nothing at all, to 1, what the reference tells."""
    teams = sorted({one.name for one in read(reference.split(), ()).names})
    wanted, told = told_by(reference, teams), told_by(text, teams)
    if not wanted and not told:
        return 1.0
    return 2 * common(wanted, told) / (len(wanted) + len(told))


def told_by(text: str, teams: Sequence[str]) -> list[Hashable]:
    """The events and scores of a text, in its order. Whoever plays for none of the teams is nobody's."""
    found = read(text.split(), teams)  # each word is a second of its own, so that events and scores have an order
    events: list[tuple[int, Hashable]] = [(one.second, (one.kind, one.team)) for one in found.events]
    scores: list[tuple[int, Hashable]] = [(one.second, one.score) for one in found.scores]
    return [what for _, what in sorted(events + scores, key=lambda one: one[0])]


def common(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """The length of the longest common subsequence."""
    longest = [0] * (len(other) + 1)
    for wanted in one:
        before = longest
        longest = [0]
        for index, told in enumerate(other):
            longest.append(before[index] + 1 if told == wanted else max(before[index + 1], longest[-1]))
    return longest[-1]


def _rank(text: str, reference: str) -> tuple[float, int, str]:
    """The lowest wins."""
    words = text.split()
    return -worth(text, reference), abs(len(words) - len(reference.split())), " ".join(words)
