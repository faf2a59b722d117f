"""Computes scores with intervals from results, averaged as each benchmark does, and paired differences.

Counts are per video, group and task and are summed before any division, so intervals come from resampling videos. Knows
no file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.resampling import drawn_times, estimate
from svlm_cli.evals.scores import Estimate
from svlm_cli.evals.vqa.benchmarks import Averaging, VqaBenchmark
from svlm_cli.evals.vqa.results import VqaResult

Cells = NDArray[np.int64]
"""``[..., C, 1 + S]``: per cell, a task in a group, the number asked, and the number right in each set."""
Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one part of a benchmark."""

    share: Estimate  # of right answers; for a comparison, the second minus the first
    questions: int

    def to_json(self) -> dict[str, Any]:
        """Each by name."""
        return {**self.share.to_json(), "questions": self.questions}


@dataclass(frozen=True, slots=True)
class VqaScores:
    """The scores of one set of results, or of a difference."""

    total: Score
    groups: Mapping[str, Score]
    tasks: Mapping[str, Score]
    videos: int

    def to_json(self) -> dict[str, Any]:
        """Each by name."""
        return {
            "total": self.total.to_json(),
            "groups": {name: one.to_json() for name, one in self.groups.items()},
            "tasks": {name: one.to_json() for name, one in self.tasks.items()},
            "videos": self.videos,
        }


@dataclass(frozen=True, slots=True)
class VqaDifference:
    """The second of two sets of results minus the first, over their common questions."""

    scores: VqaScores
    left_out: int  # questions in only one of them


def vqa_scores(results: Iterable[VqaResult], benchmark: VqaBenchmark, *, seed: int = 0) -> VqaScores:
    """Shares of right answers with percentile bootstrap intervals over videos. Does not depend on the order.

    `results` are in one way of looking. Unanswered questions count as wrong.
    """
    return _scored([list(results)], benchmark, seed)


def vqa_difference(
    first: Iterable[VqaResult], second: Iterable[VqaResult], benchmark: VqaBenchmark, *, seed: int = 0
) -> VqaDifference:
    """Paired: each resample uses the same videos for both. `UsageError` if they share no question."""
    one, other = ({each.id: each for each in results} for results in (first, second))
    both = [key for key in one if key in other]
    if not both:
        raise UsageError("The two have no question in common.", "Compare results of the same benchmark.")
    scores = _scored([[one[key] for key in both], [other[key] for key in both]], benchmark, seed)
    return VqaDifference(scores, len(one) + len(other) - 2 * len(both))


def vqa_chance(asked: Iterable[tuple[VqaResult, int]], benchmark: VqaBenchmark) -> VqaScores:
    """The expected score of guessing: each question comes with its number of possible answers.

    One over that number; 0 if it is 0, since numbers and free text cannot be guessed.
    """
    listed = [*asked]
    layout = _Layout.of([one for one, _ in listed], benchmark)
    cells = np.zeros((len(layout.cells), 2))
    for one, choices in listed:
        cells[layout.cells.index((one.group, one.task))] += (1, 1 / choices if choices else 0)
    shares = [Estimate(value, None, None) for value in layout.shares(cells)[:, 0].tolist()]
    return layout.named(shares, cells, videos=len({one.video for one, _ in listed}))


def _scored(sets: Sequence[Sequence[VqaResult]], benchmark: VqaBenchmark, seed: int) -> VqaScores:
    """Scores of one set, or of the second minus the first; both have the same questions in the same order."""
    layout = _Layout.of(sets[0], benchmark)
    cells = layout.counted(sets)  # [V, C, 1 + S]
    drawn = np.einsum("rv,vcs->rcs", drawn_times(len(cells), seed), cells)  # [R, C, 1 + S]
    whole, whole_drawn = (_compared(layout.shares(one)) for one in (cells.sum(axis=0), drawn))  # [P], [R, P]
    shares = [estimate(value, whole_drawn[:, index]) for index, value in enumerate(whole.tolist())]
    return layout.named(shares, cells.sum(axis=0), videos=len(cells))


def _compared(shares: Shares) -> Shares:
    """``[..., P, S]`` -> ``[..., P]``."""
    return shares[..., 0] if shares.shape[-1] == 1 else shares[..., 1] - shares[..., 0]


