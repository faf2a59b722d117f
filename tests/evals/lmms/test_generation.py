"""``generation_kwargs`` as tasks write them: what is honoured, and what is refused."""

from typing import Any

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.lmms.generation import read_generation


@pytest.mark.parametrize(
    ("given", "tokens", "temperature", "top_k", "penalty"),
    [
        (None, 128, 0.0, 0, 1.0),
        ({"max_new_tokens": 16, "temperature": 0, "top_p": 1.0, "num_beams": 1, "do_sample": False}, 16, 0.0, 0, 1.0),
        ({"max_gen_toks": 7, "temperature": None, "top_p": None}, 7, 0.0, 0, 1.0),
        ({"temperature": 0.7}, 128, 0.7, 0, 1.0),
        ({"temperature": 0.7, "do_sample": False, "top_p": 0.9}, 128, 0.0, 0, 1.0),
        ({"do_sample": True, "top_k": 20, "repetition_penalty": 1.1}, 128, 1.0, 20, 1.1),
        ({"do_sample": True, "temperature": 0.5, "top_k": -1}, 128, 0.5, 0, 1.0),
    ],
)
def test_how_an_answer_is_drawn(
    given: dict[str, Any] | None, tokens: int, temperature: float, top_k: int, penalty: float
) -> None:
    """Guards against an answer that is drawn where the likeliest was asked for, and the other way round."""
    sampling = read_generation(given).sampling
    assert (sampling.max_new_tokens, sampling.temperature, sampling.top_k) == (tokens, temperature, top_k)
    assert (sampling.repetition_penalty, sampling.suppress_tokens) == (penalty, ())


def test_an_answer_ends_before_the_first_of_the_stop_texts() -> None:
    """Guards the order: the one that comes first in the text, not in the list."""
    generation = read_generation({"until": ["</s>", "\n\n", ""]})
    assert generation.until == ("</s>", "\n\n")
    assert generation.finished("A\n\nB</s>") == "A"
    assert generation.finished("A\nB") is None
    assert read_generation({"until": "stop"}).until == ("stop",)
    assert read_generation({"until": None}).until == ()


def test_names_that_mean_nothing_here_are_told_by_name() -> None:
    given = {"max_new_tokens": 3, "image_aspect_ratio": "original", "modality": "video"}
    assert read_generation(given).ignored == ("image_aspect_ratio", "modality")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temperature": 0.7, "top_p": 0.9}, "top_p cannot be 0.9. Give another value with --gen_kwargs."),
        ({"num_beams": 4}, "svlm has no beam search: num_beams cannot be 4."),
        ({"do_sample": "yes"}, "do_sample must be true or false, not 'yes'."),
        ({"temperature": "hot"}, "temperature must be a number, not 'hot'."),
        ({"temperature": -1}, "temperature must be 0 or more, not -1"),
        ({"max_new_tokens": 1.5}, "max_new_tokens must be a whole number, not 1.5."),
        ({"max_new_tokens": 0}, "max_new_tokens must be 1 or more, not 0"),
        ({"until": 5}, "until must be a text or a list of texts, not 5."),
    ],
)
def test_what_cannot_be_done_is_refused(given: dict[str, Any], said: str) -> None:
    """Guards against scores of answers that were generated in another way than the task says."""
    with pytest.raises(UsageError) as caught:
        read_generation(given)
    assert said in str(caught.value)
