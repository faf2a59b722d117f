"""Which windows annotation files give, how often and in which order, and the steps that follow from epochs."""

import json
from collections import Counter
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.jsonl.seeks import StaleIndexError, index_of
from svlm_cli.training.annotation_recipe import AnnotationRecipe
from svlm_cli.training.clips import Clip, Clips, with_counted_steps
from svlm_cli.training.recipe import BaseStage, DataRecipe, Recipe, Source
from svlm_cli.training.records import Skipped
from tests.training.recipes import small_recipe
from tests.training.test_records import messages


def _file(folder: Path, name: str, rows: int) -> Path:
    (folder / "clip.mp4").touch()
    path = folder / name
    path.write_text("".join(json.dumps(messages()) + "\n" for _ in range(rows)), encoding="utf-8")
    return path


def _recipe(files: tuple[Path, ...], weights: tuple[int, ...] = (), *, whole: bool = True, epochs: int = 0) -> Recipe:
    recipe = small_recipe(7, batch=2, accumulate=2)
    annotations = AnnotationRecipe(files=tuple(map(str, files)), weights=weights)
    return replace(
        recipe,
        optimisation=replace(recipe.optimisation, epochs=epochs),
        data=DataRecipe(source=Source.ANNOTATIONS, annotations=annotations),
        windows=replace(recipe.windows, whole_rows=whole),
        base_stage=BaseStage(),
    )


def _clips(recipe: Recipe) -> Clips:
    return Clips(recipe, Skipped(0, lambda _: None), lambda _: None)


def _epoch(clips: Clips, number: int) -> list[str]:
    at = [clips.at(place) for place in range(number * clips.epoch, (number + 1) * clips.epoch)]
    return [file.place(index) for file, index in at]


@pytest.mark.parametrize("whole", [True, False])
def test_an_epoch_has_each_window_as_often_as_its_file_weighs(tmp_path: Path, *, whole: bool) -> None:
    """Guards weights: a file that is named twice in the published script. Both ways of reading rows agree."""
    first, second = _file(tmp_path, "a.jsonl", 3), _file(tmp_path, "b.jsonl", 4)
    clips = _clips(_recipe((first, second), (2, 1), whole=whole))
    assert (len(clips), clips.epoch) == (7, 10)
    window = "" if whole else " (0 to 4 s)"
    expected = Counter({f"{first}:{row}{window}": 2 for row in (1, 2, 3)})
    expected += Counter(f"{second}:{row}{window}" for row in (1, 2, 3, 4))
    epochs = [_epoch(clips, number) for number in (0, 1, 0)]
    assert all(Counter(epoch) == expected for epoch in epochs)
    assert epochs[0] == epochs[2] != epochs[1]


def test_a_whole_row_is_one_window_read_in_its_turn(tmp_path: Path) -> None:
    """Guards sets of millions of rows, of which none is parsed at first, and the length that no window exceeds."""
    path = _file(tmp_path, "a.jsonl", 2)
    long = messages()
    long[0]["content"][0]["video_end"] = 40.0
    rows = path.read_text(encoding="utf-8")
    path.write_text(f"{rows}[{{}}]\n{json.dumps(long)}\n", encoding="utf-8")
    recipe = _recipe((path,))
    clips = _clips(replace(recipe, windows=replace(recipe.windows, seconds=9)))
    assert clips.epoch == 4
    found = {file.place(number): (file, number) for file, number in map(clips.at, range(4))}
    lengths = {place: _seconds(file.clip(number)) for place, (file, number) in found.items() if place[-1] != "3"}
    assert lengths == {f"{path}:1": 4, f"{path}:2": 4, f"{path}:4": 9}
    file, number = found[f"{path}:3"]
    with pytest.raises(InputError, match=r"^it is not a list of two messages\.$"):
        file.clip(number)


def _seconds(clip: Clip) -> int:
    return len(clip.seconds)


def test_a_stale_index_is_no_bad_row(tmp_path: Path) -> None:
    """Guards against a run that skips rows because all of them are looked for in the wrong place."""
    path = _file(tmp_path, "a.jsonl", 3)
    index_of(path).write_text("[0, 7, 9]\n", encoding="utf-8")
    with pytest.raises(StaleIndexError, match=r"a_seeks.jsonl is not an index of"):
        _clips(_recipe((path,)))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("epochs", "steps"), [(0, 7), (1, 3), (2, 5), (4, 10)])
def test_steps_follow_from_epochs(tmp_path: Path, epochs: int, steps: int, *, whole: bool) -> None:
    """Guards the length of a run, known before its first step: 10 windows an epoch, 4 a step, the last one full."""
    files = _file(tmp_path, "a.jsonl", 3), _file(tmp_path, "b.jsonl", 4)
    recipe = with_counted_steps(_recipe(files, (2, 1), whole=whole, epochs=epochs))
    assert recipe.optimisation.steps == steps
    assert recipe.optimisation.epochs == epochs, "the recipe that is kept says where its steps are from"
    assert with_counted_steps(recipe.with_steps(6)).optimisation.steps == 6, "--steps decides"


def test_an_epoch_of_rows_that_are_cut_leaves_sparse_windows_out(tmp_path: Path) -> None:
    """Guards the count: what is not learned is no part of an epoch."""
    recipe = _recipe((_file(tmp_path, "a.jsonl", 4),), whole=False, epochs=1)
    windows = replace(recipe.windows, seconds=2, overlap_seconds=0, words_per_second=0.5)
    clips = _clips(replace(recipe, windows=windows))
    assert (clips.epoch, clips.left_out) == (4, 4), "all three words are in the first two seconds"
    assert {*chain(_epoch(clips, 0))} == {f"{tmp_path / 'a.jsonl'}:{row} (0 to 2 s)" for row in (1, 2, 3, 4)}
