"""What is said can be known by whoever sees the pictures: the bound on what any model can reach."""

import pytest

from svlm_cli.simulator.match.commentary import second_text, words
from svlm_cli.simulator.match.match import Match, Split
from tests.simulator.match.listener import Listener

SECONDS = 1500


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.extra) for seed in (1, 2))])
def test_a_listener_who_sees_two_pictures_a_second_says_the_same(seed: int) -> None:
    """Guards the whole experiment: a word that cannot be known from context, words and pictures is noise, not truth.

    The listener reads no event. Every word in every second has to be the same, scores and goals with them.
    """
    match = Match(seed, Split.EVAL)
    spoken: dict[int, list[str]] = {}
    for word in words(match, 0, SECONDS):
        spoken.setdefault(word.second, []).append(word.text)
    listener = Listener(match.context)
    heard = [listener.hear(match.scenes([second, second + 0.5])) for second in range(SECONDS)]
    differ = {
        second: (said, heard[second])
        for second in range(SECONDS)
        if (said := "".join(f" {text}" for text in spoken.get(second, []))) != heard[second]
    }
    assert differ == {}


def test_the_listener_can_be_wrong() -> None:
    """Guards the test above: pictures of half a second later, or of another match, give other words."""
    match, other = Match(0, Split.EVAL), Match(1, Split.EVAL)
    truth = [second_text(words(match, second, second + 1)) for second in range(100)]
    for shown, shift in ((other, 0.0), (match, 3.0)):
        listener = Listener(match.context)
        heard = [listener.hear(shown.scenes([second + shift, second + shift + 0.5])) for second in range(100)]
        assert sum(one != two for one, two in zip(heard, truth, strict=True)) > 20
