"""RESULTS/questions.json: the report of ``svlm eval vqa`` about simulated matches, for one model in several ways.

Parsed strictly: a file that lacks something the page needs is rejected. Knows no model and no page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final

from svlm_cli.core import strict_json
from svlm_cli.core.bounds import Within, require_usable
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.benchmarks.endless_questions import QuestionsSetting
from svlm_cli.evals.claims.file import read_strictly
from svlm_cli.evals.claims.results import read_estimate
from svlm_cli.evals.scores import Estimate
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
from svlm_cli.evals.vqa.choices import AnswerBy, Way
from svlm_cli.jsonl.lines import record

QUESTIONS_NAME: Final = "questions.json"
BENCHMARK: Final = VqaBenchmark.OVO_BENCH

_NO_REPORT: Final = "is not a report of `svlm eval vqa` on simulated matches, or is from an older svlm."
_AGAIN: Final = "Make it again with `svlm eval vqa report RESULTS --json`, or delete it."
_ALIKE: Final = {
    "model_files": "model",
    "model": "name of the model",
    "questions_sha256": "set of questions",
    "prompts_sha256": "set of prompts",
    "dtype": "dtype",
    "answer": "way to answer",
    "folder": "folder",
    "matches": "set of matches",
}


@dataclass(frozen=True, slots=True)
class AskedShares:
    """Shares of right answers, or their differences."""

    total: Estimate
    groups: Mapping[str, Estimate]
    tasks: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class AskedOf:
    """The model of a row and its setting, with the report's keys."""

    model: str
    model_files: str
    way: Way
    questions_sha256: str
    prompts_sha256: str
    svlm: tuple[str, ...]
    questions: Annotated[int, Within(1, 10_000_000)]
    dtype: str
    answer: AnswerBy
    device: tuple[str, ...]
    hardware: tuple[str, ...]
    jobs: Annotated[int, Within(1, 1_000_000)]
    matches: QuestionsSetting
    folder: str
    file: str
    videos: int

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class AskedLook:
    """What is shown of a video, and how much is remembered."""

    frames: int  # per clip
    seed: int
    fps: float
    min_pixels: int  # per frame
    max_pixels: int
    temperature: float
    reset_s: float  # interval at which a stream is reset


@dataclass(frozen=True, slots=True)
class AskedWay:
    """A row."""

    of: AskedOf
    look: AskedLook
    shares: AskedShares


@dataclass(frozen=True, slots=True)
class QuestionResults:
    """All measurements, of one model on the same questions."""

    ways: tuple[AskedWay, ...]  # at least one, all different
    less_first: Mapping[Way, AskedShares]  # the difference of each other way from the first
    chance: AskedShares  # without intervals

    @property
    def totals(self) -> dict[str, Estimate]:
        """By row name."""
        return {**{str(one.of.way): one.shares.total for one in self.ways}, "chance": self.chance.total}


def read_questions(folder: Path) -> QuestionResults | None:
    """The folder's results; None if it has none. `InputError` if the file is not a complete report."""
    path = folder / QUESTIONS_NAME
    with read_strictly(path, otherwise=_NO_REPORT, hint=_AGAIN):
        try:
            report: Any = strict_json.parse(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        benchmark = VqaBenchmark(report["eval"])
        if benchmark is not BENCHMARK:
            raise InputError(f"{path} is about {benchmark}: the page reports only {BENCHMARK}.", _AGAIN)
        for row in report["rows"]:
            _require_answered(path, row)
        ways = tuple(map(_way, report["rows"]))
        _require_alike(path, ways)
        first, *others = (row["name"] for row in report["rows"])
        differences = {one["to"]: _shares(one) for one in report["differences"] if one["from"] == first}
        less_first = {way.of.way: differences[name] for way, name in zip(ways[1:], others, strict=True)}
        questions = QuestionResults(ways, less_first, _shares(report["chance"]))
        _require_same_parts(questions)
    return questions


def _require_answered(path: Path, row: Mapping[str, Any]) -> None:
    """`InputError` for an incompletely measured row."""
    left = int(row["not_asked"]) + sum(map(int, row["failed_videos"].values()))
    if left:
        name = plain_text(str(row["name"]))
        raise InputError(
            f"{path} is incomplete: {left} questions of {name} have no answer.",
            "Run the same command again to ask them, then make the report again.",
        )


def _way(row: Mapping[str, Any]) -> AskedWay:
    of: AskedOf = record(AskedOf, {one.name: row[one.name] for one in fields(AskedOf)}, "row")
    if not (of.device and of.hardware and of.folder and of.file):
        raise ValueError("an older svlm did not note where it was measured")
    setting = row["setting"]
    policy = setting["policy"]
    look = {
        "frames": setting["frames"],
        "seed": setting["seed"],
        "fps": policy["vision"]["fps"],
        "min_pixels": policy["vision"]["min_pixels"],
        "max_pixels": policy["vision"]["max_pixels"],
        "temperature": policy["sampling"]["temperature"],
        "reset_s": policy["windows"]["reset_rounds"] * policy["chunk_seconds"],
    }
    return AskedWay(of, record(AskedLook, look, "setting"), _shares(row))


def _shares(raw: Mapping[str, Any]) -> AskedShares:
    groups, tasks = ({name: _known(one) for name, one in raw[part].items()} for part in ("groups", "tasks"))
    return AskedShares(_known(raw["total"]), groups, tasks)


def _known(raw: Mapping[str, Any]) -> Estimate:
    found = read_estimate(raw)
    if found.value is None:
        raise ValueError("nothing was asked")
    return found


def _require_alike(path: Path, ways: tuple[AskedWay, ...]) -> None:
    """`InputError` unless all rows are of one model, on the same questions, in different ways."""
    for name, what in _ALIKE.items():
        if len({getattr(one.of, name) for one in ways}) > 1:
            raise InputError(f"{path} has rows with more than one {what}: they cannot be in one table.", _AGAIN)
    if len({one.of.way for one in ways}) < len(ways):
        raise InputError(f"{path} has two rows with the same way: they cannot be in one table.", _AGAIN)


def _require_same_parts(questions: QuestionResults) -> None:
    """`ValueError` unless there is a row, and all rows have the same groups and tasks."""
    shares = [*(one.shares for one in questions.ways), *questions.less_first.values(), questions.chance]
    parts = {(tuple(one.groups), tuple(one.tasks)) for one in shares}
    ((groups, tasks),) = parts
    if not (set(groups) <= set(BENCHMARK.groups) and set(tasks) <= set(BENCHMARK.tasks)):
        raise ValueError("a task that the benchmark does not have")
