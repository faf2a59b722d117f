"""A simulated match prepared for scoring: its truth, and the reference commentary as a candidate would say it.

Computed from a seed, without pictures. Knows no model.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from svlm_cli.core.workers import start_workers
from svlm_cli.evals.match import Telling, ToldEvent, Truth
from svlm_cli.evals.reading import read
from svlm_cli.evals.world import KEPT_S, SPLIT
from svlm_cli.simulator.match.commentary import CommentaryWord, second_text, words
from svlm_cli.simulator.match.events import Score
from svlm_cli.simulator.match.match import Kind, Match

WORTH_A_PROCESS_S: Final = 3600

Length = tuple[int, int]
"""The seed of a match, and its length in seconds."""

Progress = Callable[[int], None]
"""Called with the number of matches done."""


@dataclass(frozen=True, slots=True)
class Script:
    """What there is to say in one match."""

    seed: int
    teams: tuple[str, str]  # home first
    truth: Truth
    texts: tuple[str, ...]  # the reference, per second

    def read(self, texts: tuple[str, ...]) -> Telling:
        """Parse another commentary of this match."""
        return read(texts, self.teams)


def write_scripts(matches: Sequence[Length], progress: Progress = lambda done: None) -> list[Script]:
    """A script per match, in order; long ones are computed on all processors."""
    processes = min(os.cpu_count() or 1, len(matches))
    if processes == 1 or sum(seconds for _, seconds in matches) < WORTH_A_PROCESS_S:
        return _collect(itertools.starmap(write_script, matches), progress)
    with start_workers(processes) as pool:
        return _collect(pool.map(write_script, *zip(*matches, strict=True)), progress)


def _collect(scripts: Iterable[Script], progress: Progress) -> list[Script]:
    written = []
    for script in scripts:
        written.append(script)
        progress(len(written))
    return written


def write_script(seed: int, seconds: int) -> Script:
    """The first `seconds` of the match of `seed`. Events come from the simulator; everything else is parsed."""
    match = Match(seed, SPLIT, keep_s=float(seconds) + KEPT_S)
    teams = match.teams[0].name, match.teams[1].name
    spoken: list[list[CommentaryWord]] = [[] for _ in range(seconds)]
    for word in words(match, 0, seconds):
        spoken[word.second].append(word)
    texts = tuple(map(second_text, spoken))
    told = read(texts, teams)
    reference = Telling(
        speaks=np.array([bool(text) for text in texts], np.bool_),
        events=tuple(
            ToldEvent(second, word.event.kind, word.event.team, is_goal=word.event.kind is Kind.GOAL)
            for second, said in enumerate(spoken)
            for word in said
            if word.event is not None
        ),
        names=told.names,
        scores=told.scores,
    )
    return Script(seed, teams, Truth(reference, _changes(match, seconds)), texts)


def _changes(match: Match, seconds: int) -> tuple[tuple[float, Score], ...]:
    changes: list[tuple[float, Score]] = []
    score = (0, 0)
    for event in match.events(0, seconds):
        if event.score != score:
            score = event.score
            changes.append((event.time_s, score))
    return tuple(changes)
