"""Random commentary as a model would say it: words a second, sentences, pauses. Real Segments, no model."""

import itertools
import random
from collections.abc import Iterator

from svlm_cli.core.types import Segment

_SUBJECTS = (
    "the keeper,the captain,a defender,their number ten,the referee,Falcons,North United,he,she,the young winger,"
    "Okafor-Williams,the crowd,Harbour City,an unmarked striker,the back four,Lindqvist,the substitutes"
).split(",")
_VERBS = (
    "passes sideways,shoots,intercepts,clears,goes wide,finds,controls,wins,loses,drives forward,stumbles,delivers,"
    "waits,plays a one-two,is fouled,switches play,holds it up,heads it on"
).split(",")
_OBJECTS = (
    "the ball,the corner flag,a free kick,the far post,possession again,an opening,the second ball,a throw,"
    "the near side,midfield,the penalty area,a yellow card,their own half,extraordinary space"
).split(",")
_LINKS = "and,but,to,into,from,for,with,because,while,over,towards,past,in".split(",")
_CRIES = "Goal!,Oh!,What a save!,Still nil-nil.,Unbelievable!,Offside.,Corner kick.".split(",")


def sentences(rng: random.Random) -> Iterator[str]:
    """Words without end; the last of a sentence carries its stop."""
    while True:
        if rng.random() < 0.12:
            yield from rng.choice(_CRIES).split()
            continue
        words = f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_OBJECTS)}"
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            comma = "," if rng.random() < 0.3 else ""
            words += f"{comma} {rng.choice(_LINKS)} {rng.choice(_OBJECTS)}"
        yield from (words[0].upper() + words[1:] + rng.choice("...!?")).split()


def rounds(texts: list[str], *, start_s: float = 0.0) -> list[Segment]:
    """One text a second."""
    return [
        Segment(0, index, start_s + index, start_s + index + 1, text, (1,) * len(text.split()), 0.05)
        for index, text in enumerate(texts)
    ]


def random_speech(words_a_second: float, seconds: int, seed: int) -> list[Segment]:
    """Commentary at exactly this mean rate, as rounds of one second.

    Words last a random time that does not depend on their length, which is the hard case: it makes one second dense and
    the next one sparse. A word belongs to the second in which it ends.
    """
    rng = random.Random(seed)
    count = round(words_a_second * seconds)
    ends = list(itertools.accumulate(rng.gammavariate(3.0, 1.0) for _ in range(count + 1)))
    spoken: list[list[str]] = [[] for _ in range(seconds)]
    for end, word in zip(ends[:-1], sentences(rng), strict=False):
        spoken[int(end / ends[-1] * seconds)].append(word)
    return rounds([" ".join(words) for words in spoken])
