"""Drawing tokens: each rule on its own, and against what transformers does in the same order."""

import pytest
import torch
from transformers import RepetitionPenaltyLogitsProcessor, SuppressTokensLogitsProcessor

from svlm_cli.core.policy import SamplingPolicy
from svlm_cli.engine.sampling import Sampler

VOCABULARY = 40
ENDS = (5, 17)
SLOT = torch.tensor([0])


def sampler(*, suppressed: tuple[int, ...] = (), **policy: float) -> Sampler:
    options = SamplingPolicy(**policy, suppress_tokens=tuple(map(str, suppressed)))  # type: ignore[arg-type]
    device = torch.device("cpu")
    return Sampler(options, slots=2, vocabulary=VOCABULARY, end_ids=ENDS, token_id=int, device=device)


def logits(seed: int = 0, rows: int = 1) -> torch.Tensor:
    return 3 * torch.randn(rows, VOCABULARY, generator=torch.Generator().manual_seed(seed))


def test_the_penalty_equals_transformers() -> None:
    context = [3, 3, 8, 21]
    ours = sampler(repetition_penalty=1.3)
    ours.begin([0], [set(context)])
    theirs = RepetitionPenaltyLogitsProcessor(1.3)(torch.tensor([context]), logits().clone())
    torch.testing.assert_close(ours.scores(logits(), SLOT), theirs)


def test_the_penalty_covers_tokens_of_this_round_and_not_of_the_last() -> None:
    ours = sampler(repetition_penalty=2.0, temperature=0)
    flat = torch.ones(1, VOCABULARY)
    ours.begin([0], [{0}])
    ours.remember(SLOT, torch.tensor([1]))
    assert ours.scores(flat, SLOT)[0, :3].tolist() == [0.5, 0.5, 1]
    ours.begin([0], [{2}])
    assert ours.scores(flat, SLOT)[0, :3].tolist() == [1, 1, 0.5]


def test_slots_do_not_share_their_context() -> None:
    ours = sampler(repetition_penalty=2.0)
    ours.begin([0, 1], [{0}, {1, 2}])
    both = ours.scores(torch.ones(2, VOCABULARY), torch.tensor([1, 0]))
    assert both[:, :3].tolist() == [[1, 0.5, 0.5], [0.5, 1, 1]]
    ours.begin([1], [{0}])
    both = ours.scores(torch.ones(2, VOCABULARY), torch.tensor([1, 0]))
    assert both[:, :3].tolist() == [[0.5, 1, 1], [0.5, 1, 1]], "a round of one slot is no round of the other"


def test_no_penalty_remembers_nothing() -> None:
    """Guards the memory that a footprint does not count then: a number for each id of the vocabulary, and each slot."""
    assert sampler(repetition_penalty=1)._seen is None
    assert sampler(repetition_penalty=0.5)._seen is not None


def test_temperature_zero_takes_the_likeliest() -> None:
    ours = sampler(temperature=0, repetition_penalty=1)
    assert ours.draw(logits(), SLOT, torch.tensor([0.99])).item() == logits().argmax().item()


def test_draws_follow_the_distribution_of_the_top_k() -> None:
    """Inverse transform: as many draws per token as its probability says, and none outside the top k."""
    ours = sampler(temperature=0.9, top_k=5, repetition_penalty=1)
    count = 20_000
    uniforms = (torch.arange(count) + 0.5) / count
    drawn = ours.draw(logits().expand(count, -1), SLOT.expand(count), uniforms)
    scores = logits()[0] / 0.9
    kept = scores.topk(5)
    expected = torch.zeros(VOCABULARY).scatter(0, kept.indices, kept.values.softmax(-1))
    torch.testing.assert_close(drawn.bincount(minlength=VOCABULARY) / count, expected, atol=1e-3, rtol=0)


def test_top_k_zero_keeps_the_vocabulary() -> None:
    ours = sampler(temperature=100.0, top_k=0, repetition_penalty=1)
    uniforms = (torch.arange(4000) + 0.5) / 4000
    drawn = ours.draw(logits().expand(4000, -1), SLOT.expand(4000), uniforms)
    assert len(set(drawn.tolist())) == VOCABULARY


@pytest.mark.parametrize("uniform", [0.0, 1.0 - 2**-24, 1.0])
def test_the_ends_of_the_unit_interval_stay_inside_the_top_k(uniform: float) -> None:
    """float32 may round a uniform up to 1."""
    ours = sampler(temperature=0.9, top_k=3, repetition_penalty=1)
    assert ours.draw(logits(), SLOT, torch.tensor([uniform])).item() in logits().topk(3).indices[0].tolist()


def test_a_number_between_two_tokens_takes_the_second() -> None:
    """Guards half-open intervals: of equal tokens, each has as many numbers as the other."""
    ours = sampler(temperature=1.0, top_k=2, repetition_penalty=1)
    scores = torch.zeros(3, VOCABULARY).index_fill(1, torch.tensor([8, 9]), 50.0)
    drawn = ours.draw(scores, SLOT.expand(3), torch.tensor([0.5 - 2**-25, 0.5, 1.0 - 2**-24])).tolist()
    assert drawn[0] != drawn[1] == drawn[2]


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_an_endless_row_gets_no_end(temperature: float) -> None:
    """Guards rounds of a fixed length, and a neighbour that may end."""
    ours = sampler(temperature=temperature, top_k=2)
    likely = torch.zeros(2, VOCABULARY)
    likely[:, list(ENDS)] = 50.0
    slots, endless = torch.tensor([0, 1]), torch.tensor([1, 0])
    drawn = ours.draw(likely, slots, torch.tensor([0.5, 0.5]), endless)
    assert drawn[0].item() not in ENDS
    assert drawn[1].item() in ENDS


def test_suppressed_tokens_are_those_of_transformers() -> None:
    """Guards the words of a model's training that are no words for people, and the observer's raw logits."""
    raw = logits(rows=2)
    ours = sampler(repetition_penalty=1, suppressed=(3, 21)).scores(raw, torch.tensor([0, 1]))
    theirs = SuppressTokensLogitsProcessor([3, 21], device="cpu")(torch.tensor([[], []]), raw.clone())
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(raw, logits(rows=2))


@pytest.mark.parametrize("top_k", [0, 3, VOCABULARY])
@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_a_suppressed_token_is_never_drawn(temperature: float, top_k: int) -> None:
    """Guards both ends of the unit interval too: what is impossible must not be what is left over there."""
    likely = (8, 9, 30)
    ours = sampler(temperature=temperature, top_k=top_k, repetition_penalty=1, suppressed=likely)
    scores = logits().index_fill(1, torch.tensor(likely), 50.0)
    uniforms = torch.tensor([0.0, 0.3, 0.7, 1.0])
    drawn = ours.draw(scores.expand(4, -1), SLOT.expand(4), uniforms)
    assert not {*likely} & {*drawn.tolist()}
