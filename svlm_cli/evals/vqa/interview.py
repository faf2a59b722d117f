"""Puts questions to a stream or a clip reader, and turns answers into results.

Knows no benchmark, no file and no loop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from torch import Tensor

from svlm_cli.core.types import Chunk, Cue, Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.stream import StreamState
from svlm_cli.evals.benchmarks.spoken import spoken_within
from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.answers import read_yes_no
from svlm_cli.evals.vqa.choices import AnswerBy, Way
from svlm_cli.evals.vqa.results import VqaResult, answered
from svlm_cli.evals.vqa.ways import ANSWER_TOKENS, ANSWERING
from svlm_cli.questions.prompts import VqaPrompts, after_context
from svlm_cli.questions.question import YES, AnswerKind

_SHORT_TOKENS: Final = 16  # for a letter, a number, yes or no: longer answers are wrong anyway


@dataclass(frozen=True, slots=True, eq=False)
class ModelAnswer:
    """An answer."""

    text: str
    logits: Tensor  # [V] of its first token


Respondent = Callable[[str, int], ModelAnswer]
"""Takes a query and the maximum number of tokens, and returns the answer."""


def stream_respondent(engine: Engine, stream: StreamState) -> Respondent:
    """Answers by a fork of the stream, between two rounds; the stream itself is unaffected."""

    def respond(query: str, tokens: int) -> ModelAnswer:
        with engine.fork(stream) as fork:
            return _hear(engine, fork, None, query, tokens)

    return respond


def clip_respondent(engine: Engine, clip: Chunk) -> Respondent:
    """Answers after prefilling clip and question together, in a new context."""

    def respond(query: str, tokens: int) -> ModelAnswer:
        with engine.open() as stream:
            return _hear(engine, stream, clip, query, tokens)

    return respond


def _hear(engine: Engine, stream: StreamState, chunk: Chunk | None, query: str, tokens: int) -> ModelAnswer:
    rows: list[Tensor] = []
    request = Request(stream, chunk, query=query, max_tokens=tokens, sampling=ANSWERING)
    *_, segment = engine.step([request], observe=lambda _, row: rows.append(row))
    assert isinstance(segment, Segment)
    return ModelAnswer(segment.text, rows[0])


@dataclass(frozen=True, slots=True)
class Interview:
    """How questions are put in a run."""

    prompts: VqaPrompts
    by: AnswerBy = AnswerBy.LETTERS
    spoken: Mapping[str, Sequence[Cue]] = field(default_factory=dict)  # subtitles by file

    def query(self, question: VideoQuestion, way: Way) -> str:
        """The wording of a question."""
        return self._ask(question, way, question.end_s)

    def queries(self, question: VideoQuestion, way: Way) -> tuple[str, ...]:
        """All queries needed for an answer."""
        if question.kind is not AnswerKind.PROACTIVE:
            return (self.query(question, way),)
        last_s = [*question.moments()][-1]
        return self._ask_moment(question, way, last_s), self._ask(question, way, last_s)

    def answer(self, engine: Engine, question: VideoQuestion, way: Way, respond: Respondent) -> VqaResult:
        """Ask once."""
        assert question.kind is not AnswerKind.PROACTIVE, "that is asked each second"
        query = self.query(question, way)
        if question.kind is not AnswerKind.CHOICE or self.by is AnswerBy.GENERATION:
            return answered(question, way, respond(query, _SHORT_TOKENS).text)
        ids = [engine.tokenizer.encode(letter)[0] for letter in question.letters]
        scores = tuple(respond(query, 1).logits[ids].float().tolist())
        best = max(range(len(ids)), key=scores.__getitem__)
        return answered(question, way, question.letters[best], letters=scores)

    def answer_at(self, question: VideoQuestion, way: Way, moment_s: float, respond: Respondent) -> VqaResult | None:
        """Ask a proactive question whether it is time. None if not."""
        if read_yes_no(respond(self._ask_moment(question, way, moment_s), _SHORT_TOKENS).text) != YES:
            return None
        query = self._ask(question, way, moment_s)
        return answered(question, way, respond(query, ANSWER_TOKENS).text, at_s=moment_s)

    def _ask(self, question: VideoQuestion, way: Way, end_s: float | None) -> str:
        asked = self.prompts.ask(question, self._said(question, end_s))
        return asked if way.streams else after_context(question.known, asked)

    def _ask_moment(self, question: VideoQuestion, way: Way, moment_s: float) -> str:
        asked = self.prompts.ask_moment(question, self._said(question, moment_s))
        return asked if way.streams else after_context(question.known, asked)

    def _said(self, question: VideoQuestion, end_s: float | None) -> tuple[Cue, ...]:
        """The subtitles of what may be seen."""
        return spoken_within(self.spoken.get(question.subtitles, ()), question.start_s, end_s)


def never_said(question: VideoQuestion, way: Way) -> VqaResult:
    """The result of a proactive question whose time has passed."""
    return answered(question, way, "")
