"""Windows of simulated footage: its words, its pictures, and a run that learns from them."""

from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.pixels import framed
from svlm_cli.networks.weights import load_network, load_preprocessor
from svlm_cli.simulator.footage.describing import describe, moving_cells
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.photos import read_photos
from svlm_cli.simulator.footage.pictures import PictureBank
from svlm_cli.simulator.footage.render import MODEL_SIZE, render
from svlm_cli.simulator.footage.speech import match_texts, texts
from svlm_cli.simulator.footage.statements import SENTENCES
from svlm_cli.simulator.match import render as match_render
from svlm_cli.training import folder as run_folder
from svlm_cli.training.brushes import brush_of
from svlm_cli.training.clip_recipe import ClipRecipe
from svlm_cli.training.data import texts_of
from svlm_cli.training.footages import DESCRIBED, make_footage_windows
from svlm_cli.training.layout import IGNORED, Layout, Role
from svlm_cli.training.log import rows_of, to_nobody
from svlm_cli.training.matches import Lesson, Making, MatchTask, SimulatedWindow, WindowTask, plan
from svlm_cli.training.recipe import BaseStage, Recipe, WindowLayout
from svlm_cli.training.simulated import Drawn, SimulatedData
from svlm_cli.training.simulator_recipe import SimulatedWorld, SimulatorRecipe
from svlm_cli.training.trainer import train
from svlm_cli.training.validation_recipe import ValidationRecipe
from tests.training.recipes import small_family, small_recipe
from tests.training.seen import views_of

SECONDS = 8
SEED = next(seed for seed in range(99) if any(texts(EndlessFootage(seed), SECONDS - 3)))
SILENCE = "..."
CPU = torch.device("cpu")


def _recipe(steps: int = 2, **changes: Any) -> Recipe:
    recipe = small_recipe(steps)
    policy = recipe.policy
    simulator = SimulatorRecipe(SimulatedWorld.FOOTAGE, match_minutes=(1.0,), windows_per_match=4, matches_per_block=2)
    simulator = replace(simulator, **changes)
    return replace(
        recipe,
        data=replace(recipe.data, simulator=simulator),
        windows=replace(recipe.windows, seconds=SECONDS, overlap_seconds=4),
        policy=replace(
            policy,
            vision=replace(policy.vision, max_pixels=MODEL_SIZE[0] * MODEL_SIZE[1]),
            windows=replace(policy.windows, window_tokens=400),
        ),
    )


@cache
def bank() -> PictureBank:
    return PictureBank.make()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new run's folder."""
    made = tmp_path_factory.mktemp("runs") / "run"
    run_folder.begin(made, _recipe(), lambda: texts_of(_recipe()))
    return made


def _windows(
    folder: Path, *tasks: WindowTask, confusion: float = 0.0, match_share: float = 0.0, cells: bool = False
) -> list[SimulatedWindow]:
    recipe = _recipe()
    layout = Layout(folder, recipe.policy, small_family())
    size = replace(recipe.windows, confusion=confusion)
    return make_footage_windows(Making(layout, size, (5, 9)), MatchTask(SEED, tasks), match_share, cells=cells)


def _text(folder: Path, window: SimulatedWindow) -> str:
    return Tokenizer(folder).decode(window.tokens.ids.tolist())


def test_a_window_has_the_words_of_its_seconds_and_of_those_before(folder: Path) -> None:
    """Guards words in a second that has not shown yet what they tell, and a stream's memory."""
    window, later = _windows(
        folder, WindowTask(0, 0, 2.0, Lesson.COMMENTARY), WindowTask(1, 20, 2.0, Lesson.COMMENTARY)
    )
    told = texts(EndlessFootage(SEED), 20 + SECONDS)
    said = [text.strip() for text in told[:SECONDS] if text]
    assert said
    assert all(words in _text(folder, window) for words in said)
    assert "".join(told[:20]).strip() in _text(folder, later)
    assert [text.strip() in _text(folder, later) for text in told[20:]] == [True] * SECONDS


