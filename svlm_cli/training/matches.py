"""Makes windows, without pictures, from simulated matches. Runs in worker processes: no torch here.

The windows of a block, and their steps, are determined by the recipe and the block's number, so a run can start at any
step. Knows no batch and no device.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.errors import InputError
from svlm_cli.networks.family import Grid
from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.simulator.match.commentary import NUMBERS, REMINDER, SENTENCES, CommentaryWord, describe, words
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.simulator.match.teams import FIRST, KITS, SECOND, Team, context_of, draw_teams
from svlm_cli.training.confusion import Confusion, Spoken
from svlm_cli.training.exercises import Exercises
from svlm_cli.training.layout import Aside, Layout, Round, WindowTokens
from svlm_cli.training.match_clips import match_clips
from svlm_cli.training.overlap import Ids, previous_ids, text_of, whole_windows
from svlm_cli.training.published import PublishedRound, published_window
from svlm_cli.training.recipe import BaseStage, QueryRule, Recipe, WindowLayout, WindowRecipe
from svlm_cli.training.share import Share


class Lesson(StrEnum):
    """What the words of a window are, and so what it teaches."""

    COMMENTARY = "commentary"
    KIT_FIRST = "kit_first"  # dense descriptions
    NAME_FIRST = "name_first"  # the same, starting with the team's name
    CLIPS = "clips"  # no commentary, but questions about clips
    CELLS = "cells"  # no words, but what moves at each visual token; of footage


OPENINGS = {
    Lesson.COMMENTARY: "",
    Lesson.KIT_FIRST: "Description, kit first. ",
    Lesson.NAME_FIRST: "Description, name first. ",
}
"""Put before the context, to distinguish commentary from descriptions."""

_PLACEHOLDER = re.compile(r"\{\w+\}|[*]")
_SEED_STRIDE = 1_000_000_007  # between matches of different data seeds


@dataclass(frozen=True, slots=True)
class WindowTask:
    """One window of a match, and its place in its block."""

    place: int
    start_s: int
    fps: float
    lesson: Lesson
    context_only: bool = False  # leave out all earlier words
    clip: int | None = None  # instead of `start_s`: the index of the clip, wrapping around


@dataclass(frozen=True, slots=True)
class MatchTask:
    """The windows to make from one match, ordered by time; clips in any order."""

    seed: int
    windows: tuple[WindowTask, ...]
    seconds: int = 0  # length of the match that questions and clips may use


@dataclass(frozen=True, slots=True)
class Making:
    """What all windows of a run have in common."""

    layout: Layout
    windows: WindowRecipe
    grid: tuple[int, int]  # tokens down and across
    own_teams: bool = False  # each window draws its own teams: who plays does not affect how
    exercises: Exercises | None = None

    def shape(self, fps: float) -> Grid:
        """The grid of one second, in tokens."""
        return (-(-round(fps) // self.layout.family.temporal_patch_size), *self.grid)

    def query(self, start_s: int) -> Ids:
        """The query of a window that starts at `start_s`."""
        asks = start_s == 0 or self.windows.query is QueryRule.EVERY
        return self.layout.prompt.text_ids(self.layout.policy.prompt.query) if asks else ()


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedWindow:
    """A window, and the scenes to draw its pictures from."""

    place: int
    tokens: WindowTokens
    scenes: Any  # type depends on the world


def steps_per_block(recipe: Recipe) -> int:
    """The number of steps that a block lasts."""
    optimisation, simulator = recipe.optimisation, recipe.data.simulator
    windows = simulator.matches_per_block * simulator.windows_per_match
    return windows // (optimisation.batch * optimisation.accumulate)


def seed_of(recipe: Recipe, number: int) -> int:
    """The seed of the recipe's match with that number."""
    return recipe.data.seed * _SEED_STRIDE + number


def dense_share(stage: BaseStage, step: int, steps: int) -> float:
    """The share of windows with dense descriptions at a step."""
    return stage.share if step < stage.until * steps else stage.share_after


