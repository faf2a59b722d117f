"""Runs one model over a benchmark's questions: finds videos, skips answered questions, and runs one way after another.

Knows neither options nor the terminal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.text import plain_text
from svlm_cli.core.types import Cue
from svlm_cli.engine.engine import Engine, Fused
from svlm_cli.engine.footprint import NO_QUESTIONS, Questions
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.evals.benchmarks.footage import find_footage
from svlm_cli.evals.benchmarks.spoken import read_spoken
from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.asked import AskedQuestion, WayOutcome, WayRun
from svlm_cli.evals.vqa.clips import ClipAsking
from svlm_cli.evals.vqa.interview import Interview
from svlm_cli.evals.vqa.results import GrowingResults, VqaResult, unanswered
from svlm_cli.evals.vqa.streams import StreamAsking, watches
from svlm_cli.evals.vqa.ways import ANSWER_TOKENS, WaySetting
from svlm_cli.networks.network import Network
from svlm_cli.networks.pixels import Preprocessor


@dataclass(frozen=True, slots=True)
class FoundQuestions:
    """Questions whose videos exist, and those whose videos do not."""

    asked: tuple[AskedQuestion, ...]
    missing: tuple[VideoQuestion, ...]

    @property
    def questions(self) -> tuple[VideoQuestion, ...]:
        """All of them."""
        return (*(one.question for one in self.asked), *self.missing)

    def absent(self) -> list[InputError]:
        """An error per missing video."""
        videos = dict.fromkeys(one.video for one in self.missing)
        return [InputError(why_missing(one), "Fetch it, or correct the folder.") for one in videos]


def find_questions(folder: Path, questions: Sequence[VideoQuestion]) -> FoundQuestions:
    """Find the questions' videos."""
    found = [(one, find_footage(folder, one)) for one in questions]
    asked = tuple(AskedQuestion(one, footage) for one, footage in found if footage is not None)
    return FoundQuestions(asked, tuple(one for one, footage in found if footage is None))


def why_missing(video: str) -> str:
    """A sentence about a missing video."""
    return f"There is no video {plain_text(video)}."


def read_subtitles(folder: Path, questions: Sequence[VideoQuestion]) -> dict[str, tuple[Cue, ...]]:
    """Subtitles by file, as named in questions; a missing file is empty. Raises `InputError`."""
    files = {one.subtitles: one.subtitles_start_s for one in questions if one.subtitles}
    return {name: read_spoken(folder / name, start_s) for name, start_s in files.items() if (folder / name).is_file()}


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """The weights of an engine, kept for the next one."""

    network: Network
    preprocessor: Preprocessor
    tokenizer: Tokenizer
    fused: Fused

    @classmethod
    def of(cls, engine: Engine) -> "LoadedModel":
        """The weights of an engine."""
        return cls(engine.network, engine.preprocessor, engine.tokenizer, engine.fused)

    def engine(
        self, policy: StreamPolicy, streams: int, room: Questions, attention: AttentionKernel, *, graphs: bool = True
    ) -> Engine:
        """A new engine on the same weights. Raises what `Engine` does."""
        return Engine(
            self.network,
            self.preprocessor,
            self.tokenizer,
            policy,
            max_streams=streams,
            questions=room,
            attention=attention,
            graphs=graphs,
            fused=self.fused,
        )


LoadEngine = Callable[[StreamPolicy, int, Questions, LoadedModel | None], Engine]
"""Takes a policy, the number of streams, room for questions, and weights if loaded; returns an engine."""


@dataclass(frozen=True, slots=True)
class WayListener:
    """Callbacks for progress."""

    notice: Callable[[str], None]
    failure: Callable[[SvlmError], None]  # of one video
    progress: Callable[[int], None]  # number of questions done in one way


class ModelRun:
    """The answers of one model."""

    def __init__(
        self,
        results: GrowingResults,
        interview: Interview,
        found: FoundQuestions,
        policy_of: Callable[[WaySetting, Sequence[VideoQuestion]], StreamPolicy],
        load: LoadEngine,
    ) -> None:
        """`policy_of` adds room for the questions to a way's policy."""
        self._results, self._interview, self._found = results, interview, found
        self._policy_of, self._load = policy_of, load
        self._model: LoadedModel | None = None

    def left(self, setting: WaySetting) -> list[AskedQuestion]:
        """The questions left to ask."""
        before = self._results.before
        return [one for one in self._found.asked if not before.is_done(one.question, setting.way)]

    def ask(self, setting: WaySetting, jobs: int, telling: WayListener) -> WayOutcome:
        """Ask the remaining questions in one way, with `jobs` streams or clips at a time. Raises `OutputError`."""
        outcome = WayOutcome(setting.way)
        way = WayRun(setting, self._interview, self._write, telling.notice, telling.failure, telling.progress, outcome)
        for question in self._found.missing:
            way.take(unanswered(question, setting.way, why_missing(question.video)))
        left = self.left(setting)
        if not left:
            return outcome
        policy = self._policy_of(setting, [one.question for one in left])
        if setting.way.streams:
            watched = watches(left)
            streams = min(jobs, len(watched))
            engine = self._load(policy, streams, Questions(1, ANSWER_TOKENS), self._model)
            self._model = LoadedModel.of(engine)
            return way.timed(lambda: StreamAsking(engine, way).ask(watched, streams=streams))
        engine = self._load(policy, 1, NO_QUESTIONS, self._model)
        self._model = LoadedModel.of(engine)
        return way.timed(lambda: ClipAsking(engine, way).ask(left, readers=jobs))

    def _write(self, result: VqaResult) -> None:
        """Write a result unless the same exists: a repeated failure is written once."""
        if self._results.before.results.get(result.key) != result:
            self._results.append(result)
