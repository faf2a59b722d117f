"""How far back the commentary of simulated matches reaches, and how many clips an annealing stage finds in it.

python -m tests.experiments.reach --matches 20
"""

import argparse
from collections.abc import Sequence

import numpy as np

from svlm_cli.simulator.match.commentary import CommentaryWord, words
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.training.clip_recipe import ClipRecipe
from svlm_cli.training.match_clips import match_clips

HOUR_S = 3600
WINDOW_S = 24


def ages_of_scores(said: Sequence[CommentaryWord]) -> list[float]:
    """Of each score that is said from memory: how long ago one was said last, in seconds."""
    ages, last_s = list[float](), None
    for word in said:
        if word.number is None or word.number.side == 0:
            continue
        if not word.number.shown and last_s is not None:
            ages.append(word.end_s - last_s)
        last_s = word.end_s
    return ages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matches", type=int, default=20, help="of an hour each")
    matches = parser.parse_args().matches
    said = [words(Match(seed, Split.TRAIN), 0, HOUR_S) for seed in range(matches)]
    ages = np.array([age for one in said for age in ages_of_scores(one)])
    quantiles = ", ".join(f"{age:.0f}" for age in np.quantile(ages, (0.1, 0.5, 0.9, 1.0)))
    print(f"words a second: {sum(map(len, said)) / matches / HOUR_S:.2f}")  # noqa: T201
    print(f"scores from memory: {len(ages) / matches:.0f} an hour")  # noqa: T201
    print(f"the last score before, in s ago (10, 50, 90, 100 %): {quantiles}")  # noqa: T201
    print(f"more than {WINDOW_S} s ago: {np.mean(ages > WINDOW_S):.0%}")  # noqa: T201
    for seen_only in (False, True):
        clips = [clip for one in said for clip in match_clips(one, ClipRecipe(64, seen_only=seen_only))]
        seconds = sum(map(len, clips))
        told = "that tell what is seen alone" if seen_only else "in all"
        print(f"clips {told}: {len(clips) / matches:.1f} an hour, {seconds / len(clips):.1f} s each")  # noqa: T201


if __name__ == "__main__":
    main()
