"""Questions in training: windows are the same with them, they are put at the right moments, and clips show those."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from svlm_cli.core.errors import UsageError
from svlm_cli.questions.prompts import OWN_PROMPTS, read_vqa_prompts
from svlm_cli.questions.quiz.facts import Facts
from svlm_cli.simulator.match.match import Match, Scenes, Split
from svlm_cli.training import folder as run_folder
from svlm_cli.training.exercises import Exercises
from svlm_cli.training.layout import Layout, Role
from svlm_cli.training.matches import (
    Lesson,
    Making,
    MatchTask,
    SimulatedWindow,
    WindowTask,
    make_windows,
    plan,
    sample_texts,
)
from svlm_cli.training.recipe import QuestionRecipe, Recipe
from svlm_cli.training.views import View
from tests.training.recipes import small_family, small_recipe
from tests.training.seen import views_of

GRID = (4, 8)
ASKED = QuestionRecipe(per_minute=40, clip_share=0.5, clips_per_window=4, per_clip=12, frames=16)
HAS_IT = re.compile(
    r"Which team has the ball right now\?\nA\. (\w+)\nB\. (\w+)\n[^<]*<[^>]*>\n<[^>]*>assistant\n([AB])"
)
TOLD = re.compile(r"It is this: ([^\n]+)\.\n((?:[A-E]\. [^\n]+\n)+)[^<]*<[^>]*>\n<[^>]*>assistant\n([A-E])<")
WHO_PLAYS = re.compile(r"Match: \w+ (\w+) against \w+ (\w+)\.")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Of windows that are streams."""
    recipe = small_recipe()
    made = tmp_path_factory.mktemp("runs") / "run"
    run_folder.begin(made, recipe, lambda: sample_texts(recipe))
    return Layout(made, recipe.policy, small_family(), streamed=True)


def making(layout: Layout, questions: QuestionRecipe | None) -> Making:
    prompts, _ = read_vqa_prompts(OWN_PROMPTS)
    size = replace(small_recipe().windows, seconds=60, confusion=0.5)
    exercises = Exercises(questions, prompts, layout, GRID) if questions else None
    return Making(layout, size, GRID, own_teams=True, exercises=exercises)


def made(layout: Layout, questions: QuestionRecipe | None, *tasks: WindowTask) -> list[SimulatedWindow]:
    return make_windows(making(layout, questions), MatchTask(5, tasks, 200))


def text_of(layout: Layout, ids: NDArray[np.int32]) -> str:
    text: str = layout.prompt._tokenizer._tokenizer.decode(ids.tolist(), skip_special_tokens=False)
    return text


def recipe_with(questions: QuestionRecipe) -> Recipe:
    recipe = small_recipe(steps=1000)
    return replace(recipe, windows=replace(recipe.windows, streamed=True), questions=questions)


def test_a_share_of_the_windows_are_clips() -> None:
    """Guards recipes that ask nothing: their windows are what they were."""
    recipes = [recipe_with(QuestionRecipe()), recipe_with(ASKED)]
    plain, asked = (
        [one for block in range(60) for task in plan(recipe, block) for one in task.windows] for recipe in recipes
    )
    assert [one.start_s for one in plain] == [one.start_s for one in asked]
    clips = [one.lesson is Lesson.CLIPS for one in asked]
    assert not any(one.lesson is Lesson.CLIPS for one in plain)
    assert {one.lesson for one, clip in zip(plain, clips, strict=True) if clip} == {Lesson.COMMENTARY}
    assert np.mean(clips) == pytest.approx(0.5 * 0.5, abs=0.07), "of those that are no descriptions"


def test_questions_change_nothing_of_a_stream(layout: Layout) -> None:
    """Guards the commentary: asides come after it, and are learned beside it."""
    task = WindowTask(0, 30, 2.0, Lesson.COMMENTARY)
    (plain,), (asked,) = made(layout, None, task), made(layout, ASKED, task)
    length = len(plain.tokens)
    np.testing.assert_array_equal(asked.tokens.ids[:length], plain.tokens.ids)
    np.testing.assert_array_equal(asked.tokens.roles[:length], plain.tokens.roles)
    np.testing.assert_array_equal(asked.scenes.players, plain.scenes.players)
    assert text_of(layout, asked.tokens.ids).count("<|im_start|>user") == 60 + 40
    assert len(views_of(asked.tokens)) == 60 + 40
    assert (asked.tokens.roles[length:] == Role.ANSWER).sum() >= 40


@pytest.mark.parametrize("lesson", [Lesson.COMMENTARY, Lesson.CLIPS])
def test_answers_are_those_of_the_moment(layout: Layout, lesson: Lesson) -> None:
    """Guards the second after which a question is put, the teams that play there, and what a clip shows at its end."""
    facts = Facts(Match(5, Split.TRAIN), 260)
    found = 0
    for place in range(6):
        (window,) = made(layout, ASKED, WindowTask(place, 60, 2.0, lesson))
        players = WHO_PLAYS.search(text_of(layout, window.tokens.ids))
        assert players is not None
        for view in views_of(window.tokens):
            match = HAS_IT.search(text_of(layout, window.tokens.ids[view.keys[-view.asking :]]))
            if match is not None:
                holder = facts.holder(_seen(window, view))
                assert holder is not None, "somebody has it"
                assert match[1 if match[3] == "A" else 2] == players[1 + holder]
                found += 1
    assert found > 3


@cache
def _all_scenes() -> Scenes:
    return Match(5, Split.TRAIN).scenes(np.arange(2 * 260) / 2)


def _seen(window: SimulatedWindow, view: View) -> int:
    """The moment up to which the last pictures go that a view has."""
    pads = view.keys[np.isin(view.keys, window.tokens.pads)]
    pair = int(np.searchsorted(window.tokens.pads, pads[-1])) // (GRID[0] * GRID[1])
    every = _all_scenes()
    last = window.scenes.players[2 * pair + 1], window.scenes.ball[2 * pair + 1]
    alike = (every.players == last[0]).all((1, 2)) & (every.ball == last[1]).all(1)
    return (int(alike.nonzero()[0][-1]) + 1) // 2


def test_some_are_answered_in_words_or_told(layout: Layout) -> None:
    """Guards `open_share` and `told_share`: no options and an answer in words, or the right option in the question."""
    questions = replace(ASKED, open_share=0.5, told_share=0.5)
    said: list[str] = []
    for place in range(3):
        (window,) = made(layout, questions, WindowTask(place, 0, 2.0, Lesson.COMMENTARY))
        text = text_of(layout, window.tokens.ids)
        told = TOLD.findall(text)
        assert told
        assert all(f"{letter}. {right}\n" in options for right, options, letter in told)
        assert text.count("\nA. ") == len(told)
        names = WHO_PLAYS.search(text)
        assert names is not None
        one = re.findall(r"Which team has the ball right now\?<[^>]*>\n<[^>]*>assistant\n (\w+)<", text)
        assert {*one} <= {names[1], names[2]}
        said += one
    assert said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"windows": replace(small_recipe().windows, streamed=False)}, r"windows\.streamed"),
        ({"windows": replace(small_recipe().windows, streamed=True, fps=(3.0,))}, "even frame rates"),
    ],
)
def test_what_cannot_be_asked_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(recipe_with(ASKED), **changes)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="frames must be even"):
        replace(ASKED, frames=3)
