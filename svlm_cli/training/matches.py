"""Matches of the simulator -> windows without pictures. What worker processes do: no torch here.

Which windows a block has, and which step each belongs to, follows from the recipe and the block's number alone; so a
run can begin at any step. Knows no batch and no device.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from svlm_cli.simulator.commentary import NUMBERS, REMINDER, SENTENCES, describe, words
from svlm_cli.simulator.match import HEIGHT, WIDTH, Match, Scenes, Split
from svlm_cli.simulator.teams import FIRST, KITS, SECOND, Team, context_of, draw_teams
from svlm_cli.training.layout import Layout, Round, WindowTokens
from svlm_cli.training.overlap import Ids, previous_ids, text_of, whole_windows
from svlm_cli.training.recipe import BaseStage, QueryRule, Recipe, WindowRecipe

DENSE_CONTEXT = "Description. "
"""Stands before the context where the words are dense descriptions, so that both kinds of window are told apart."""

_PLACEHOLDER = re.compile(r"\{\w+\}|[*]")
_SEED_STRIDE = 1_000_000_007  # between the matches of two seeds of data


@dataclass(frozen=True, slots=True)
class WindowTask:
    """One window of a match, and its place among those of its block."""

    place: int
    start_s: int
    fps: float
    dense: bool
    context_only: bool = False  # nothing was said before


@dataclass(frozen=True, slots=True)
class MatchTask:
    """The windows of one match that are wanted, in order of time."""

    seed: int
    windows: tuple[WindowTask, ...]


@dataclass(frozen=True, slots=True)
class Making:
    """What all windows of a run have in common."""

    layout: Layout
    windows: WindowRecipe
    grid: tuple[int, int]  # tokens down and across
    own_teams: bool = False  # each window has teams of its own: who plays does not change how


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedWindow:
    """A window and what its pictures show."""

    place: int
    tokens: WindowTokens
    scenes: Scenes


def steps_per_block(recipe: Recipe) -> int:
    """How many steps the windows of a block last."""
    optimisation, simulator = recipe.optimisation, recipe.data.simulator
    windows = simulator.matches_per_block * simulator.windows_per_match
    return windows // (optimisation.batch * optimisation.accumulate)


def dense_share(stage: BaseStage, step: int, steps: int) -> float:
    """The share of windows with dense descriptions."""
    return stage.share if step < stage.until * steps else stage.share_after


def fps_of(recipe: Recipe, step: int) -> float:
    """The frame rate of a step."""
    rates, weights = recipe.fps, recipe.windows.fps_weights
    if len(rates) == 1:
        return rates[0]
    shares = np.array(weights) / sum(weights) if weights else None
    return float(np.random.default_rng([recipe.data.seed, 1, step]).choice(rates, p=shares))


def plan(recipe: Recipe, block: int, first_step: int = 0) -> Iterator[MatchTask]:
    """The matches of a block. Windows of steps before `first_step` or after the last one are left out."""
    data, size = recipe.data.simulator, recipe.windows
    random = np.random.default_rng([recipe.data.seed, 0, block])
    count = data.matches_per_block * data.windows_per_match
    places = random.permutation(count).reshape(data.matches_per_block, -1)
    chances = random.random(count)
    silent_before = random.random(count) < size.context_only_share
    per_step = recipe.optimisation.batch * recipe.optimisation.accumulate
    steps, block_steps = recipe.optimisation.steps, steps_per_block(recipe)
    of_match = whole_windows(data.match_minutes * 60, length=size.seconds, overlap=size.overlap_seconds)
    for match, own_places in enumerate(places):
        starts = np.sort(random.choice(of_match, data.windows_per_match, replace=False))
        tasks = []
        for place, start in zip(own_places.tolist(), starts.tolist(), strict=True):
            step = block * block_steps + place // per_step
            if place // per_step < block_steps and first_step <= step < steps:
                dense = bool(chances[place] < dense_share(recipe.base_stage, step, steps))
                start_s = start * (size.seconds - size.overlap_seconds)
                tasks.append(WindowTask(place, start_s, fps_of(recipe, step), dense, bool(silent_before[place])))
        seed = recipe.data.seed * _SEED_STRIDE + block * data.matches_per_block + match
        yield MatchTask(seed, tuple(tasks))


def make_windows(making: Making, task: MatchTask) -> list[SimulatedWindow]:
    """All windows of a match."""
    end_s = task.windows[-1].start_s + making.windows.seconds
    played = _Played(Match(task.seed, Split.TRAIN, keep_s=end_s + 60.0), end_s)
    return [_window(making, played, window) for window in task.windows]


def _window(making: Making, played: "_Played", task: WindowTask) -> SimulatedWindow:
    layout, match, start = making.layout, played.match, task.start_s
    teams = match.teams
    if making.own_teams:
        teams = draw_teams(np.random.default_rng([match.seed, task.place, start]), match.split)
    renamed = dict(zip(_names_and_kits(match.teams), _names_and_kits(teams), strict=True))
    texts = played.described if task.dense else played.commented

    def said(second: int) -> Ids:
        return layout.words(text_of(_renamed(word, renamed) for word in texts(second)))

    seconds = range(start, start + making.windows.seconds)
    context = layout.prompt.text_ids((DENSE_CONTEXT if task.dense else "") + context_of(teams))
    asks = start == 0 or making.windows.query is QueryRule.EVERY
    frames = round(task.fps)
    grid = (-(-frames // layout.temporal_patch_size), *making.grid)
    tokens = layout.window(
        [Round(second, second + 1, grid, said(second)) for second in seconds],
        previous=previous_ids(context, said, 0 if task.context_only else start, layout.policy.windows),
        query=layout.prompt.text_ids(layout.policy.prompt.query) if asks else (),
        fps=task.fps,
        dense=task.dense,
    )
    scenes = match.scenes(start + np.arange(len(seconds) * frames) / task.fps)
    kits = np.asarray([KITS.index(team.kit) for team in teams], np.int32)
    return SimulatedWindow(task.place, tokens, replace(scenes, kits=np.broadcast_to(kits, (len(scenes), 2))))


def _names_and_kits(teams: tuple[Team, Team]) -> list[str]:
    return [text for team in teams for text in (team.name, team.kit)]


def _renamed(word: str, renamed: dict[str, str]) -> str:
    """A word with its punctuation; names and kits become those of other teams."""
    stem = word.rstrip(",.")
    return renamed.get(stem, stem) + word[len(stem) :]


class _Played:
    """What is said in each second of a match, as words."""

    def __init__(self, match: Match, end_s: int) -> None:
        self.match = match
        self._end_s = end_s
        self._described: dict[int, list[str]] = {}

    def commented(self, second: int) -> list[str]:
        """The commentary's words."""
        return self._commentary[second]

    def described(self, second: int) -> list[str]:
        """The dense description's."""
        if second not in self._described:
            self._described[second] = [word.text for word in describe(self.match, second)]
        return self._described[second]

    @cached_property
    def _commentary(self) -> list[list[str]]:
        by_second: list[list[str]] = [[] for _ in range(self._end_s)]
        for word in words(self.match, 0, self._end_s):
            by_second[word.second].append(word.text)
        return by_second


def sample_texts(recipe: Recipe, *, matches: int = 8, seconds: int = 60) -> Iterator[str]:
    """All that the commentator can say, and what is said in some matches, for a tokenizer to learn from.

    Names come as their syllables alone, which all names share: one that was never read is then spelled like others.
    """
    patterns = [_PLACEHOLDER.sub("", pattern) for pattern in (*SENTENCES.values(), REMINDER)]
    for _ in range(matches):
        yield from SECOND
        yield from (f" {word}" for text in (*patterns, *NUMBERS, *KITS, *FIRST) for word in text.split())
    for match in range(matches):
        played = Match(recipe.data.seed * _SEED_STRIDE + match, Split.TRAIN)
        names = "|".join(team.name for team in played.teams)
        yield re.sub(names, "", f"{DENSE_CONTEXT}{played.context}")
        yield re.sub(names, "", text_of(word.text for word in words(played, 0, seconds)))
        yield from (text_of(word.text for word in describe(played, second)) for second in range(seconds))


def picture_size() -> tuple[int, int]:
    """Height and width of the simulator's pictures."""
    return HEIGHT, WIDTH
