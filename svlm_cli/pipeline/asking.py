"""Questions about a stream's memory, put to a fork of it: the stream itself is unaffected.

Knows neither who asks nor how an answer is shown.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from torch import Tensor

from svlm_cli.core.types import Chunk, Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.stream import StreamState
from svlm_cli.pipeline.questions import LETTERS, Question, Reply

_ON_TIME_S: Final = 1e-6


def ask(engine: Engine, stream: StreamState, question: Question) -> Reply:
    """Ask a stream, between two of its rounds. Always the likeliest answer.

    An answer in words has as many tokens as the engine's `questions` allow. Of choices, the one whose letter is the
    likeliest first token. `UsageError` if the engine has no fork free, or the question is too long.
    """
    logits: list[Tensor] = []
    policy = engine.policy.sampling
    tokens = 1 if question.choices else engine.questions.answer_tokens
    sampling = replace(policy, temperature=0.0, max_new_tokens=tokens)
    with engine.fork(stream) as fork:
        request = Request(fork, None, query=question.query, max_tokens=tokens, sampling=sampling)
        observe = (lambda _, row: logits.append(row.clone())) if question.choices else None
        events = list(engine.step([request], observe=observe))
    segment = events[-1]
    assert isinstance(segment, Segment)
    if not question.choices:
        return Reply(question, segment.end_s, segment.text.strip(), (), segment.work_s)
    ids = [engine.tokenizer.encode(letter)[0] for letter in LETTERS[: len(question.choices)]]
    chances = tuple(logits[0][ids].float().softmax(-1).tolist())
    best = max(range(len(ids)), key=chances.__getitem__)
    return Reply(question, segment.end_s, question.choices[best], chances, segment.work_s)


class Appointments:
    """What is done with a stream in passing, each thing at a time of its own: `before` is what a `Feed` calls.

    At a time nothing is seen that comes after it, but for the first round, without which there is nothing to ask about.
    A time behind the end comes at the end.
    """

    def __init__(self, due: Iterable[tuple[float, Callable[[StreamState], None]]]) -> None:
        self._due = deque(sorted(due, key=lambda one: one[0]))

    def before(self, stream: StreamState, chunk: Chunk | None) -> None:
        """Do what is due before a chunk is shown; None: before the stream ends."""
        while self._due and stream.rounds and (chunk is None or chunk.end_s > self._due[0][0] + _ON_TIME_S):
            _, act = self._due.popleft()
            act(stream)

    @property
    def done(self) -> bool:
        """Whether everything was done."""
        return not self._due


class Schedule(Appointments):
    """Questions about one stream, each at a time of its own: see `Appointments`."""

    def __init__(
        self,
        engine: Engine,
        questions: Iterable[tuple[float, Question]],
        tell: Callable[[Reply], None],
    ) -> None:
        def asking(question: Question) -> Callable[[StreamState], None]:
            return lambda stream: tell(ask(engine, stream, question))

        super().__init__((time_s, asking(question)) for time_s, question in questions)


def until(chunks: Iterable[Chunk], last_s: float) -> Iterator[Chunk]:
    """The chunks that are seen at `last_s`, by the rule of `Appointments`: whole ones, and the first in any case.

    There must be one more, as far as the video goes, or its last might be half a chunk.
    """
    for index, chunk in enumerate(chunks):
        if index and chunk.end_s > last_s + _ON_TIME_S:
            return
        yield chunk


def answers(
    engine: Engine,
    stream: StreamState,
    chunks: Iterable[Chunk],
    questions: Sequence[Question],
    times_s: Sequence[float] = (),
    *,
    seen: Callable[[Chunk], None] = lambda chunk: None,
) -> Iterator[Reply]:
    """Watch `chunks`, and ask every question at each time, or at the end if no times are given.

    See `Schedule` for what is seen at a time. After the last time nothing more is watched.
    """
    replies: list[Reply] = []
    asked = [(time_s, question) for time_s in sorted(set(times_s)) or [math.inf] for question in questions]
    schedule = Schedule(engine, asked, replies.append)
    for chunk in chunks:
        schedule.before(stream, chunk)
        yield from _taken(replies)
        if schedule.done:
            return
        for _ in engine.step([Request(stream, chunk)]):
            pass
        seen(chunk)
    schedule.before(stream, None)
    yield from _taken(replies)


def _taken(replies: list[Reply]) -> Iterator[Reply]:
    while replies:
        yield replies.pop(0)
