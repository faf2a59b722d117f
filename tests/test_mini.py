"""What svlm-mini's policy says of its words, held against the game that it was trained in."""

from itertools import product

import pytest

from svlm_cli.checkpoints import catalog
from svlm_cli.checkpoints.catalog import MATCH_MODEL
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.simulator.match.commentary import NUMBERS, REMINDER, SENTENCES, describe, second_text
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.simulator.match.teams import FIRST, KITS, SECOND

DESCRIBED_S = 600  # in which the ball lies in every column and row, in a net and out


@pytest.fixture(scope="module")
def policy() -> StreamPolicy:
    return catalog.find(MATCH_MODEL).file.policy


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(catalog.find(MATCH_MODEL).folder)


def sayings() -> set[str]:
    """All words of a commentary."""
    names = map("".join, product(FIRST, SECOND))
    sentences = " ".join((*SENTENCES.values(), REMINDER)).replace("*", "")
    return {
        sentences.format(team=name, way=way, home="nil", away="nil")
        for name, way in product(names, ("forward", "back"))
    } | {*NUMBERS}


def descriptions() -> set[str]:
    match = Match(0)
    return {second_text(describe(match, second)).strip() for second in range(DESCRIBED_S)} | {*KITS}


def test_what_only_descriptions_say_is_never_said(policy: StreamPolicy, tokenizer: Tokenizer) -> None:
    """Guards both ways: "cyan c5 r1 held" tells nobody anything, and no word of the commentary may be lost."""
    said, seen = (
        {id_ for text in texts for id_ in tokenizer.encode(f" {text}")} for texts in (sayings(), descriptions())
    )
    assert {tokenizer.single(text) for text in policy.sampling.suppress_tokens} == seen - said


@pytest.mark.parametrize("split", Split)
def test_every_match_has_a_context_that_it_understands(policy: StreamPolicy, split: Split) -> None:
    """Guards against a warning for what is right; whitespace and a full stop do not matter to it either."""
    for seed in range(50):
        context = Match(seed, split).context
        assert policy.prompt.misunderstood(f"{context}\n") == ""
        assert policy.prompt.misunderstood(context.rstrip(".").replace(" ", "  ")) == ""
    for first, second in product(FIRST, SECOND):
        assert policy.prompt.misunderstood(f"Match: red {first}{second} against white {first}{second}{second}.") == ""


@pytest.mark.parametrize(
    "context",
    [
        "",
        "Callek in purple against Valbin in orange.",
        "Match: orange Reds against purple Blues.",
        "Match: orange Valbin against purple Blues.",
        "Match: orange Val against purple Callek.",
        "Match: orange Valbinbekrik against purple Callek.",
        "Match: green Valbin against purple Callek.",
        "Match: orange Valbin vs purple Callek.",
        "Match: orange valbin against purple callek.",
        "Match: orange Valbin.",
    ],
)
def test_other_contexts_are_told(policy: StreamPolicy, context: str) -> None:
    """Each was tried: wrong names come of it."""
    told = policy.prompt.misunderstood(context)
    assert "Match: orange Valbin against purple Callek." in told
    assert "\n" not in told
