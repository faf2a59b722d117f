"""Answers and how likely they are, of clips and of streams: held against transformers, and against the slow oracle."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import Questions
from svlm_cli.engine.oracle import Oracle, Token
from svlm_cli.engine.prompt import flatten
from svlm_cli.evals.lmms.generation import read_generation
from svlm_cli.evals.lmms.speaking import Witness, say, tell_likelihood
from tests.engine.conftest import Parts, hear, make_chunks, parts, small_policy
from tests.engine.test_clips import stock_logits

__all__ = ["parts"]  # the fixture

QUESTION = "Who has the ball?"
TOLERANCE = 1e-3  # of a sum of four logarithms, each from logits that agree to 1e-4
TOKENS = 4


def _clip_policy() -> StreamPolicy:
    policy = small_policy(mode=Mode.FULL)
    return replace(policy, chunk_seconds=8.0, prompt=replace(policy.prompt, clip=True))


def _clip() -> Chunk:
    return Chunk(tuple(frame for chunk in make_chunks(4, size=(56, 56)) for frame in chunk.frames), 0.0, 4.0)


def _summed(logits: list[torch.Tensor], ids: tuple[int, ...]) -> float:
    """Written out: exponentials and their sum."""
    parts = [row.double().exp()[token] / row.double().exp().sum() for row, token in zip(logits, ids, strict=True)]
    return float(torch.stack(parts).log().sum())


def test_the_likelihood_after_a_clip_is_that_of_transformers(parts: Parts, tiny_checkpoint: Path) -> None:
    """Guards the sum over all tokens, each after those before it, and who is the likeliest throughout."""
    engine, clip = parts.engine(_clip_policy()), _clip()
    with engine.open() as stream:
        tell_likelihood(Witness(engine, stream, clip), QUESTION, (0,))
        prompt = flatten(stream.spans)[: -sum(len(span) for span in stream.spans[-2:])]
    likeliest: tuple[int, ...] = ()
    for _ in range(TOKENS):
        likeliest += (int(stock_logits(tiny_checkpoint, engine, clip, [*prompt, *likeliest]).argmax()),)
    other = tuple(parts.tokenizer.encode("The ball comes in"))[:TOKENS]
    last_wrong = (*likeliest[:-1], other[-1])
    for ids, expected in ((likeliest, True), (other, False), (last_wrong, False), (likeliest[:1], True)):
        logits = [stock_logits(tiny_checkpoint, engine, clip, [*prompt, *ids[:count]]) for count in range(len(ids))]
        with engine.open() as stream:
            found = tell_likelihood(Witness(engine, stream, clip), QUESTION, ids)
        assert found.log_probability == pytest.approx(_summed(logits, ids), abs=TOLERANCE)
        assert found.is_likeliest is expected


@torch.no_grad()
def _asked_oracle(oracle: Oracle, question: str, ids: tuple[int, ...]) -> list[torch.Tensor]:
    """Logits before each of `ids`, in a turn of its own after all that the oracle holds."""
    encode = oracle.tokenizer.encode
    tail = (oracle.end, *encode("\n"))
    oracle._text("question", oracle.start, *encode("user\n"), *encode(question), *tail)
    oracle._text("question", oracle.start, *encode("assistant\n"))
    logits = []
    for token in ids:
        logits.append(oracle._read())
        oracle.tokens.append(Token(token, "words", oracle.round))
    return logits


def test_the_likelihood_in_a_stream_is_that_of_the_oracle(parts: Parts) -> None:
    """Guards a fork's answer: after evictions, with every token of it fed before the next is looked at."""
    policy = small_policy()
    engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, policy, questions=Questions(1, 8))
    oracle, ids = parts.oracle(policy), tuple(parts.tokenizer.encode("The ball comes in"))[:TOKENS]
    with engine.open() as stream:
        for chunk in make_chunks(9):
            (heard,) = hear(engine, [stream], [chunk])
            assert oracle.step(chunk)[0] == heard.ids
        with engine.fork(stream) as fork:
            found = tell_likelihood(Witness(engine, fork, None), QUESTION, ids)
    assert found.log_probability == pytest.approx(_summed(_asked_oracle(oracle, QUESTION, ids), ids), abs=TOLERANCE)


def test_an_answer_ends_where_it_is_told_to(parts: Parts) -> None:
    """Guards stop texts and lengths, and that a stream that was stopped early can be closed."""
    engine, clip = (
        parts.engine(replace(_clip_policy(), sampling=read_generation({"max_new_tokens": 40}).sampling)),
        _clip(),
    )

    def said(**settings: object) -> tuple[str, int]:
        with engine.open() as stream:
            answer = say(Witness(engine, stream, clip), QUESTION, read_generation(settings), seed=0)
        return answer.text, answer.tokens

    whole, tokens = said(max_new_tokens=40)
    assert 4 < tokens <= 40
    assert said(max_new_tokens=3)[1] == 3
    stop = whole[len(whole) // 2 :][:2]
    cut, fewer = said(max_new_tokens=40, until=[stop])
    assert cut == whole[: whole.index(stop)]
    assert fewer < tokens, "what comes after it is not generated"


def test_a_drawn_answer_has_random_numbers_of_its_own(parts: Parts) -> None:
    """Guards repeated questions, which would all get the same answer, and results that can be had again."""
    engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, small_policy(), questions=Questions(1, 8))
    drawn = read_generation({"max_new_tokens": 8, "do_sample": True, "temperature": 3.0})
    with engine.open() as stream:
        hear(engine, [stream], make_chunks(1))
        answers = []
        for seed in (1, 2, 1):
            with engine.fork(stream) as fork:
                answers.append(say(Witness(engine, fork, None), QUESTION, drawn, seed).text)
    assert answers[0] == answers[2] != answers[1]


def test_an_empty_answer_is_certain(parts: Parts) -> None:
    engine = parts.engine(_clip_policy())
    with engine.open() as stream:
        found = tell_likelihood(Witness(engine, stream, _clip()), QUESTION, ())
    assert (found.log_probability, found.is_likeliest) == (0.0, True)
