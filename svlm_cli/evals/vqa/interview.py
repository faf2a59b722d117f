"""Questions put to whoever has seen the video, a stream or a reader of a clip, and answers as results.

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

_SHORT_TOKENS: Final = 16  # of an answer that is a letter, a number, yes or no: whoever says more is wrong anyway


@dataclass(frozen=True, slots=True, eq=False)
class ModelAnswer:
    """An answer."""

    text: str
    logits: Tensor  # [V] from which its first token was chosen


Respondent = Callable[[str, int], ModelAnswer]
"""What is asked, and how many tokens the answer may have -> the answer."""


def stream_respondent(engine: Engine, stream: StreamState) -> Respondent:
    """A fork of a stream answers, between two rounds: the stream goes on as if nobody had asked."""

    def respond(query: str, tokens: int) -> ModelAnswer:
        with engine.fork(stream) as fork:
            return _hear(engine, fork, None, query, tokens)

    return respond


def clip_respondent(engine: Engine, clip: Chunk) -> Respondent:
    """Whoever reads clip and question at once, in a context of their own, answers."""

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
    """How the questions of a run are put."""

    prompts: VqaPrompts
    by: AnswerBy = AnswerBy.LETTERS
    spoken: Mapping[str, Sequence[Cue]] = field(default_factory=dict)  # what is said, by the file of subtitles

    def query(self, question: VideoQuestion, way: Way) -> str:
        """The question in words."""
        return self._ask(question, way, question.end_s)

    def queries(self, question: VideoQuestion, way: Way) -> tuple[str, ...]:
        """All that is asked for an answer."""
        if question.kind is not AnswerKind.PROACTIVE:
            return (self.query(question, way),)
        last_s = [*question.moments()][-1]
        return self._ask_moment(question, way, last_s), self._ask(question, way, last_s)

    def answer(self, engine: Engine, question: VideoQuestion, way: Way, respond: Respondent) -> VqaResult:
        """Asked once."""
        assert question.kind is not AnswerKind.PROACTIVE, "that is asked each second"
        query = self.query(question, way)
        if question.kind is not AnswerKind.CHOICE or self.by is AnswerBy.GENERATION:
            return answered(question, way, respond(query, _SHORT_TOKENS).text)
        ids = [engine.tokenizer.encode(letter)[0] for letter in question.letters]
        scores = tuple(respond(query, 1).logits[ids].float().tolist())
        best = max(range(len(ids)), key=scores.__getitem__)
        return answered(question, way, question.letters[best], letters=scores)

    def answer_at(self, question: VideoQuestion, way: Way, moment_s: float, respond: Respondent) -> VqaResult | None:
        """Asked whether it is time, of a proactive question. None if it is not."""
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
        """In what may be seen."""
        return spoken_within(self.spoken.get(question.subtitles, ()), question.start_s, end_s)


def never_said(question: VideoQuestion, way: Way) -> VqaResult:
    """Of a proactive question, whose time has come and gone."""
    return answered(question, way, "")
