"""Who plays: names of two syllables, and kits that cannot be mistaken for each other.

Every first and every second syllable occurs in both splits, but a pair of them in one split alone: a name of the
evaluation was never read before, its parts were. Knows nothing of the game.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations
from typing import Final

import numpy as np

FIRST: Final = tuple(
    """
    Bal Bor Cal Cor Dal Dor Fal Fen Gar Gol Hal Hol Jar Kal Kes Lam Lor Mar Mel Nar Nor Pel Ral Rov Sal Sel Tal Tor Val
    Vel Wes Zan
    """.split()
)
SECOND: Final = tuple(
    """
    bek bin cot dan den dor fax fin gan gor han kel kir lan lek lin mar mir nak nis pen rad rik ros sen sol tam tek tis
    vik von zar
    """.split()
)
KITS: Final = ("red", "blue", "yellow", "white", "purple", "cyan", "orange")
_ALIKE: Final = ("red orange", "yellow orange", "blue purple", "white cyan", "yellow white", "red purple", "blue cyan")
KIT_PAIRS: Final = tuple(
    pair for pair in permutations(KITS, 2) if " ".join(pair) not in _ALIKE and " ".join(pair[::-1]) not in _ALIKE
)
_EVAL_OF = 5  # one pair in so many is for the evaluation


class Split(StrEnum):
    """Which names may occur."""

    TRAIN = "train"
    EVAL = "eval"


@dataclass(frozen=True, slots=True)
class Team:
    """A team, as the context names it; `kit` is one of `KITS`."""

    name: str
    kit: str


def names(split: Split) -> tuple[str, ...]:
    """All names of a split."""
    return tuple(
        first + second
        for row, first in enumerate(FIRST)
        for column, second in enumerate(SECOND)
        if ((row + 2 * column) % _EVAL_OF == 0) == (split is Split.EVAL)
    )


def draw_teams(rng: np.random.Generator, split: Split) -> tuple[Team, Team]:
    """Two teams whose names share no syllable, and whose kits differ clearly."""
    pool = names(split)
    home = pool[rng.integers(len(pool))]
    others = [name for name in pool if name[:3] != home[:3] and name[3:] != home[3:]]
    away = others[rng.integers(len(others))]
    kits = KIT_PAIRS[rng.integers(len(KIT_PAIRS))]
    return Team(home, kits[0]), Team(away, kits[1])


def context_of(teams: tuple[Team, Team]) -> str:
    """The text in front of everything: ``Falvon in red against Torbek in white.``."""
    home, away = teams
    return f"{home.name} in {home.kit} against {away.name} in {away.kit}."
