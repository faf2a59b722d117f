"""Turns results files into a report: a row per way of looking, and remarkable findings.

Prints nothing. Knows no video and no model.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.resampling import FEW_VIDEOS
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
from svlm_cli.evals.vqa.results import ResultsFile, VqaResult, VqaRun
from svlm_cli.evals.vqa.tally import VqaDifference, VqaScores, vqa_chance, vqa_difference, vqa_scores

CHANCE: Final = "chance"
_NAMED: Final = 5  # videos in a note; JSON lists all


@dataclass(frozen=True, slots=True)
class WayScored:
    """The scores of one way of looking."""

    file: ResultsFile
    way: str
    results: tuple[VqaResult, ...]
    scores: VqaScores

    @property
    def benchmark(self) -> VqaBenchmark:
        """The benchmark."""
        return self.file.runs[0].setting.benchmark

    @property
    def name(self) -> str:
        """The name of its row."""
        contexts = sorted({one.context for one in self.results if one.context})
        return ", ".join([self.file.runs[0].setting.model, self.way, *contexts])

    @property
    def runs(self) -> tuple[VqaRun, ...]:
        """The runs in this way."""
        return self.file.runs_of_ways[self.way]

    @property
    def not_asked(self) -> int:
        """The number of questions without a result."""
        return max(0, self.file.runs[-1].asked - len(self.results))

    @property
    def tells_choices(self) -> bool:
        """Whether the number of options of its questions is known."""
        return all(one.id in self.file.choices for one in self.results)

    @property
    def failed(self) -> dict[str, int]:
        """Missing or broken videos, with their numbers of questions."""
        return dict(Counter(one.video for one in self.results if one.failed))

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`."""
        setting, runs, matches = self.file.runs[0].setting, self.runs, self.file.matches
        return {
            "name": self.name,
            "model": setting.model,
            "way": self.way,
            "context": sorted({one.context for one in self.results if one.context}),
            "questions_sha256": setting.questions,
            "prompts_sha256": setting.prompts,
            "svlm": sorted({one.svlm for one in self.file.runs}),
            "model_files": setting.model_files,
            "dtype": setting.dtype,
            "answer": setting.answer,
            "device": [*dict.fromkeys(one.device for one in runs if one.device)],
            "hardware": [*dict.fromkeys(one.hardware for one in runs if one.hardware)],
            "jobs": runs[-1].jobs,
            "setting": dict(self.file.ways.get(self.way, {})),
            "matches": None if matches is None else asdict(matches),
            "folder": self.file.runs[-1].folder,
            "file": self.file.path.name,
            "questions": len(self.results),
            "not_asked": self.not_asked,
            "failed_videos": self.failed,
            **self.scores.to_json(),
        }


def ways_of(file: ResultsFile) -> tuple[WayScored, ...]:
    """Each way of looking in a results file. `InputError` if there is none."""
    ways = dict.fromkeys(one.way for one in file.results.values())
    if not ways:
        raise InputError(f"{file.path} holds no results.", "Name a file of results.")
    benchmark = file.runs[0].setting.benchmark
    found = []
    for way in ways:
        results = tuple(one for one in file.results.values() if one.way == way)
        found.append(WayScored(file, way, results, vqa_scores(results, benchmark)))
    return tuple(found)


def compare(first: WayScored, second: WayScored) -> VqaDifference:
    """How much better the second one is. `UsageError` if they differ in benchmark, or share no question."""
    if first.benchmark is not second.benchmark:
        raise UsageError(
            f"{first.file.path} and {second.file.path} are about different benchmarks.",
            "Compare results of one benchmark.",
        )
    return vqa_difference(first.results, second.results, first.benchmark)


@dataclass(frozen=True, slots=True)
class RowDifference:
    """How much better one row is than another."""

    base: WayScored
    row: WayScored
    difference: VqaDifference

    def to_json(self) -> dict[str, Any]:
        """Each by name."""
        one = self.difference
        return {"from": self.base.name, "to": self.row.name, "left_out": one.left_out, **one.scores.to_json()}