def test_descriptions_are_answers_beside_the_commentary(folder: Path) -> None:
    """Guards a model that copies its last description, and one that would describe where it is to comment."""
    (window,) = _windows(folder, WindowTask(0, 4, 2.0, Lesson.KIT_FIRST))
    (spoken,) = _windows(folder, WindowTask(0, 4, 2.0, Lesson.COMMENTARY))
    commentary, text = _text(folder, spoken), _text(folder, window)
    assert text.startswith(commentary)
    asked = text.removeprefix(commentary).split(DESCRIBED)[1:]
    described = [describe(EndlessFootage(SEED), second) for second in range(4, 4 + SECONDS)]
    assert all(words in answer for words, answer in zip(described, asked, strict=True))
    beside = range(len(spoken.tokens), len(window.tokens))
    seen = [len({key for key in view.keys if key in beside}) - view.asking for view in views_of(window.tokens)]
    assert max(seen) <= 0, "a view has no description but its own"


def test_visual_tokens_are_asked_what_moves_there(folder: Path) -> None:
    """Guards a label of another place or second, and labels where the model is to comment, or sees a match."""
    tasks = WindowTask(0, 4, 4.0, Lesson.KIT_FIRST), WindowTask(1, 4, 4.0, Lesson.COMMENTARY)
    asked, spoken = (window.tokens for window in _windows(folder, *tasks, cells=True))
    assert asked.cells is not None
    by_pair = asked.cells.reshape(SECONDS, 2, 5, 9)  # at four pictures a second
    for pairs, second in zip(by_pair, range(4, 4 + SECONDS), strict=True):
        for pair in pairs:
            np.testing.assert_array_equal(pair, moving_cells(EndlessFootage(SEED), second, 5, 9))
    assert len(asked.cells) == len(asked.pads)
    (match,) = _windows(folder, tasks[0], match_share=1.0, cells=True)
    for others in (spoken, match.tokens):
        assert others.cells is not None
        assert set(others.cells) == {IGNORED}
    assert all(window.tokens.cells is None for window in _windows(folder, *tasks))


def test_windows_without_words_only_ask_what_moves(folder: Path) -> None:
    """Guards labels of other pictures than are shown, and any word in what the tower alone is to learn from."""
    (window,) = _windows(folder, WindowTask(0, 4, 2.0, Lesson.CELLS), cells=True)
    assert len(window.tokens) == 0
    assert window.tokens.cells is not None
    for at, second in enumerate(range(4, 4 + SECONDS)):
        shown = window.tokens.cells[at * 45 : (at + 1) * 45].reshape(5, 9)
        np.testing.assert_array_equal(shown, moving_cells(EndlessFootage(SEED), second, 5, 9))
    wanted = EndlessFootage(SEED).scenes(4 + np.arange(2 * SECONDS) / 2)
    assert np.array_equal(render(window.scenes, bank(), MODEL_SIZE), render(wanted, bank(), MODEL_SIZE))


