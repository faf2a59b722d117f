"""Teams: names of two syllables, and kits that cannot be confused.

Every first and every second syllable occurs in both splits, but each pair in only one: names in evaluation were never
seen in training, their parts were. Half of the training names have a third syllable, after any pair; otherwise a model
would learn which pairs never occur, and these are the names in evaluation. Knows nothing of the game.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import permutations
from typing import Final

import numpy as np

FIRST: Final = tuple(
    """
    Bal Bor Cal Cor Dal Dor Fal Fer Gar Gol Hal Hol Jar Kal Kel Lam Lor Mar Mel Nar Nor Pel Ral Rov Sal Sel Tal Tor Val
    Vel Wil Zor
    """.split()
)
SECOND: Final = tuple(
    """
    bek bin cot dan den dor fax fin gan gor han kel kir lan lek lin mar mir nak nis pen rad rik ros sen sol tam tek tis
    vik von zar
    """.split()
)
SYLLABLE: Final = 3  # letters per syllable
KITS: Final = ("red", "blue", "yellow", "white", "purple", "cyan", "orange")
_ALIKE: Final = ("red orange", "yellow orange", "blue purple", "white cyan", "yellow white", "red purple", "blue cyan")
KIT_PAIRS: Final = tuple(
    pair for pair in permutations(KITS, 2) if " ".join(pair) not in _ALIKE and " ".join(pair[::-1]) not in _ALIKE
)
_EVAL_OF = 5  # one in five pairs is for evaluation
_LONG = 0.5  # share of three-syllable names in training


class Split(StrEnum):
    """Which names may occur."""

    TRAIN = "train"
    EVAL = "eval"


@dataclass(frozen=True, slots=True)
class Team:
    """A team, named as in the context; `kit` is one of `KITS`."""

    name: str
    kit: str


@lru_cache(maxsize=2)
def pairs(split: Split) -> tuple[tuple[str, str], ...]:
    """The syllable pairs of a split."""
    return tuple(
        (first, second)
        for row, first in enumerate(FIRST)
        for column, second in enumerate(SECOND)
        if ((row + 2 * column) % _EVAL_OF == 0) == (split is Split.EVAL)
    )


def draw_teams(rng: np.random.Generator, split: Split) -> tuple[Team, Team]:
    """Two teams whose names share no syllable, and whose kits differ clearly."""
    home = _draw_name(rng, split)
    away = _draw_name(rng, split, without=home)
    kits = KIT_PAIRS[rng.integers(len(KIT_PAIRS))]
    return Team("".join(home), kits[0]), Team("".join(away), kits[1])


def _draw_name(rng: np.random.Generator, split: Split, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    while True:
        if split is Split.TRAIN and rng.random() < _LONG:
            name = (FIRST[rng.integers(len(FIRST))], *(SECOND[rng.integers(len(SECOND))] for _ in range(2)))
        else:
            name = pairs(split)[rng.integers(len(pairs(split)))]
        if len({*name, *without}) == len(name) + len(without):
            return name


def context_of(teams: tuple[Team, Team]) -> str:
    """The context of captions: ``Match: red Falvon against white Torbek.``."""
    home, away = teams
    return f"Match: {home.kit} {home.name} against {away.kit} {away.name}."
