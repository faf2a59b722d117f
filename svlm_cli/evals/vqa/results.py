"""Results on disk, one per line, as they arrive; each run starts with a line about itself.

Knows neither benchmarks nor models, and computes no scores.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final

from svlm_cli.core.bounds import Within, require_usable, shown
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import OutputExistsError, UsageError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.benchmarks.endless_questions import QuestionsSetting
from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.answers import is_right
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
from svlm_cli.jsonl.lines import AppendedLines, JsonLines, LineError, read_lines, record, text, whole

NO_MOMENT: Final = -1.0  # for an answer without a moment of its own
_MOST_CHARACTERS: Final = 2000  # per answer
_MOST_S: Final = 1e9
_WAY_OUT: Final = "Use --overwrite to start again, or choose another -o."

ResultKey = tuple[str, str]
"""The id of the question, and the way of looking."""


@dataclass(frozen=True, slots=True)
class VqaSetting:
    """Everything that determines what is asked of which model. Questions, prompts and model files by their SHA-256."""

    benchmark: VqaBenchmark
    questions: str
    prompts: str
    model: str  # its name; the same model may have another elsewhere
    model_files: str
    dtype: str
    answer: str  # how questions with options are answered
    subtitles: bool  # whether subtitles are included


@dataclass(frozen=True, slots=True)
class VqaRun:
    """A run that added results."""

    setting: VqaSetting
    asked: Annotated[int, Within(1, 10_000_000)]  # questions in total, per way of looking
    svlm: str
    torch: str
    folder: str = ""  # the benchmark's folder name; this and the following are "" or 0 if written by an older svlm
    device: str = ""  # cpu, cuda
    hardware: str = ""  # its name
    jobs: Annotated[int, Within(0, 1_000_000)] = 0  # streams or clips at once

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class VqaResult:
    """The result of a question."""

    id: str
    task: str
    group: str
    context: str
    video: str
    way: str  # way of looking
    answered: str  # truncated and stripped
    answered_s: Annotated[float, Within(NO_MOMENT, _MOST_S)]  # when a proactive question was answered
    right: bool
    letters: tuple[float, ...]  # score per option letter, if any
    failed: str  # why there is no answer; "" if there is one

    def __post_init__(self) -> None:
        require_usable(self)
        if self.right and (self.failed or not self.answered.strip()):
            raise UsageError("What was not answered cannot be right.")
        if not all(map(math.isfinite, self.letters)):
            raise UsageError("The score of a letter must be a number.")

    @property
    def key(self) -> ResultKey:
        """Identifies the result."""
        return self.id, self.way


def answered(
    question: VideoQuestion, way: str, reply: str, *, at_s: float | None = None, letters: tuple[float, ...] = ()
) -> VqaResult:
    """The result of an answer, right or wrong; a proactive question was answered at `at_s` of the video."""
    right = is_right(question, reply, at_s)
    moment = NO_MOMENT if at_s is None else at_s
    return _result(question, way, reply.strip()[:_MOST_CHARACTERS], moment, right=right, letters=letters)


def unanswered(question: VideoQuestion, way: str, why: str) -> VqaResult:
    """The result for a missing or broken video: wrong, and asked again by the next run."""
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
    """The contents of a results file."""

    path: Path
    runs: tuple[VqaRun, ...]  # empty for an empty file
    ways: Mapping[str, Mapping[str, Any]]  # settings of each way, by name
    results: Mapping[ResultKey, VqaResult]
    choices: Mapping[str, int]  # number of possible answers by question id; empty if unknown
    matches: QuestionsSetting | None  # set if questions are about simulated matches
    runs_of_ways: Mapping[str, tuple[VqaRun, ...]]  # runs that added results, by way
    notice: str = ""

    def is_done(self, question: VideoQuestion, way: str) -> bool:
        """Whether it has been answered."""
        result = self.results.get((question.id, way))
        return result is not None and not result.failed


def read_results(path: Path) -> ResultsFile:
    """Read a whole file; one without results is valid. Raises `InputError`."""
    return _results(read_lines(path))


def _results(lines: JsonLines) -> ResultsFile:
    runs: list[VqaRun] = []
    added: dict[str, dict[int, VqaRun]] = {}
    notes = _Notes()
    ways: dict[str, Mapping[str, Any]] = {}
    results: dict[ResultKey, VqaResult] = {}
    for number, row in lines.rows:
        with lines.at(number):
            if "run" in row:
                run: VqaRun = record(VqaRun, _complete(row["run"]), "result")
                if runs and (different := setting_difference(runs[0].setting, run.setting)):
                    raise LineError(f"is about {different} than the first line")
                runs.append(run)
                continue
            if "setting" in row:
                name, setting = text(row, "way"), row["setting"]
                if not isinstance(setting, dict) or ways.setdefault(name, setting) != setting:
                    raise LineError(f"has another setting of {shown(name)} than a line before")
                continue
            if notes.take(row):
                continue
            result: VqaResult = record(VqaResult, row, "result")
            if not runs:
                raise LineError("is a result, but no line above it says what the results are about")
            before = results.get(result.key)
            if before is not None and not before.failed:
                raise LineError("is a second result of the same question")
            results[result.key] = result
            added.setdefault(result.way, {})[len(runs)] = runs[-1]
    runs_of_ways = {way: tuple(those.values()) for way, those in added.items()}
    return ResultsFile(lines.path, tuple(runs), ways, results, notes.choices, notes.matches, runs_of_ways, lines.notice)


@dataclass(slots=True)
class _Notes:
    """The file's lines about its questions."""

    choices: Mapping[str, int] = field(default_factory=dict)
    matches: QuestionsSetting | None = None

    def take(self, row: Mapping[str, Any]) -> bool:
        """Take in a line; return whether it is one about questions. Raises `LineError`."""
        if "choices" in row:
            listed = row["choices"]
            if self.choices or not isinstance(listed, dict):
                raise LineError("does not say how many options there are, or says it again")
            self.choices = {name: whole(listed, name) for name in listed}
            return True
        if "matches" in row:
            if self.matches is not None:
                raise LineError("says again which matches are asked about")
            self.matches = record(QuestionsSetting, row["matches"], "setting of matches")
            return True
        return False


