"""Generates an answer about a video that was seen, or scores a given one. Knows no video."""

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from svlm_cli.core.types import Chunk, TokenEvent
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.stream import StreamState
from svlm_cli.evals.lmms.generation import GenerationParameters
from svlm_cli.evals.vqa.ways import ANSWERING


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """A stream that has seen a video, or is about to be shown a clip, and can be asked once."""

    engine: Engine
    stream: StreamState
    clip: Chunk | None  # None: a fork, which has seen everything


@dataclass(frozen=True, slots=True)
class Answer:
    """A generated answer."""

    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The likelihood of a given answer."""

    log_probability: float  # summed over its tokens
    is_likeliest: bool  # whether each token is the most likely one


def say(witness: Witness, question: str, generation: GenerationParameters, seed: int) -> Answer:
    """Generate an answer; if it is sampled, `seed` determines the random numbers."""
    witness.stream.random = np.random.default_rng(seed)
    request = Request(
        witness.stream, witness.clip, query=question, max_tokens=generation.tokens, sampling=generation.sampling
    )
    text, tokens = "", 0
    for event in witness.engine.step([request]):
        if isinstance(event, TokenEvent):
            text, tokens = text + event.text, tokens + 1
            if (ended := generation.finished(text)) is not None:
                return Answer(ended, tokens)
    return Answer(text, tokens)


def tell_likelihood(witness: Witness, question: str, ids: tuple[int, ...]) -> Likelihood:
    """The likelihood of `ids` as the answer; an empty answer is certain."""
    if not ids:
        return Likelihood(0.0, is_likeliest=True)
    coming, parts, likeliest = iter(ids), list[float](), list[bool]()

    def observe(_: StreamState, logits: Tensor) -> None:
        token = next(coming)
        parts.append(float(logits.double().log_softmax(-1)[token]))
        likeliest.append(int(logits.argmax()) == token)

    request = Request(witness.stream, witness.clip, query=question, sampling=ANSWERING, forced_ids=ids)
    for _ in witness.engine.step([request], observe=observe):
        pass
    assert len(parts) == len(ids), "nothing in a plain text ends an answer"
    return Likelihood(math.fsum(parts), all(likeliest))
