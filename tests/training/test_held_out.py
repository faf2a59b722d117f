"""Which windows and videos are held out while rows are learned from by weight, in turn and for epochs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.jsonl.seeks import StaleIndexError, index_of
from svlm_cli.networks.weights import load_preprocessor
from svlm_cli.training import folder as run_folder
from svlm_cli.training.annotation_recipe import AnnotationRecipe
from svlm_cli.training.clip_reader import Photographed
from svlm_cli.training.clips import with_counted_steps
from svlm_cli.training.data import texts_of
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.held_out import HeldOut, read_held_out
from svlm_cli.training.held_out_videos import held_out_videos
from svlm_cli.training.layout import Layout
from svlm_cli.training.ranks import ALONE
from svlm_cli.training.recipe import BaseStage, DataRecipe, Recipe, Source
from svlm_cli.training.validation_recipe import ValidationRecipe
from tests.clips import make_clip
from tests.training.recipes import small_recipe
from tests.training.test_launched import _record


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Rows in turn, two files of them by weight; four rows are held out, of which the second is none."""
    make_clip(tmp_path / "clip.mp4", frames=30 * 7)
    rows = [json.dumps(_record(start_s)) for start_s in range(6)]
    for name, lines in {"a": rows[:1], "b": rows[1:3], "held-out": [rows[2], "[]", rows[0], rows[1]]}.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = tuple(str(tmp_path / f"{name}.jsonl") for name in ("a", "b"))
    small = small_recipe(4, batch=2)
    return replace(
        small,
        base_stage=BaseStage(),
        data=DataRecipe(source=Source.ANNOTATIONS, annotations=AnnotationRecipe(files, weights=(2, 1), bad_share=0.25)),
        windows=replace(small.windows, whole_rows=True, seconds=3, fps=(1.0, 5.0)),
        optimisation=replace(small.optimisation, epochs=3),
        validation=ValidationRecipe(every=2, files=(str(tmp_path / "held-out.jsonl"),), videos=4),
    )


def _read(recipe: Recipe, folder: Path, said: list[str]) -> HeldOut:
    run_folder.begin(folder, recipe, lambda: texts_of(recipe))
    family = run_folder.first_family(folder, recipe)
    layout, preprocessor = Layout(folder, recipe.policy, family), load_preprocessor(folder, family)
    return read_held_out(recipe, layout, preprocessor, ALONE, said.append)


def test_each_row_is_held_out_once_whatever_those_that_are_learned_weigh(recipe: Recipe, tmp_path: Path) -> None:
    """Guards the loss: not the weights of other files, nor their epochs and frame rates, and a bad row is told."""
    counted = with_counted_steps(recipe)
    assert counted.optimisation.steps == 6, "3 epochs of 4 windows, 2 a step"
    said: list[str] = []
    found = _read(counted, tmp_path / "run", said)
    path = recipe.validation.files[0]
    assert said == [
        f"held out: {path} has no seek index, so all of it is read once to find its lines.",
        "held out: 4 windows",
        f"held out: {path}:2: skipped: it is not a list of two messages.",
    ]
    assert [counts for _, counts in found] == [True, True]
    assert [len(batch.tokens.bounds) - 2 for batch in found.batches] == [2, 1]
    pictures = [batch.pictures for batch in found.batches if isinstance(batch.pictures, Photographed)]
    assert [[len(frames) for frames in one.seconds] for one in pictures] == [[2] * 6, [2] * 3], "as a stream has them"
    again = _read(counted, tmp_path / "again", [])
    assert [batch.tokens.ids.tolist() for batch in again.batches] == [
        batch.tokens.ids.tolist() for batch in found.batches
    ]


def test_too_many_bad_rows_end_the_run(recipe: Recipe, tmp_path: Path) -> None:
    """Guards a loss of what few rows are left: the share that is allowed is of those that are held out."""
    annotations = replace(recipe.data.annotations, bad_share=0.2)
    with pytest.raises(InputError, match=r"record 1 that had to be skipped, 0 are allowed, and 20 % of the 4 so far"):
        _read(replace(recipe, data=replace(recipe.data, annotations=annotations)), tmp_path / "run", [])


def test_a_stale_index_is_no_bad_row(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against held-out rows that are skipped one by one because the file has changed, and other processes that
    wait for the one that has found it.
    """
    path = Path(recipe.validation.files[0])
    text = path.read_bytes()
    offsets = [0, *(at + 1 for at, byte in enumerate(text[:-1]) if byte == ord("\n"))]
    index_of(path).write_text(json.dumps(offsets), encoding="utf-8")
    monkeypatch.setattr("svlm_cli.jsonl.seeks.SeekableLines._check", lambda *_, **__: None)
    told: list[SvlmError] = []
    monkeypatch.setattr(Exchange, "fail", lambda _, error: told.append(error))
    path.write_bytes(b" " + text)
    with pytest.raises(StaleIndexError, match="is not at byte"):
        _read(recipe, tmp_path / "run", [])
    assert len(told) == 1


def test_videos_are_those_of_rows_that_can_be_read(recipe: Recipe) -> None:
    """Guards what the model says by itself: each video once, a bad row being none, with the words of its seconds."""
    (video,) = held_out_videos(recipe)
    assert video.name == "clip.mp4"
    assert video.said[0].startswith(" ")
    assert len(video.said) == len(list(video.show()))


@pytest.mark.parametrize("whole", [True, False])
def test_rows_are_cut_as_those_that_are_learned(recipe: Recipe, tmp_path: Path, *, whole: bool) -> None:
    """Guards a loss on windows of another kind than those that are learned."""
    windows = replace(recipe.windows, whole_rows=whole, seconds=2, overlap_seconds=0)
    annotations = replace(recipe.data.annotations, bad_allowed=9)
    cut = replace(recipe, windows=windows, data=replace(recipe.data, annotations=annotations))
    found = _read(cut, tmp_path / "run", [])
    assert sum(len(batch.tokens.bounds) - 2 for batch in found.batches) == (3 if whole else 6)