def fps_of(recipe: Recipe, step: int) -> float:
    """The frame rate of a step."""
    rates, weights = recipe.fps, recipe.windows.fps_weights
    if len(rates) == 1:
        return rates[0]
    shares = np.array(weights) / sum(weights) if weights else None
    return float(np.random.default_rng([recipe.data.seed, 1, step]).choice(rates, p=shares))


def plan(recipe: Recipe, block: int, first_step: int = 0, share: Share | None = None) -> Iterator[MatchTask]:
    """The matches of a block, with only the windows that are needed.

    Windows of steps before `first_step` or after the last, and of other ranks, are left out.
    """
    share = share or Share.of(recipe.optimisation)
    data, size = recipe.data.simulator, recipe.windows
    random = np.random.default_rng([recipe.data.seed, 0, block])
    count = data.matches_per_block * data.windows_per_match
    places = random.permutation(count).reshape(data.matches_per_block, -1)
    chances = random.random(count)
    silent_before = random.random(count) < size.context_only_share
    steps, block_steps = recipe.optimisation.steps, steps_per_block(recipe)
    for match, own_places in enumerate(places):
        number = block * data.matches_per_block + match
        before, number = divmod(number, data.matches) if data.matches else (0, number)
        seconds = data.match_minutes[number % len(data.match_minutes)] * 60
        of_match = whole_windows(seconds, length=size.seconds, overlap=size.overlap_seconds)
        starts = np.sort(_drawn(random, of_match, data.windows_per_match))
        tasks = []
        for clip, (place, start) in enumerate(
            zip(own_places.tolist(), starts.tolist(), strict=True), before * data.windows_per_match
        ):
            step_of_block, place_of_step = divmod(place, share.step)
            step = block * block_steps + step_of_block
            if step_of_block < block_steps and first_step <= step < steps and share.has(place_of_step):
                dense = dense_share(recipe.base_stage, step, steps)
                lesson = _lesson(chances[place], dense, recipe.questions.clip_share)
                if _of_cells(place_of_step, recipe.base_stage.cell_share):
                    lesson = Lesson.CELLS
                start_s = start * (size.seconds - size.overlap_seconds)
                one = WindowTask(place, start_s, fps_of(recipe, step), lesson, bool(silent_before[place]))
                tasks.append(replace(one, start_s=0, clip=clip) if size.clips.used else one)
        yield MatchTask(seed_of(recipe, number), tuple(tasks), int(seconds))


def _of_cells(place: int, share: float) -> bool:
    """Whether a place of a step is one of those without words: as many in each step, evenly spread, never the first."""
    return math.floor((place + 1) * share) > math.floor(place * share)


def _lesson(chance: float, dense: float, clips: float) -> Lesson:
    """Dense descriptions for a share of the windows, half of each kind; clips for a share of the others."""
    if chance >= dense:
        return Lesson.CLIPS if chance < dense + (1 - dense) * clips else Lesson.COMMENTARY
    return Lesson.KIT_FIRST if chance < dense / 2 else Lesson.NAME_FIRST


def epoch_of(recipe: Recipe) -> int | None:
    """The number of windows in all matches; None if matches are unlimited, or clips, known only once played."""
    data, size = recipe.data.simulator, recipe.windows
    if not data.matches or size.clips.used:
        return None
    lengths = (data.match_minutes[number % len(data.match_minutes)] * 60 for number in range(data.matches))
    return sum(whole_windows(length_s, length=size.seconds, overlap=size.overlap_seconds) for length_s in lengths)


