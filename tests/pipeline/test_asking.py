"""Questions to a stream: when they are asked, what the answer is made of, and that nothing else changes."""

import dataclasses
import math
from collections.abc import Iterator

import pytest
import torch

from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.core.types import Chunk, Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import Questions
from svlm_cli.engine.plan import Request
from svlm_cli.pipeline.asking import answers, ask, until
from svlm_cli.pipeline.questions import Question, QuestionDesk, Reply
from tests.engine.conftest import Parts, make_chunks, parts, small_policy

__all__ = ["parts"]  # the fixture

WHO = Question("Who has the ball?")
EITHER = Question("Who has the ball?", ("the reds", "the blues", "nobody"))


@pytest.fixture
def engine(parts: Parts) -> Engine:
    room = Questions(forks=1, answer_tokens=12)
    policy = small_policy(keep_query=False)
    policy = dataclasses.replace(policy, prompt=dataclasses.replace(policy.prompt, max_query_tokens=200))
    return Engine(parts.model, parts.preprocessor, parts.tokenizer, policy, max_streams=1, questions=room)


@pytest.mark.parametrize(
    ("times_s", "seen_s", "watched"),
    [
        ((), [8.0], 8),
        ((3.0,), [3.0], 3),
        ((3.4, 3.0, 3.9), [3.0, 3.0, 3.0], 3),
        ((0.2,), [1.0], 1),  # before the first round nothing is in mind
        ((5.0, 2.0), [2.0, 5.0], 5),
        ((2.0, 99.0), [2.0, 8.0], 8),
    ],
)
def test_when_it_is_asked(engine: Engine, times_s: tuple[float, ...], seen_s: list[float], watched: int) -> None:
    """Guards an answer against what comes later, and whoever waits against the rest of the video."""
    seen: list[Chunk] = []
    with engine.open() as stream:
        replies = list(answers(engine, stream, make_chunks(8), [WHO, EITHER], times_s, seen=seen.append))
    assert [reply.seen_s for reply in replies] == [time_s for time_s in seen_s for _ in range(2)]
    assert [reply.question for reply in replies] == [WHO, EITHER] * len(seen_s)
    assert len(seen) == watched


def test_without_a_video_there_is_no_answer(engine: Engine) -> None:
    with engine.open() as stream:
        assert list(answers(engine, stream, [], [WHO])) == []


def test_choices_are_told_apart_by_the_letter_that_comes_first(engine: Engine, parts: Parts) -> None:
    """Against the logits of the question as plain text: no other token has a say."""
    with engine.open() as stream:
        for chunk in make_chunks(3):
            list(engine.step([Request(stream, chunk)]))
        reply = ask(engine, stream, EITHER)
        rows: list[torch.Tensor] = []
        query = "Who has the ball?\nA. the reds\nB. the blues\nC. nobody\nAnswer with one letter."
        with engine.fork(stream) as fork:
            list(engine.step([Request(fork, None, query=query)], observe=lambda _, row: rows.append(row.clone())))
    ids = [parts.tokenizer.encode(letter)[0] for letter in "ABC"]
    expected = rows[0][ids].softmax(-1)
    assert reply.chances == pytest.approx(expected.tolist())
    assert reply.text == EITHER.choices[int(expected.argmax())]
    assert len(set(ids)) == 3


def test_words_are_as_long_as_the_engine_allows(engine: Engine) -> None:
    with engine.open() as stream:
        for chunk in make_chunks(3):
            list(engine.step([Request(stream, chunk)]))
        first, second = ask(engine, stream, WHO), ask(engine, stream, WHO)
    assert first.text == second.text, "the likeliest"
    assert first.chances == ()


def said(engine: Engine, desk: QuestionDesk | None, told: list[Reply | SvlmError]) -> Iterator[tuple[str, ...]]:
    with engine.open(seed=2) as stream:
        for index, chunk in enumerate(make_chunks(9)):
            events = list(engine.step([Request(stream, chunk)]))
            yield tuple(event.text for event in events if isinstance(event, Segment))
            if desk is not None and index % 3 == 1:
                desk.leave("a", EITHER, told.append)
                desk.leave("a", WHO, told.append)
                desk.answer(lambda _, question: ask(engine, stream, question))


def test_a_running_stream_is_asked_and_never_knows(engine: Engine) -> None:
    told: list[Reply | SvlmError] = []
    assert list(said(engine, None, told)) == list(said(engine, QuestionDesk(), told))
    assert [reply.seen_s for reply in told if isinstance(reply, Reply)] == [2.0, 2.0, 5.0, 5.0, 8.0, 8.0]


def test_what_cannot_be_answered_is_told(engine: Engine) -> None:
    """Guards the loop: a question is never the end of a camera."""
    told: list[Reply | SvlmError] = []
    desk = QuestionDesk()
    woken: list[bool] = []
    desk.wake = lambda: woken.append(True)
    with engine.open() as stream:
        list(engine.step([Request(stream, make_chunks(1)[0])]))
        for question in (Question("why " * 500), WHO):
            desk.leave("a", question, told.append)
        desk.answer(lambda _, question: ask(engine, stream, question))
    assert "The query has" in str(told[0])
    assert isinstance(told[1], Reply)
    assert woken == [True, True]


@pytest.mark.parametrize(
    ("text", "choices"), [(" ", ()), ("Who?", ("a",)), ("Who?", ("a", " ")), ("Who?", ("a",) * 27)]
)
def test_what_is_no_question(text: str, choices: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        Question(text, choices)


@pytest.mark.parametrize(("last_s", "shown"), [(3.4, 3), (3.0, 3), (0.2, 1), (99.0, 8), (math.inf, 8)])
def test_nothing_is_shown_that_nobody_asks_about(last_s: float, shown: int) -> None:
    """Guards hours of video behind the last question; half a second of it is none that is seen."""
    assert len(list(until(make_chunks(8, size=(28, 28)), last_s))) == shown
