"""Questions about simulated matches for training windows: about their stream, or about clips. No torch here.

Worded as in ``svlm eval vqa``. Knows no batch and no picture.
"""

from dataclasses import dataclass, replace

import numpy as np

from svlm_cli.core.moments import Moments, clip_moments
from svlm_cli.pipeline.questions import LETTERS
from svlm_cli.questions.prompts import VqaPrompts, after_context
from svlm_cli.questions.quiz.exercises import Exercise, exercises
from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.training.layout import Aside, AskedClip, Layout
from svlm_cli.training.overlap import Ids
from svlm_cli.training.recipe import QuestionRecipe

_FIRST_S = 2  # seconds to watch before there is something to ask


@dataclass(frozen=True, slots=True)
class Exercises:
    """Adds questions to windows."""

    recipe: QuestionRecipe
    prompts: VqaPrompts
    layout: Layout
    grid: tuple[int, int]  # tokens down and across

    def asides(self, facts: Facts, seconds: range, random: np.random.Generator, *, began: int) -> list[Aside]:
        """Questions for a stream in these seconds of a match, which it has watched since `began`."""
        moments = range(seconds.start + _FIRST_S, seconds.stop + 1)
        count = round(self.recipe.per_minute * len(seconds) / 60)
        return [
            Aside(one.moment - 1 - seconds.start, *self._put(one, "", random))
            for one in exercises(facts, moments, count, random, began=began)
        ]

    def clips(self, facts: Facts, context: str, random: np.random.Generator) -> tuple[list[AskedClip], list[Moments]]:
        """Clips that end anywhere in the match, and the times of their pictures."""
        asked, shown = [], []
        for index in range(self.recipe.clips_per_window):
            end = int(random.integers(_FIRST_S, facts.seconds))
            recent = index % 2 == 1
            frames = self.recipe.recent_frames if recent else self.recipe.frames
            moments = clip_moments(0, end, frames, recent=recent)
            found = [*exercises(facts, [end], self.recipe.per_clip, random)]
            questions = [self._put(one, context, random) for one in found]
            grid = (moments.count // self.layout.family.temporal_patch_size, *self.grid)
            asked.append(AskedClip(moments.start_s, moments.end_s, moments.count, grid, tuple(questions)))
            shown.append(moments)
        return asked, shown

    def _put(self, one: Exercise, context: str, random: np.random.Generator) -> tuple[Ids, Ids]:
        """The ids of question and answer; some are answered in words, or contain the right answer."""
        encode, chance = self.layout.prompt.text_ids, random.random()
        if one.options and chance < self.recipe.open_share:
            answer = self.layout.words(f" {right_option(one)}")  # worded as in a commentary
            return encode(after_context(context, one.text)), answer
        if one.options and chance < self.recipe.open_share + self.recipe.told_share:
            one = replace(one, text=f"{one.text} It is this: {right_option(one)}.")
        return encode(after_context(context, self.prompts.ask(one))), encode(one.answer)


def right_option(one: Exercise) -> str:
    """The right option in words."""
    return one.options[LETTERS.index(one.answer)]