def _drawn(random: np.random.Generator, of_match: int, count: int) -> NDArray[np.int64]:
    """`count` windows of a match, drawn without repetition until all have been used; repeats get other teams."""
    passes = -(-count // of_match)
    return np.concatenate([random.permutation(of_match) for _ in range(passes)])[:count]


def make_windows(making: Making, task: MatchTask) -> list[SimulatedWindow]:
    """All windows of a match."""
    size = making.windows
    end_s = task.seconds if size.clips.used else task.windows[-1].start_s + size.seconds
    length_s = max(end_s, task.seconds) if making.exercises else end_s
    played = _Played(Match(task.seed, Split.TRAIN, keep_s=length_s + 60.0), end_s, length_s)
    if not size.clips.used:
        return [_window(making, played, one, range(one.start_s, one.start_s + size.seconds)) for one in task.windows]
    clips = match_clips(played.spoken, size.clips)
    if not clips:
        raise InputError(
            f"A match of {end_s / 60:g} minutes has no clip as windows.clips wants them.",
            "Make matches longer (data.simulator.match_minutes), or clips shorter.",
        )
    return [_window(making, played, one, clips[(one.clip or 0) % len(clips)]) for one in task.windows]


def _window(making: Making, played: "_Played", task: WindowTask, seconds: range) -> SimulatedWindow:
    match, start = played.match, seconds.start
    random = np.random.default_rng([match.seed, task.place, start])
    teams = draw_teams(random, match.split) if making.own_teams else match.teams
    asking = np.random.default_rng([match.seed, task.place, start, 1])
    if task.lesson is Lesson.CLIPS:
        assert making.exercises is not None, "there are clips of none"
        clips, moments = making.exercises.clips(played.facts.of_teams(teams), context_of(teams), asking)
        tokens, times_s = making.layout.clips(clips), np.array([*chain.from_iterable(moments)])
    else:
        tokens = _stream(making, played, task, seconds, teams, random, asking)
        times_s = start + np.arange(len(seconds) * round(task.fps)) / task.fps
    scenes = match.scenes(times_s)
    kits = np.asarray([KITS.index(team.kit) for team in teams], np.int32)
    return SimulatedWindow(task.place, tokens, replace(scenes, kits=np.broadcast_to(kits, (len(scenes), 2))))


def _stream(
    making: Making,
    played: "_Played",
    task: WindowTask,
    seconds: range,
    teams: tuple[Team, Team],
    random: np.random.Generator,
    asking: np.random.Generator,
) -> WindowTokens:
    """A window of consecutive seconds, with what is shown and said in each."""
    layout, start, told = making.layout, seconds.start, task.lesson
    confusion = None
    if told is Lesson.COMMENTARY:
        rate = random.random() * making.windows.confusion
        confusion = Confusion(random, rate, teams, knows_score=start == 0 or not task.context_only)
    voice = _Voice(layout, played, told, teams, confusion)
    asides: list[Aside] = []
    if making.exercises is not None and told is Lesson.COMMENTARY:
        facts, began = played.facts.of_teams(teams), start if task.context_only else 0
        asides = making.exercises.asides(facts, seconds, asking, began=began)
    said_before = 0 if task.context_only else start
    shape = making.shape(task.fps)
    if making.windows.layout is WindowLayout.PUBLISHED:
        return _published(layout, voice, seconds, context_of(teams), said_before, shape, task.fps)
    context = layout.prompt.text_ids(OPENINGS[told] + context_of(teams))
    return layout.window(
        [Round(second, second + 1, shape, *voice.said_and_meant(second)) for second in seconds],
        previous=previous_ids(context, voice.said, said_before, layout.policy.windows),
        query=making.query(start),
        fps=task.fps,
        dense=told is not Lesson.COMMENTARY,
        asides=asides,
    )


def _published(
    layout: Layout, voice: "_Voice", seconds: range, context: str, said_before: int, grid: Grid, fps: float
) -> WindowTokens:
    """The same in the layout of the published training."""
    policy, role = layout.policy.windows, layout.policy.prompt.previous_role
    # A lower limit: `published_window` cuts it again, by another rule that keeps less.
    least = replace(policy, window_tokens=policy.window_tokens + len(layout.prompt.tail) + 2)
    previous = previous_ids(layout.words(f"{role}\n{context}"), voice.said, said_before, least)
    rounds = [
        PublishedRound(second, grid, voice.text(second), meant=voice.said_and_meant(second)[1]) for second in seconds
    ]
    return published_window(layout, rounds, previous=previous, fps=fps)


class _Voice:
    """The words of one window as ids, with its own names and kits, and possibly with errors."""

    def __init__(
        self, layout: Layout, played: "_Played", told: Lesson, teams: tuple[Team, Team], confusion: Confusion | None
    ) -> None:
        self._layout, self._played, self._told, self._confusion = layout, played, told, confusion
        self._renamed = dict(zip(_names_and_kits(played.match.teams), _names_and_kits(teams), strict=True))

    def said(self, second: int) -> Ids:
        """The ids of a second."""
        return self.said_and_meant(second)[0]

    def said_and_meant(self, second: int) -> tuple[Ids, tuple[int | None, ...] | None]:
        """Also the ids that they should have been, as in `Round`."""
        if self._confusion is None:
            return self._layout.words(self.text(second)), None
        spoken = self._spoken(second)
        said = [self._layout.words(text_of([one.said])) for one in spoken]
        meant = [
            [None] * len(ids) if one.meant is None else meant_ids(ids, self._layout.words(text_of([one.meant])))
            for one, ids in zip(spoken, said, strict=True)
        ]
        return tuple(chain.from_iterable(said)), tuple(chain.from_iterable(meant))

    def text(self, second: int) -> str:
        """The words of a second."""
        return text_of(one.said for one in self._spoken(second))

    def _spoken(self, second: int) -> list[Spoken]:
        words = self._played.words(second, self._told)
        texts = [_renamed(word.text, self._renamed) for word in words]
        if self._confusion is None:
            return [Spoken(text, text) for text in texts]
        return [self._confusion.spoken(word, text) for word, text in zip(words, texts, strict=True)]


def meant_ids(said: Ids, meant: Ids) -> list[int | None]:
    """The target for each id of a word: the right id, up to and including the first that differs."""
    alike = next((index for index, pair in enumerate(zip(said, meant, strict=False)) if pair[0] != pair[1]), len(meant))
    return [meant[index] if index <= alike and index < len(meant) else None for index in range(len(said))]


def _names_and_kits(teams: tuple[Team, Team]) -> list[str]:
    return [text for team in teams for text in (team.name, team.kit)]


def _renamed(word: str, renamed: dict[str, str]) -> str:
    """Replace a name or kit by that of the other team, keeping punctuation."""
    stem = word.rstrip(",.")
    return renamed.get(stem, stem) + word[len(stem) :]


class _Played:
    """The words in each second of a match up to `end_s`, and the facts about all of it."""

    def __init__(self, match: Match, end_s: int, length_s: int) -> None:
        self.match = match
        self._length_s = length_s
        self._said: list[list[CommentaryWord]] = [[] for _ in range(end_s)]
        for word in words(match, 0, end_s):
            self._said[word.second].append(word)
        self._described: dict[tuple[int, Lesson], Sequence[CommentaryWord]] = {}

    @cached_property
    def facts(self) -> Facts:
        """Facts, including the last moment."""
        return Facts(self.match, self._length_s + 1)

    @property
    def spoken(self) -> Iterator[CommentaryWord]:
        """The whole commentary."""
        return chain.from_iterable(self._said)

    def words(self, second: int, lesson: Lesson) -> Sequence[CommentaryWord]:
        """The words of one second."""
        if lesson is Lesson.COMMENTARY:
            return self._said[second]
        key = second, lesson
        if key not in self._described:
            self._described[key] = describe(self.match, second, name_first=lesson is Lesson.NAME_FIRST)
        return self._described[key]


def sample_texts(recipe: Recipe, *, matches: int = 8, seconds: int = 60) -> Iterator[str]:
    """Everything the commentator can say, and the words of some matches, to train a tokenizer on.

    Names appear only as their syllables, which all names share, so unseen names are spelled the same way.
    """
    patterns = [_PLACEHOLDER.sub("", pattern) for pattern in (*SENTENCES.values(), REMINDER)]
    for _ in range(matches):
        yield from SECOND
        yield from (f" {word}" for text in (*patterns, *NUMBERS, *KITS, *FIRST) for word in text.split())
    for match in range(matches):
        played = Match(seed_of(recipe, match), Split.TRAIN)
        said = [played.context, *OPENINGS.values(), text_of(word.text for word in words(played, 0, seconds))]
        said += [text_of(word.text for word in describe(played, second)) for second in range(seconds)]
        names = "|".join(team.name for team in played.teams)
        yield from (re.sub(names, "", text) for text in said)