def _complete(run: Any) -> Any:
    """Add defaults for what an older svlm did not write."""
    usual = {one.name: one.default for one in fields(VqaRun) if one.default is not MISSING}
    return {**usual, **run} if isinstance(run, dict) else run


def setting_difference(one: VqaSetting, other: VqaSetting) -> str:
    """The first thing in which they differ, in words, as in "another model"; empty if there is none."""
    words = {
        "questions": "other questions",
        "prompts": "other prompts",
        "model_files": "another model",
        "answer": "another --answer",
        "subtitles": "another --subtitles",
    }
    for each in fields(VqaSetting):
        if each.name != "model" and getattr(one, each.name) != getattr(other, each.name):
            return words.get(each.name, f"another {each.name}")
    return ""


class GrowingResults(Closing):
    """A results file that a run appends to. `OutputExistsError` if it is about something else.

    `OutputBusyError` if another run has locked it.
    """

    def __init__(self, path: Path, run: VqaRun) -> None:
        self._lines = AppendedLines(path, ('{"run":', '{"choices":', '{"matches":', '{"way":', '{"id":'))
        try:
            self.before = _results(self._lines.before)
            first = self.before.runs[0].setting if self.before.runs else run.setting
            if other := setting_difference(first, run.setting):
                raise OutputExistsError(f"{plain_text(str(path))} holds results of {other}.", _WAY_OUT)
            if not self.before.runs or self.before.runs[-1] != run:
                self._lines.append({"run": asdict(run)})
        except BaseException:
            self.close()
            raise

    def describe(self, choices: Mapping[str, int], matches: QuestionsSetting | None) -> None:
        """Write facts about the questions. `OutputExistsError` if the matches were made differently.

        A file begun by an older svlm gets what it lacks, since its questions are identical.
        """
        known = self.before.matches
        if None not in (known, matches) and known != matches:
            raise OutputExistsError(f"{plain_text(str(self.before.path))} holds results of other matches.", _WAY_OUT)
        if not self.before.choices:
            self._lines.append({"choices": dict(choices)})
        if known is None and matches is not None:
            self._lines.append({"matches": asdict(matches)})

    def begin(self, way: str, setting: Mapping[str, Any]) -> None:
        """Start or continue a way of looking. `OutputExistsError` if it had another setting."""
        wanted = json.loads(json.dumps(setting, allow_nan=False))  # turns tuples into lists, as in the file
        known = self.before.ways.get(way)
        if known is None:
            self._lines.append({"way": way, "setting": wanted})
            return
        if different := [key for key in wanted | known if wanted.get(key) != known.get(key)]:
            what = ", ".join(different)
            raise OutputExistsError(f"The results of {way} were begun with another setting: {what}.", _WAY_OUT)

    def append(self, result: VqaResult) -> None:
        """Append a result. Raises `OutputError`."""
        self._lines.append(asdict(result))

    def close(self) -> None:
        """Close and unlock the file."""
        self._lines.close()
