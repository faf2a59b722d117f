"""What was answered, on disk, a line each, as it comes; each run that adds some says first what it is about.

Knows neither benchmarks nor models, and not what the answers are worth.
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

NO_MOMENT: Final = -1.0  # of what is not answered at a moment of its own
_MOST_CHARACTERS: Final = 2000  # of an answer
_MOST_S: Final = 1e9
_WAY_OUT: Final = "Use --overwrite to begin anew, or choose another -o."

ResultKey = tuple[str, str]
"""The id of the question, the way of looking."""


@dataclass(frozen=True, slots=True)
class VqaSetting:
    """All that decides what is asked of whom. Questions, prompts and files of models are known by their SHA-256."""

    benchmark: VqaBenchmark
    questions: str
    prompts: str
    model: str  # as people call it: the same model may have another name elsewhere
    model_files: str
    dtype: str
    answer: str  # by which a question with options is answered
    subtitles: bool  # whether what is said in the videos is told


@dataclass(frozen=True, slots=True)
class VqaRun:
    """One call that added results."""

    setting: VqaSetting
    asked: Annotated[int, Within(1, 10_000_000)]  # questions in all, for each way of looking
    svlm: str
    torch: str
    folder: str = ""  # of the benchmark: its name alone; from here on, "" and 0 where an older svlm did not note it
    device: str = ""  # cpu, cuda
    hardware: str = ""  # what people call it
    jobs: Annotated[int, Within(0, 1_000_000)] = 0  # streams or clips at once

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
    ways: Mapping[str, Mapping[str, Any]]  # all that decides how each looks, by its name
    results: Mapping[ResultKey, VqaResult]
    choices: Mapping[str, int]  # how many answers a question lets one choose among, by its id; empty if not noted
    matches: QuestionsSetting | None  # of questions about simulated matches
    runs_of_ways: Mapping[str, tuple[VqaRun, ...]]  # that added results of each
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
                raise LineError("is a result, and nothing above it says of what")
            before = results.get(result.key)
            if before is not None and not before.failed:
                raise LineError("is a second result of the same question")
            results[result.key] = result
            added.setdefault(result.way, {})[len(runs)] = runs[-1]
    runs_of_ways = {way: tuple(those.values()) for way, those in added.items()}
    return ResultsFile(lines.path, tuple(runs), ways, results, notes.choices, notes.matches, runs_of_ways, lines.notice)


@dataclass(slots=True)
class _Notes:
    """What a file tells of its questions, each once."""

    choices: Mapping[str, int] = field(default_factory=dict)
    matches: QuestionsSetting | None = None

    def take(self, row: Mapping[str, Any]) -> bool:
        """Whether it is such a line. Raises `LineError`."""
        if "choices" in row:
            listed = row["choices"]
            if self.choices or not isinstance(listed, dict):
                raise LineError("tells nothing, or tells again, how many options there are")
            self.choices = {name: whole(listed, name) for name in listed}
            return True
        if "matches" in row:
            if self.matches is not None:
                raise LineError("tells again which matches are asked about")
            self.matches = record(QuestionsSetting, row["matches"], "setting of matches")
            return True
        return False


def _complete(run: Any) -> Any:
    """With what an older svlm did not note."""
    usual = {one.name: one.default for one in fields(VqaRun) if one.default is not MISSING}
    return {**usual, **run} if isinstance(run, dict) else run


def setting_difference(one: VqaSetting, other: VqaSetting) -> str:
    """What people call the first thing in which they differ, as in "another model"; empty if there is none."""
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
    """A file of results that a run adds to. `OutputExistsError` if it is about something else.

    `OutputBusyError` if it is another run's.
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
        """What the questions are like. `OutputExistsError` if the matches were made otherwise before.

        A file that an older svlm began gets what it lacks: its questions are the same to the letter.
        """
        known = self.before.matches
        if None not in (known, matches) and known != matches:
            raise OutputExistsError(f"{plain_text(str(self.before.path))} holds results of other matches.", _WAY_OUT)
        if not self.before.choices:
            self._lines.append({"choices": dict(choices)})
        if known is None and matches is not None:
            self._lines.append({"matches": asdict(matches)})

    def begin(self, way: str, setting: Mapping[str, Any]) -> None:
        """Results of a way of looking come, or go on. `OutputExistsError` if it looked otherwise before."""
        wanted = json.loads(json.dumps(setting, allow_nan=False))  # with lists for tuples, as in the file
        known = self.before.ways.get(way)
        if known is None:
            self._lines.append({"way": way, "setting": wanted})
            return
        if different := [key for key in wanted | known if wanted.get(key) != known.get(key)]:
            what = ", ".join(different)
            raise OutputExistsError(f"The results of {way} were begun with another setting: {what}.", _WAY_OUT)

    def append(self, result: VqaResult) -> None:
        """One more. Raises `OutputError`."""
        self._lines.append(asdict(result))

    def close(self) -> None:
        """Let others have it."""
        self._lines.close()
