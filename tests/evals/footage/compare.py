"""How far two labellings of the real clips agree: `python -m tests.evals.footage.compare`, with `--lines` for more.

Two lines agree if clip, kind and values are the same, and their times: both ends within a second, or half of the
longer one shared. The numbers of things are not compared. Sees no clip, and does not know who is right.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.evals.footage.labels import CLIPS_S, FIRST, KINDS, SECOND, STATES, Label, read

WITHIN_S = 1.0
SHARED = 0.5
STEP_S = 0.05  # the seconds of agreement of a state are counted in these


@dataclass(frozen=True, slots=True)
class Comparison:
    """The lines of two files: those that agree, those that do but for place or size, and those of one file alone."""

    agree: tuple[tuple[Label, Label], ...]
    nearly: tuple[tuple[Label, Label], ...]
    only_first: tuple[Label, ...]
    only_second: tuple[Label, ...]

    def where(self, fits: Callable[[Label], bool]) -> "Comparison":
        return Comparison(
            tuple(pair for pair in self.agree if fits(pair[0])),
            tuple(pair for pair in self.nearly if fits(pair[0])),
            tuple(filter(fits, self.only_first)),
            tuple(filter(fits, self.only_second)),
        )


def compare(first: Sequence[Label], second: Sequence[Label]) -> Comparison:
    """Each line has at most one partner: pairs are made of those with the most values in common, then the closest."""
    candidates = sorted(
        (_values_apart(one, other), _times_apart_s(one, other), index, place)
        for index, one in enumerate(first)
        for place, other in enumerate(second)
        if _may_be_the_same(one, other)
    )
    left, right = set(range(len(first))), set(range(len(second)))
    agree: list[tuple[Label, Label]] = []
    nearly: list[tuple[Label, Label]] = []
    for apart, _, index, place in candidates:
        if index in left and place in right:
            left.remove(index)
            right.remove(place)
            (nearly if apart else agree).append((first[index], second[place]))
    only_first, only_second = (first[index] for index in sorted(left)), (second[place] for place in sorted(right))
    return Comparison(tuple(agree), tuple(nearly), tuple(only_first), tuple(only_second))


def _may_be_the_same(one: Label, other: Label) -> bool:
    return (one.clip, one.kind, one.main()) == (other.clip, other.kind, other.main()) and _same_times(one, other)


def _same_times(one: Label, other: Label) -> bool:
    if max(abs(one.start_s - other.start_s), abs(one.end_s - other.end_s)) <= WITHIN_S:
        return True
    shared_s = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    return shared_s >= SHARED * max(one.end_s - one.start_s, other.end_s - other.start_s)


def _values_apart(one: Label, other: Label) -> int:
    return sum(one.values[name] != other.values[name] for name in one.values)


def _times_apart_s(one: Label, other: Label) -> float:
    return abs(one.start_s - other.start_s) + abs(one.end_s - other.end_s)


def agreed_s(first: Sequence[Label], second: Sequence[Label], kind: str, clip: str) -> float:
    """For how many seconds of a clip both say the same of a state, whichever way they split it into lines."""
    steps = round(CLIPS_S[clip] / STEP_S)
    times = [(step + 0.5) * STEP_S for step in range(steps)]
    return STEP_S * sum(_state(first, kind, clip, at_s) == _state(second, kind, clip, at_s) for at_s in times)


def _state(labels: Iterable[Label], kind: str, clip: str, at_s: float) -> object:
    at = (one for one in labels if one.kind == kind and one.clip == clip and one.start_s <= at_s < one.end_s)
    return next((one.main() for one in at), None)


def lines_table(comparison: Comparison, names: Iterable[str], name_of: Callable[[Label], str]) -> str:
    rows = ["| | agree | but for place or size | only first | only second |", "|---|---|---|---|---|"]
    rows += [_lines_row(name, comparison.where(partial(_is_called, name_of, name))) for name in names]
    return "\n".join([*rows, _lines_row("all", comparison)])


def _is_called(name_of: Callable[[Label], str], name: str, one: Label) -> bool:
    return name_of(one) == name


def _lines_row(name: str, part: Comparison) -> str:
    counts = (len(part.agree), len(part.nearly), len(part.only_first), len(part.only_second))
    return f"| {name} | {' | '.join(map(str, counts))} |"


def seconds_table(first: Sequence[Label], second: Sequence[Label]) -> str:
    rows = [f"| | {' | '.join(STATES)} | of |", f"|---{'|---' * len(STATES)}|---|"]
    for clip, lasts_s in CLIPS_S.items():
        agreed = " | ".join(f"{agreed_s(first, second, kind, clip):.1f}" for kind in STATES)
        rows.append(f"| {clip} | {agreed} | {lasts_s:.1f} |")
    return "\n".join(rows)


def differences(comparison: Comparison) -> str:
    """What differs: `<` is of the first file alone, `>` of the second, `~` of both, with another place or size."""
    lines = [(one, f"< {_said(one)}") for one in comparison.only_first]
    lines += [(one, f"> {_said(one)}") for one in comparison.only_second]
    lines += [(one, f"~ {_said(one)}\n  {_said(other)}") for one, other in comparison.nearly]
    order = list(CLIPS_S)
    return "\n".join(text for _, text in sorted(lines, key=lambda pair: (order.index(pair[0].clip), pair[0].start_s)))


def _said(one: Label) -> str:
    thing = "" if one.thing is None else f" of {one.thing}"
    values = ", ".join(map(str, one.values.values()))
    doubt, note = "" if one.sure else " (not sure)", f": {one.note}" if one.note else ""
    return f"{one.clip} {one.start_s:.2f}-{one.end_s:.2f} {one.kind}{thing} {values}{doubt}{note}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", nargs="?", type=Path, default=FIRST)
    parser.add_argument("second", nargs="?", type=Path, default=SECOND)
    parser.add_argument("--lines", action="store_true", help="print the lines that differ as well")
    arguments = parser.parse_args()
    first, second = read(arguments.first), read(arguments.second)
    comparison = compare(first, second)
    parts = [
        ("Lines by kind", lines_table(comparison, KINDS, lambda one: one.kind)),
        ("Lines by clip", lines_table(comparison, CLIPS_S, lambda one: one.clip)),
        ("Seconds in which both say the same", seconds_table(first, second)),
    ]
    if arguments.lines:
        parts.append(("Lines that differ", differences(comparison)))
    print("\n\n".join(f"{title}\n\n{text}" for title, text in parts))  # noqa: T201


if __name__ == "__main__":
    main()