@dataclass(frozen=True, slots=True)
class _Layout:
    """The cells, and the parts P that they add up to: the total, each group, each task."""

    averaging: Averaging
    cells: tuple[tuple[str, str], ...]  # (group, task)
    groups: tuple[str, ...]
    tasks: tuple[str, ...]

    @classmethod
    def of(cls, results: Sequence[VqaResult], benchmark: VqaBenchmark) -> "_Layout":
        """In the benchmark's table order."""
        cells = tuple(sorted({(one.group, one.task) for one in results}))
        return cls(
            benchmark.averaging,
            cells,
            _ordered({group for group, _ in cells} - {""}, benchmark.groups),
            _ordered({task for _, task in cells}, benchmark.tasks),
        )

    def counted(self, sets: Sequence[Sequence[VqaResult]]) -> Cells:
        """``[V, C, 1 + S]``."""
        row = {video: index for index, video in enumerate(sorted({one.video for one in sets[0]}))}
        column = {cell: index for index, cell in enumerate(self.cells)}
        cells = np.zeros((len(row), len(column), 1 + len(sets)), np.int64)
        for alike in zip(*sets, strict=True):
            cell = cells[row[alike[0].video], column[alike[0].group, alike[0].task]]
            cell += (1, *(one.right for one in alike))
        return cells

    def named(self, shares: Sequence[Estimate], cells: Cells | Shares, videos: int) -> VqaScores:
        """P shares, and ``[C, 1 + S]`` -> scores by name."""
        asked = self.summed(cells)[:, 0].tolist()
        scores = [Score(share, int(questions)) for share, questions in zip(shares, asked, strict=True)]
        groups, tasks = scores[1 : 1 + len(self.groups)], scores[1 + len(self.groups) :]
        return VqaScores(
            scores[0],
            dict(zip(self.groups, groups, strict=True)),
            dict(zip(self.tasks, tasks, strict=True)),
            videos,
        )

    def summed(self, cells: Cells | Shares) -> Cells | Shares:
        """``[..., C, 1 + S]`` -> ``[..., P, 1 + S]``: all questions of each part."""
        parts = [
            [True for _ in self.cells],
            *([group == part for group, _ in self.cells] for part in self.groups),
            *([task == part for _, task in self.cells] for part in self.tasks),
        ]
        belongs = np.array(parts, np.int64).reshape(len(parts), len(self.cells))
        summed: Cells | Shares = np.einsum("pc,...cs->...ps", belongs, cells)
        return summed

    def shares(self, cells: Cells | Shares) -> Shares:
        """``[..., C, 1 + S]`` -> ``[..., P, S]``; NaN if nothing was asked."""
        shares = _divided(self.summed(cells))
        groups, tasks = slice(1, 1 + len(self.groups)), slice(1 + len(self.groups), None)
        if self.averaging is Averaging.GROUPS:
            each = _divided(cells)
            for index, part in enumerate(self.groups, 1):
                own = [place for place, (group, _) in enumerate(self.cells) if group == part]
                shares[..., index, :] = _mean(each[..., own, :])
            shares[..., 0, :] = _mean(shares[..., groups, :])
        elif self.averaging is Averaging.TASKS:
            shares[..., 0, :] = _mean(shares[..., tasks, :])
        return shares


def _ordered(found: set[str], known: tuple[str, ...]) -> tuple[str, ...]:
    return (*(one for one in known if one in found), *sorted(found.difference(known)))


def _divided(cells: Cells | Shares) -> Shares:
    """``[..., 1 + S]`` -> ``[..., S]``."""
    asked, right = cells[..., :1], cells[..., 1:]
    shares: Shares = np.divide(right, asked, out=np.full(right.shape, np.nan), where=asked > 0)
    return shares


def _mean(shares: Shares) -> Shares:
    """``[..., N, S]`` -> ``[..., S]``, ignoring parts without questions, which resamples may have."""
    known = (~np.isnan(shares)).sum(axis=-2)
    summed = np.nansum(shares, axis=-2)
    means: Shares = np.divide(summed, known, out=np.full(summed.shape, np.nan), where=known > 0)
    return means
