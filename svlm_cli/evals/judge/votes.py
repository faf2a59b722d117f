"""Votes on disk, a line each, as they come; each run that adds some says first what it is about.

Knows neither judges nor benchmarks, and not what the votes are worth.
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
    """All that decides what the votes are about. Files and prompts are known by their SHA-256."""

    benchmark: Benchmark
    control: str  # same, reference, empty; nothing if two commentaries are compared
    judge: str
    server: str
    prompts: str
    data: str
    a: str  # of a control, what is compared with b: its file, or nothing
    b: str


@dataclass(frozen=True, slots=True)
class VoteRun:
    """One call that added votes."""

    setting: VoteSetting
    data_name: str
    a_name: str
    b_name: str
    a_made_by: str  # model and setting, as a file beside it says; nothing if nobody knows
    b_made_by: str
    questions: Annotated[int, Within(0, _MOST)]  # that there are in all
    left_out: Annotated[
        int, Within(0, _MOST)
    ]  # parts that are not asked about, because one of the two says nothing of them
    svlm: str
    openai: str

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class Vote:
    """What came of a question."""

    video: str
    part: str
    fifth: Annotated[int, Within(NO_FIFTH, FIFTHS - 1)]
    order: PairOrder
    outcome: Outcome
    reply: str  # its beginning; of a question that was not answered, why
    characters_a: Annotated[int, Within(0, _MOST)]  # that somebody would see
    characters_b: Annotated[int, Within(0, _MOST)]
    tokens_in: Annotated[int, Within(0, _MOST)]
    tokens_out: Annotated[int, Within(0, _MOST)]
    cached: bool  # it was on disk, and cost nothing
    temperature: bool  # whether the server took temperature 0

    def __post_init__(self) -> None:
        require_usable(self)

    @property
    def key(self) -> VoteKey:
        """Which question."""
        return self.video, self.part, self.order


@dataclass(frozen=True, slots=True)
class VotesFile:
    """What a file of votes holds."""

    path: Path
    runs: tuple[VoteRun, ...]  # none in an empty file
    votes: Mapping[VoteKey, Vote]
    notice: str = ""

    def is_done(self, question: JudgeQuestion) -> bool:
        """Whether the judge has answered it."""
        vote = self.votes.get((question.pair.video, question.pair.part, question.order))
        return vote is not None and vote.outcome is not Outcome.UNANSWERED


def read_votes(path: Path) -> VotesFile:
    """A whole file. Raises `InputError`, also if there is no vote in it."""
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
                raise LineError("is a vote, and nothing above it says what about")
            before = votes.get(vote.key)
            if before is not None and before.outcome is not Outcome.UNANSWERED:
                raise LineError("is a second vote on the same question")
            votes[vote.key] = vote
    return VotesFile(lines.path, tuple(runs), votes, lines.notice)


def difference(one: VoteSetting, other: VoteSetting) -> str:
    """What people call the first thing in which they differ, as in "another judge"."""
    words = {
        "prompts": "other prompts",
        "data": "another file of data",
        "a": "another first file of predictions",
        "b": "another second file of predictions",
    }
    name = next(each.name for each in fields(VoteSetting) if getattr(one, each.name) != getattr(other, each.name))
    return words.get(name, f"another {name}")


class GrowingVotes(Closing):
    """A file of votes that a run adds to. Raises `OutputError` if it is about something else, or another run's."""

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
        """One more. Raises `OutputError`."""
        self._lines.append(asdict(vote))

    def close(self) -> None:
        """Let others have it."""
        self._lines.close()