@dataclass(frozen=True, slots=True)
class VqaReport:
    """Ways of looking at one benchmark, and their differences."""

    rows: tuple[WayScored, ...]
    differences: tuple[RowDifference, ...]
    chance: VqaScores | None  # over all questions of any row; None if a file does not have the numbers of options

    @property
    def benchmark(self) -> VqaBenchmark:
        """The benchmark."""
        return self.rows[0].benchmark

    def to_json(self) -> dict[str, Any]:
        """The report as one object."""
        return {
            "eval": str(self.benchmark),
            "mean_of": str(self.benchmark.averaging),
            "rows": [one.to_json() for one in self.rows],
            "differences": [one.to_json() for one in self.differences],
            "chance": None if self.chance is None else self.chance.to_json(),
            "notes": list(self.notes()),
        }

    def tables(self) -> Iterator[tuple[list[str], list[list[str]]]]:
        """Totals and groups, a row per way; tasks, a row per task; and differences from the first way.

        Includes the score of guessing, if it is known.
        """
        chance = () if self.chance is None else (self.chance,)
        groups = list(dict.fromkeys(name for one in self.rows for name in one.scores.groups))
        yield (
            ["", "total", "95 % interval", *groups, "questions", "failed"],
            [
                [
                    row.name,
                    *_columns(row.scores, groups),
                    str(len(row.results)),
                    str(sum(row.failed.values())),
                ]
                for row in self.rows
            ]
            + [[CHANCE, *_columns(one, groups), str(one.total.questions), "-"] for one in chance],
        )
        tasks = list(dict.fromkeys(name for one in self.rows for name in one.scores.tasks))
        yield (
            ["task", *(row.name for row in self.rows), *(CHANCE for _ in chance)],
            [[task, *(_share(one, task) for one in (*(row.scores for row in self.rows), *chance))] for task in tasks],
        )
        for base in self.rows:
            if listed := [one for one in self.differences if one.base is base]:
                yield (
                    [f"minus {base.name}", "total", "95 % interval", *groups, "questions"],
                    [_difference_row(one, groups) for one in listed],
                )

    def notes(self) -> Iterator[str]:
        """Remarkable findings, one sentence each."""
        for row in self.rows:
            yield from (f"{row.name}: {note}" for note in _notes(row))
        for one in self.differences:
            if left_out := one.difference.left_out:
                name = one.row.name
                yield f"{name}: questions left out of the difference, since only one side has them: {left_out}."
        for path in dict.fromkeys(row.file.path for row in self.rows if not row.tells_choices):
            name = plain_text(str(path))
            yield (
                f"{name} does not say how many options its questions have, so there is no row {CHANCE}: an older svlm "
                "made it. Run the same command again to add that; it asks nothing twice."
            )


def make_vqa_report(files: Sequence[ResultsFile]) -> VqaReport:
    """Compares the first file's ways with its first way, and other files' ways with the same way in the first file.

    `UsageError` unless all are of one benchmark, `InputError` for a file without results.
    """
    listed = [ways_of(file) for file in files]
    if not listed:
        raise InputError("There are no results.", "Name a file of results.")
    first = listed[0]
    bases = {one.way: one for one in first}
    pairs = [(first[0], row) for row in first[1:]]
    pairs += [(bases.get(row.way, first[0]), row) for rows in listed[1:] for row in rows]
    rows = tuple(row for rows in listed for row in rows)
    return VqaReport(rows, tuple(RowDifference(base, row, compare(base, row)) for base, row in pairs), _chance(rows))


def _chance(rows: Sequence[WayScored]) -> VqaScores | None:
    if not all(row.tells_choices for row in rows):
        return None
    asked = {
        (row.file.runs[0].setting.questions, one.id): (one, row.file.choices[one.id])
        for row in rows
        for one in row.results
    }
    return vqa_chance(asked.values(), rows[0].benchmark)


def _notes(one: WayScored) -> Iterator[str]:
    if one.not_asked:
        yield f"{one.not_asked} of {one.file.runs[-1].asked} questions have not been asked and do not count."
    if one.failed:
        named = map(plain_text, [*one.failed][:_NAMED])
        more = f" and {len(one.failed) - _NAMED} more" if len(one.failed) > _NAMED else ""
        yield (
            f"missing or broken videos: {len(one.failed)}; what was asked about them, "
            f"{sum(one.failed.values())} in all, counts as wrong: {', '.join(named)}{more}."
        )
    absent = [task for task in one.benchmark.tasks if task not in one.scores.tasks]
    if absent:
        yield f"the total is not the benchmark's: there are no questions of {', '.join(absent)}."
    else:
        absent = [group for group in one.benchmark.groups if group not in one.scores.groups]
        if absent:
            yield f"there are no questions of the groups {', '.join(absent)}."
    if one.scores.videos == 1:
        yield "There is one video: no interval."
    elif one.scores.videos < FEW_VIDEOS:
        yield f"There are {one.scores.videos} videos: the interval is rough, and likely too narrow."


def _columns(scores: VqaScores, groups: Sequence[str], *, signed: bool = False) -> Iterator[str]:
    yield scores.total.share.number(signed=signed)
    yield scores.total.share.interval(signed=signed)
    for group in groups:
        yield scores.groups[group].share.number(signed=signed) if group in scores.groups else "-"


def _difference_row(one: RowDifference, groups: Sequence[str]) -> list[str]:
    scores = one.difference.scores
    return [one.row.name, *_columns(scores, groups, signed=True), str(scores.total.questions)]


def _share(scores: VqaScores, task: str) -> str:
    return scores.tasks[task].share.number() if task in scores.tasks else "-"
