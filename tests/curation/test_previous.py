"""The text in front of a window: as much of it as training and streaming keep."""

import random

import pytest

from svlm_cli.core.policy import WindowPolicy
from svlm_cli.curation.previous import PREVIOUS_WORDS, previous_text
from svlm_cli.engine.eviction import cut_previous


def _cut(text: str, policy: WindowPolicy) -> list[int]:
    """What is left of a text in tokens: each word has one to three."""
    ids = [token for word in text.split() for token in range(int(word), int(word) + 1 + int(word) % 3)]
    first, stop = cut_previous(len(ids), policy)
    return ids[:first] + ids[stop:]


@pytest.mark.parametrize("before", [0, 10, PREVIOUS_WORDS, PREVIOUS_WORDS + 1, 5000])
def test_what_is_left_out_would_have_been_cut(before: int) -> None:
    """Guards the sink and the window: with the words that are written, training cuts the same text as with all."""
    rng = random.Random(before)
    words = [str(rng.randrange(1000)) for _ in range(6000)]
    policy = WindowPolicy()
    whole, written = " ".join(words[:before]), previous_text("", words, before, PREVIOUS_WORDS)
    assert _cut(written, policy) == _cut(whole, policy)
    assert len(written.split()) == min(before, PREVIOUS_WORDS)


def test_the_title_comes_first() -> None:
    """Guards the context: it is what a stream begins with."""
    assert previous_text("Reds v blues", ["a", "b", "c"], 2, 10) == "Reds v blues a b"
    assert previous_text("Reds v blues", ["a", "b", "c", "d", "e"], 5, 2) == "Reds v blues a e"
    assert previous_text("", ["a"], 0, 10) == ""
    assert previous_text("Reds", ["a"], 1, 0) == "Reds"
