"""Votes on disk, one per line, as they arrive; each run starts with a line about itself.

Knows neither judges nor benchmarks, and does not evaluate votes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Final

from svlm_cli.core.bounds import Within, require_usable
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError, OutputError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.judge.questions import NO_FIFTH, Benchmark, JudgeQuestion, Outcome, PairOrder
from svlm_cli.evals.scores import FIFTHS
from svlm_cli.jsonl.lines import AppendedLines, JsonLines, LineError, read_lines, record

_MOST: Final = 1_000_000_000

VoteKey = tuple[str, str, PairOrder]
"""Video, part, order."""


@dataclass(frozen=True, slots=True)
class VoteSetting:
    """Everything that determines what the votes are about. Files and prompts are identified by their SHA-256."""

    benchmark: Benchmark
    control: str  # same, reference, empty; "" if two commentaries are compared
    judge: str
    server: str
    prompts: str
    data: str
    a: str  # for a control, the file that it is made of, or ""
    b: str


@dataclass(frozen=True, slots=True)
class VoteRun:
    """A run that added votes."""

    setting: VoteSetting
    data_name: str
    a_name: str
    b_name: str
    a_made_by: str  # model and setting, from the file beside it; "" if unknown
    b_made_by: str
    questions: Annotated[int, Within(0, _MOST)]  # in total
    left_out: Annotated[int, Within(0, _MOST)]  # parts left out, because one of the two does not cover them
    svlm: str
    openai: str

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class Vote:
    """The outcome of a question."""

    video: str
    part: str
    fifth: Annotated[int, Within(NO_FIFTH, FIFTHS - 1)]
    order: PairOrder
    outcome: Outcome
    reply: str  # truncated; if there was no answer, why
    characters_a: Annotated[int, Within(0, _MOST)]  # visible ones
    characters_b: Annotated[int, Within(0, _MOST)]
    tokens_in: Annotated[int, Within(0, _MOST)]
    tokens_out: Annotated[int, Within(0, _MOST)]
    cached: bool  # answered from the cache, at no cost
    temperature: bool  # whether the server accepted temperature 0

    def __post_init__(self) -> None:
        require_usable(self)

    @property
    def key(self) -> VoteKey:
        """Identifies its question."""
        return self.video, self.part, self.order


@dataclass(frozen=True, slots=True)
class VotesFile:
    """The contents of a vote file."""

    path: Path
    runs: tuple[VoteRun, ...]  # empty for an empty file
    votes: Mapping[VoteKey, Vote]
    notice: str = ""

    def is_done(self, question: JudgeQuestion) -> bool:
        """Whether the judge has answered it."""
        vote = self.votes.get((question.pair.video, question.pair.part, question.order))
        return vote is not None and vote.outcome is not Outcome.UNANSWERED


def read_votes(path: Path) -> VotesFile:
    """Read a whole file. Raises `InputError`, also if it contains no vote."""
    found = _votes(read_lines(path))
    if not found.votes:
        raise InputError(f"{path} holds no votes.", "Name a file that `judge -o` wrote.")
    return found


def _votes(lines: JsonLines) -> VotesFile:
    runs: list[VoteRun] = []
    votes: dict[VoteKey, Vote] = {}
    for number, row in lines.rows:
        with lines.at(number):
            if "run" in row:
                run: VoteRun = record(VoteRun, row["run"], "vote")
                if runs and run.setting != runs[0].setting:
                    raise LineError(f"is about {difference(runs[0].setting, run.setting)} than the first line")
                runs.append(run)
                continue
            vote: Vote = record(Vote, row, "vote")
            if not runs:
                raise LineError("is a vote, but no line above it says what the votes are about")
            before = votes.get(vote.key)
            if before is not None and before.outcome is not Outcome.UNANSWERED:
                raise LineError("is a second vote on the same question")
            votes[vote.key] = vote
    return VotesFile(lines.path, tuple(runs), votes, lines.notice)


def difference(one: VoteSetting, other: VoteSetting) -> str:
    """The first thing in which they differ, in words, as in "another judge"."""
    words = {
        "prompts": "other prompts",
        "data": "another file of data",
        "a": "another first file of predictions",
        "b": "another second file of predictions",
    }
    name = next(each.name for each in fields(VoteSetting) if getattr(one, each.name) != getattr(other, each.name))
    return words.get(name, f"another {name}")


class GrowingVotes(Closing):
    """A vote file that a run appends to. `OutputError` if it is about something else, or locked by another run."""

    def __init__(self, path: Path, run: VoteRun) -> None:
        self._lines = AppendedLines(path, ('{"run":', '{"video":'))
        try:
            self.before = _votes(self._lines.before)
            if self.before.runs and self.before.runs[0].setting != run.setting:
                other = difference(self.before.runs[0].setting, run.setting)
                raise OutputError(
                    f"{plain_text(str(path))} holds votes about {other}.",
                    "Choose another -o; what was answered before is not asked again.",
                )
            if not self.before.runs or self.before.runs[-1] != run:
                self._lines.append({"run": asdict(run)})
        except BaseException:
            self.close()
            raise

    def append(self, vote: Vote) -> None:
        """Append a vote. Raises `OutputError`."""
        self._lines.append(asdict(vote))

    def close(self) -> None:
        """Close and unlock the file."""
        self._lines.close()
