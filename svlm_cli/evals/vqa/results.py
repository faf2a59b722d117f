"""What was answered, on disk, a line each, as it comes; each run that adds some says first what it is about.

Knows neither benchmarks nor models, and not what the answers are worth.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Final

from svlm_cli.core.bounds import Within, require_usable
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.benchmarks.lines import AppendedLines, JsonLines, LineError, read_lines, record
from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.answers import is_right
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark

NO_MOMENT: Final = -1.0  # of what is not answered at a moment of its own
_MOST_CHARACTERS: Final = 2000  # of an answer
_MOST_S: Final = 1e9

ResultKey = tuple[str, str]
"""The id of the question, the way of looking."""


@dataclass(frozen=True, slots=True)
class VqaSetting:
    """All that decides what is asked of whom. Questions and prompts are known by their SHA-256."""

    benchmark: VqaBenchmark
    questions: str
    prompts: str
    model: str


@dataclass(frozen=True, slots=True)
class VqaRun:
    """One call that added results."""

    setting: VqaSetting
    asked: Annotated[int, Within(1, 10_000_000)]  # questions in all, for each way of looking
    svlm: str

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class VqaResult:
    """What came of a question."""

    id: str
    task: str
    group: str
    context: str
    video: str
    way: str  # of looking at the video
    answered: str  # its beginning, without white space around
    answered_s: Annotated[float, Within(NO_MOMENT, _MOST_S)]  # when, of a proactive question
    right: bool
    letters: tuple[float, ...]  # the score of each option's letter, where there are any
    failed: str  # why there is no answer; "" if there is one

    def __post_init__(self) -> None:
        require_usable(self)
        if self.right and (self.failed or not self.answered.strip()):
            raise UsageError("What was not answered cannot be right.")
        if not all(map(math.isfinite, self.letters)):
            raise UsageError("The score of a letter must be a number.")

    @property
    def key(self) -> ResultKey:
        """Of what it is the result."""
        return self.id, self.way


def answered(
    question: VideoQuestion, way: str, reply: str, *, at_s: float | None = None, letters: tuple[float, ...] = ()
) -> VqaResult:
    """The result of an answer, right or wrong; of a proactive question, given at `at_s` of the video."""
    right = is_right(question, reply, at_s)
    moment = NO_MOMENT if at_s is None else at_s
    return _result(question, way, reply.strip()[:_MOST_CHARACTERS], moment, right=right, letters=letters)


def unanswered(question: VideoQuestion, way: str, why: str) -> VqaResult:
    """The result of a question about a video that is missing or broken: wrong, and asked again by the next run."""
    assert why, "there is a reason"
    return _result(question, way, "", NO_MOMENT, right=False, failed=why)


def _result(
    question: VideoQuestion,
    way: str,
    reply: str,
    at_s: float,
    *,
    right: bool,
    letters: tuple[float, ...] = (),
    failed: str = "",
) -> VqaResult:
    return VqaResult(
        id=question.id,
        task=question.task,
        group=question.group,
        context=question.context,
        video=question.video,
        way=way,
        answered=reply,
        answered_s=at_s,
        right=right,
        letters=letters,
        failed=failed,
    )


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """What a file of results holds."""

    path: Path
    runs: tuple[VqaRun, ...]  # none in an empty file
    results: Mapping[ResultKey, VqaResult]
    notice: str = ""

    def is_done(self, question: VideoQuestion, way: str) -> bool:
        """Whether it was answered."""
        result = self.results.get((question.id, way))
        return result is not None and not result.failed


def read_results(path: Path) -> ResultsFile:
    """A whole file. Raises `InputError`; a file without results is one of no results."""
    return _results(read_lines(path))


def _results(lines: JsonLines) -> ResultsFile:
    runs: list[VqaRun] = []
    results: dict[ResultKey, VqaResult] = {}
    for number, row in lines.rows:
        with lines.at(number):
            if "run" in row:
                run: VqaRun = record(VqaRun, row["run"], "result")
                if runs and run.setting != runs[0].setting:
                    raise LineError(f"is about {setting_difference(runs[0].setting, run.setting)} than the first line")
                runs.append(run)
                continue
            result: VqaResult = record(VqaResult, row, "result")
            if not runs:
                raise LineError("is a result, and nothing above it says of what")
            before = results.get(result.key)
            if before is not None and not before.failed:
                raise LineError("is a second result of the same question")
            results[result.key] = result
    return ResultsFile(lines.path, tuple(runs), results, lines.notice)


def setting_difference(one: VqaSetting, other: VqaSetting) -> str:
    """What people call the first thing in which they differ, as in "another model"."""
    words = {"questions": "other questions", "prompts": "other prompts"}
    name = next(each.name for each in fields(VqaSetting) if getattr(one, each.name) != getattr(other, each.name))
    return words.get(name, f"another {name}")


class GrowingResults(Closing):
    """A file of results that a run adds to. Raises `OutputError` if it is about something else, or another run's."""

    def __init__(self, path: Path, run: VqaRun) -> None:
        self._lines = AppendedLines(path, ('{"run":', '{"id":'))
        try:
            self.before = _results(self._lines.before)
            if self.before.runs and self.before.runs[0].setting != run.setting:
                other = setting_difference(self.before.runs[0].setting, run.setting)
                raise OutputError(f"{plain_text(str(path))} holds results of {other}.", "Choose another name.")
            if not self.before.runs or self.before.runs[-1] != run:
                self._lines.append({"run": asdict(run)})
        except BaseException:
            self.close()
            raise

    def append(self, result: VqaResult) -> None:
        """One more. Raises `OutputError`."""
        self._lines.append(asdict(result))

    def close(self) -> None:
        """Let others have it."""
        self._lines.close()
