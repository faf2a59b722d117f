"""Matches that several tests look at, played once."""

from collections.abc import Callable
from functools import cache

import pytest

from svlm_cli.simulator.match.commentary import CommentaryWord, words
from svlm_cli.simulator.match.match import Match

PLAYED_S = 2400
SEEDS = range(4)
EACH_SEED = pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.extra) for seed in SEEDS[1:])])
Spoken = tuple[Match, tuple[CommentaryWord, ...]]


@pytest.fixture(scope="session")
def spoken() -> Callable[[int], Spoken]:
    """The match of a seed, and all that is said in its first `PLAYED_S` seconds."""

    @cache
    def played(seed: int) -> Spoken:
        match = Match(seed)
        return match, words(match, 0, PLAYED_S)

    return played