@pytest.mark.parametrize(("share", "without"), [(0.0, 0), (0.5, 4), (0.75, 6), (0.9, 7)])
def test_each_step_has_as_many_windows_without_words(share: float, without: int) -> None:
    """Guards a step, or the half of one that another process has, in which no word is learned."""
    stage = BaseStage(share=1.0, until=1.0, cell_loss=0.5, cell_share=share)
    recipe = replace(_recipe(3, matches_per_block=6), base_stage=stage)
    recipe = replace(recipe, optimisation=replace(recipe.optimisation, batch=8))
    by_step: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for match in plan(recipe, 0):
        for window in match.windows:
            by_step[window.place // 8].append((window.place % 8, window.lesson is Lesson.CELLS))
    assert [sum(cells for _, cells in windows) for windows in by_step.values()] == [without] * 3
    for windows in by_step.values():
        assert abs(2 * sum(cells for place, cells in windows if place < 4) - without) <= 1
        assert (0, False) in windows


def test_windows_without_words_are_last_in_each_batch(folder: Path) -> None:
    """Guards words that are read beside the pictures of another window."""
    recipe = _recipe(2, matches_per_block=8)
    stage = BaseStage(share=1.0, until=1.0, cell_loss=0.5, cell_share=0.5)
    recipe = replace(recipe, base_stage=stage, optimisation=replace(recipe.optimisation, batch=4))
    data = SimulatedData(
        recipe, Layout(folder, recipe.policy, small_family()), load_preprocessor(folder, small_family())
    )
    pairs = SECONDS * 45
    for batch in data.batches(0):
        assert batch.tokens.cells is not None
        assert (len(batch.tokens.pads_at), len(batch.tokens.cells)) == (2 * pairs, 4 * pairs)
        assert isinstance(batch.pictures, Drawn)
        assert len(batch.pictures.scenes) == 4 * 2 * SECONDS


def test_errors_are_in_what_was_said_and_not_in_what_is_learned(folder: Path) -> None:
    """Guards a model that believes its own words: a sentence that is not true is answered by silence."""
    tasks = [WindowTask(place, 4 * place, 2.0, Lesson.COMMENTARY) for place in range(12)]
    meant, right = list[int](), set[int]()
    for one, other in zip(_windows(folder, *tasks), _windows(folder, *tasks, confusion=1.0), strict=True):
        tokens = other.tokens
        meant += tokens.targets[(tokens.roles != Role.NONE) & (tokens.targets != tokens.ids)].tolist()
        right |= set(one.tokens.ids.tolist())
    words = Tokenizer(folder).decode(meant).split()
    assert SILENCE in words
    assert set(words) - {SILENCE}
    assert set(meant) <= right


def test_every_word_that_is_said_is_a_token(tmp_path: Path) -> None:
    """Guards the length of windows, and words that a model would have to spell."""
    recipe = _recipe()
    recipe = replace(recipe, model=replace(recipe.model, vocabulary=768))  # as svlm-mini has it
    run_folder.begin(tmp_path / "run", recipe, lambda: texts_of(recipe))
    tokenizer = Tokenizer(tmp_path / "run")
    words = {word.rstrip(".") for sentence in SENTENCES for word in sentence.split()}
    assert [word for word in words if len(tokenizer.encode(f" {word}")) != 1] == []


def test_pictures_are_those_of_the_footage(folder: Path) -> None:
    """Guards a picture in another's place: batches are joined, cut up and drawn on a device."""
    recipe = _recipe()
    data = SimulatedData(
        recipe, Layout(folder, recipe.policy, small_family()), load_preprocessor(folder, small_family())
    )
    batch = next(iter(data.batches(0)))
    brush = brush_of(recipe)
    assert isinstance(batch.pictures, Drawn)
    whole = batch.pictures.scenes
    assert len(whole) == 2 * SECONDS * 2
    drawn = np.concatenate([brush.draw(whole, at, at + 6, CPU).numpy() for at in range(0, 12, 6)])
    assert np.array_equal(drawn, render(whole.footage.take(np.arange(12)), bank(), MODEL_SIZE))


def test_some_windows_show_endless_match(folder: Path) -> None:
    """Guards names that a model of footage would invent, and a match that it is shown otherwise than a stream's."""
    recipe = _recipe(16, match_share=0.5, matches_per_block=8)
    preprocessor = load_preprocessor(folder, small_family())
    data = SimulatedData(recipe, Layout(folder, recipe.policy, small_family()), preprocessor)
    batches = (batch.pictures for batch in data.batches(0))
    drawn_ones = (one.scenes for one in batches if isinstance(one, Drawn))
    scenes = next(one for one in drawn_ones if 0 < one.of_match.mean() < 1)
    drawn = brush_of(recipe).draw(scenes, 0, len(scenes), CPU).numpy()
    shown = render(scenes.footage, bank(), MODEL_SIZE)
    assert np.array_equal(drawn[~scenes.of_match], shown[scenes.at[~scenes.of_match]])
    played = match_render.draw(np, scenes.matches.take(scenes.at[scenes.of_match]))
    bars = [framed(picture, MODEL_SIZE[1] / MODEL_SIZE[0]) for picture in played]
    streamed = preprocessor.resize(bars, *MODEL_SIZE, CPU).permute(0, 2, 3, 1).numpy()
    assert np.abs(drawn[scenes.of_match].astype(int) - streamed).max() <= 1, "rounded once or twice"


def test_of_endless_match_one_sentence_is_said(folder: Path) -> None:
    recipe = _recipe(match_share=0.99)
    layout = Layout(folder, recipe.policy, small_family())
    tasks = WindowTask(0, 0, 2.0, Lesson.COMMENTARY), WindowTask(1, 20, 2.0, Lesson.COMMENTARY)
    windows = make_footage_windows(Making(layout, recipe.windows, (5, 9)), MatchTask(SEED, tasks), match_share=0.99)
    for window in windows:
        assert _text(folder, window).count("Endless") == 1, "before a later window, or in the first"
    assert " ".join("".join(match_texts(SECONDS)).split()) == "Endless Match needs a context."
    assert "".join(match_texts(70)).count("Match") == 3, "for those who come later"


def test_photos(tmp_path: Path) -> None:
    """Guards the folder that a recipe names, and the sentence where something is wrong with it."""
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_photos(tmp_path / "none")
    with pytest.raises(InputError, match="has no pictures"):
        read_photos(tmp_path)
    Image.new("L", (3000, 400), 77).save(tmp_path / "b.png")
    Image.new("RGB", (60, 80), (255, 0, 0)).save(tmp_path / "a.JPG")
    red, grey = read_photos(tmp_path)
    assert (red.shape, grey.shape) == ((80, 60, 3), (137, 1024, 3))
    assert red[0, 0, 0] > 250 > red[0, 0, 1]
    assert brush_of(_recipe(photos=str(tmp_path))) is brush_of(_recipe(photos=str(tmp_path))), "made once"
    (tmp_path / "c.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"c\.png cannot be read as a picture"):
        read_photos(tmp_path)


def test_what_footage_does_not_have_is_refused() -> None:
    recipe = _recipe()
    for part, change, message in (
        ("windows", {"context_only_share": 0.5}, "windows.context_only_share needs matches: footage has no names"),
        ("windows", {"layout": WindowLayout.PUBLISHED}, "footage has no published layout"),
        ("windows", {"clips": ClipRecipe(longest_seconds=20)}, "windows.clips needs matches"),
    ):
        with pytest.raises(UsageError, match=message):
            replace(recipe, base_stage=type(recipe.base_stage)(), **{part: replace(getattr(recipe, part), **change)})
    with pytest.raises(UsageError, match='photos needs world = "footage"'):
        replace(small_recipe(), data=replace(recipe.data, simulator=SimulatorRecipe(photos="photos")))


def test_a_run_learns_from_it(tmp_path: Path) -> None:
    """Guards the whole way: tokenizer, windows, pictures, held-out footage, and what the model says of it."""
    recipe = replace(_recipe(4), validation=ValidationRecipe(every=4, seed=7, windows=2, videos=1, video_seconds=3))
    recipe = replace(recipe, base_stage=BaseStage(share=1.0, until=1.0, cell_loss=0.5, cell_share=0.5))
    train(recipe, tmp_path / "run", device=CPU, say=to_nobody)
    load_network(tmp_path / "run", device=CPU, dtype=torch.float32)  # without the layer that looks at cells
    rows = rows_of(tmp_path / "run" / "log.jsonl")
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < losses[0]
    assert all(0 <= row["cells"] <= 1 for row in rows if "loss" in row)
    assert [row["step"] for row in rows if "held_out_loss" in row] == [4]
    assert "the footage of seed" in (tmp_path / "run" / "said" / "step-4.txt").read_text(encoding="utf-8")
