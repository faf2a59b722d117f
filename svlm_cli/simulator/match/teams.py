"""Who plays: names of two syllables, and kits that cannot be mistaken for each other.

Every first and every second syllable occurs in both splits, but as a whole name a pair of them in one split alone: a
name of the evaluation was never read before, its parts were. Half of the names of training have a third syllable,
after any two: otherwise the pairs that never follow each other would be learned, and those are the names of the
evaluation. Knows nothing of the game.
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
SYLLABLE: Final = 3  # letters of each
KITS: Final = ("red", "blue", "yellow", "white", "purple", "cyan", "orange")
_ALIKE: Final = ("red orange", "yellow orange", "blue purple", "white cyan", "yellow white", "red purple", "blue cyan")
KIT_PAIRS: Final = tuple(
    pair for pair in permutations(KITS, 2) if " ".join(pair) not in _ALIKE and " ".join(pair[::-1]) not in _ALIKE
)
_EVAL_OF = 5  # one pair in so many is for the evaluation
_LONG = 0.5  # of the names of training, those of three syllables


class Split(StrEnum):
    """Which names may occur."""

    TRAIN = "train"
    EVAL = "eval"


@dataclass(frozen=True, slots=True)
class Team:
    """A team, as the context names it; `kit` is one of `KITS`."""

    name: str
    kit: str


@lru_cache(maxsize=2)
def pairs(split: Split) -> tuple[tuple[str, str], ...]:
    """The syllables of all names of two that a split has."""
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
    """The text in front of everything: ``Match: red Falvon against white Torbek.``."""
    home, away = teams
    return f"Match: {home.kit} {home.name} against {away.kit} {away.name}."
