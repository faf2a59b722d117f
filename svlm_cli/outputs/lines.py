"""Breaks words into the lines of a cue. Knows widths and costs of breaks; knows no times."""

import itertools
from collections.abc import Sequence

from svlm_cli.outputs.style import CueStyle
from svlm_cli.outputs.words import Word

_RAGGED = 0.3  # per column of difference between two lines, in the unit of `break_cost`
_TOP_HEAVY = 1.5  # for a first line longer than the second, which covers more of the picture


def columns_together(words: Sequence[Word]) -> int:
    """The width of `words` on one line, where each line break counts as a space."""
    return sum(word.columns + word.spaced for word in words) - (words[0].spaced if words else 0)


def longest_fit(words: Sequence[Word], first: int, max_columns: int, max_lines: int) -> int:
    """The end index of the longest run of words from ``words[first]`` that fits `max_lines` of `max_columns`."""
    lines = 1
    used = 0
    for index in range(first, len(words)):
        word = words[index]
        needed = word.columns + (word.spaced if used else 0)
        if used and used + needed > max_columns:
            if lines == max_lines:
                return index
            lines += 1
            used = word.columns
        else:
            used += needed
    return len(words)


def _lines_needed(words: Sequence[Word], max_columns: int) -> int:
    lines, end = 0, 0
    while end < len(words):
        end = longest_fit(words, end, max_columns, 1)
        lines += 1
    return lines


def break_into_lines(words: Sequence[Word], costs: Sequence[float], style: CueStyle) -> tuple[str, float]:
    """The text of a cue on as few lines as possible, and the cost of its breaks. The words must fit a cue.

    ``costs[k]`` is the cost of a break before ``words[k]``. Lines are balanced; a lower line should be the longer one.
    """
    needed = _lines_needed(words, style.max_line_width)
    assert needed <= style.max_lines, "the words were not checked with longest_fit"
    if needed == 1:
        return _join(words), 0.0
    ends = [0]
    for word in words:
        ends.append(ends[-1] + word.columns + word.spaced)
    mean = ends[-1] / needed

    # best[k] for the first k words on the lines so far: cost, and the end index of each line
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for _ in range(needed - 1):
        longer: dict[int, tuple[float, tuple[int, ...]]] = {}
        for first, (cost, breaks) in best.items():
            for last in range(first + 1, len(words)):
                width = ends[last] - ends[first] - words[first].spaced
                if width > style.max_line_width:
                    break
                total = cost + costs[last] + abs(width - mean) * _RAGGED + (_TOP_HEAVY if width > mean else 0.0)
                if last not in longer or total < longer[last][0]:
                    longer[last] = (total, (*breaks, last))
        best = longer
    finished = []
    for first, (cost, breaks) in best.items():
        width = ends[-1] - ends[first] - words[first].spaced
        if width <= style.max_line_width:
            finished.append((cost + abs(width - mean) * _RAGGED, breaks))
    cost, breaks = min(finished)
    lines = itertools.pairwise((0, *breaks, len(words)))
    return "\n".join(_join(words[first:last]) for first, last in lines), cost


def _join(words: Sequence[Word]) -> str:
    return "".join(" " + word.text if word.spaced and index else word.text for index, word in enumerate(words))
