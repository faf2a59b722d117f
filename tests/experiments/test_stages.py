"""The experiment on training: each variant is what it says, rests on what stands before it, and is told as measured."""

import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.policy import Mode
from svlm_cli.evals.claims.results import RowResult, dump, row_file
from svlm_cli.evals.claims.training import compare_training, training_section
from svlm_cli.evals.claims.training_file import read_training
from svlm_cli.simulator.match.commentary import CommentaryWord, Number
from svlm_cli.training.recipe import Recipe, parse
from svlm_cli.training.recipe import dump as dump_recipe
from tests.evals.claims.rows import flat, result
from tests.experiments.reach import ages_of_scores
from tests.experiments.stages import MODES, Board, Options, Runs, chosen, gather, write
from tests.experiments.variants import BASE, BASES, VARIANTS, Variant, recipe_of


def _recipe(name: str) -> Recipe:
    (variant,) = [one for one in (*BASES, *VARIANTS) if one.name == name]
    return recipe_of(variant, "base", workers=7, scale=1.0)


def _flat(part: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(part, dict):
        return {name: part}
    inner = [_flat(value, f"{name}.{key}".lstrip(".")) for key, value in part.items()]
    return {key: value for one in inner for key, value in one.items()}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
def test_a_variant_differs_from_stage_1_by_what_it_says(variant: Variant) -> None:
    """Guards a comparison of two things at once, and recipes that `svlm train` would refuse."""
    recipe = _recipe(variant.name)
    assert parse(dump_recipe(recipe), source="recipe.toml") == recipe
    usual, own = _flat(asdict(_recipe("stage-1"))), _flat(asdict(recipe))
    different = {name for name in own if own[name] != usual[name]}
    assert different <= set(variant.changes)
    assert set(variant.changes) - different <= {"data.simulator.own_teams"}  # which a later name may turn back
    small = recipe_of(variant, "base", workers=0, scale=0.01)
    assert small.optimisation.steps <= 10


def test_pairs_differ_in_one_thing() -> None:
    """Guards the question: with and without overlap, all else alike."""
    pairs = [one for one in VARIANTS if one.name.endswith("no-overlap")]
    assert len(pairs) == 5
    for one in pairs:
        ours, theirs = (_flat(asdict(_recipe(name))) for name in (one.name, one.against))
        assert {name for name in ours if ours[name] != theirs[name]} == {"windows.overlap_seconds"}
        assert one.paper == (62.51, 66.18)


def test_each_stands_after_what_it_rests_on() -> None:
    """Guards a run that would wait for ever, and a file whose rows are compared with none."""
    known = {"", BASE}
    for one in VARIANTS:
        assert {one.base, one.against} <= known
        known.add(one.name)
    assert len(known) == 2 + len(VARIANTS)
    assert [one.name for one in chosen(["annealing"])] == ["base-0", "base-1", "stage-1", "more", "annealing"]
    assert [one.name for one in chosen([])] == [one.name for one in (*BASES, *VARIANTS)]
    with pytest.raises(SystemExit, match="no variant nonsense"):
        chosen(["nonsense"])


def test_a_variant_waits_for_its_base() -> None:
    """Guards against a run from a model that is not there, and against one that waits where none will come."""
    board = Board(chosen(["annealing"]))
    first, second = board.take(), board.take()
    assert first is not None
    assert second is not None
    assert (first.name, second.name) == ("base-0", "base-1")
    board.note(first, trained=True, over=True)
    taken: list[Variant | None] = []
    thread = threading.Thread(target=lambda: taken.append(board.take()))
    thread.start()
    thread.join(0.2)
    assert not taken
    board.note(second, trained=True, over=True)
    thread.join(5)
    assert [one and one.name for one in taken] == ["stage-1"]
    assert taken[0] is not None
    board.note(taken[0], failed=True, over=True)
    assert board.take() is None  # the others rest on it
    assert [one.name for one in board.waiting] == ["more", "annealing"]


def _options(runs: Path) -> Options:
    return Options(runs, ("cpu",), 1.0, 0, 4, 5.0, 0, 1e9, runs)


def _measured(runs: Path, name: str, right: int) -> RowResult:
    folder = runs / name / "rows"
    folder.mkdir(parents=True)
    for mode in MODES:
        row_file(folder, mode).write_text(dump(result(mode, [right] * 5)))
    return result("streaming", [right] * 5)


def test_what_was_measured_is_told(tmp_path: Path) -> None:
    """Guards the file, of which the page is made: as far as rows are there, each compared with one that is there."""
    assert gather(_options(tmp_path)) is None
    _measured(tmp_path, "stage-1", 6)
    _measured(tmp_path, "few-64-no-overlap", 1)  # without the one that it is compared with
    _measured(tmp_path, "no-overlap", 3)
    assert write(_options(tmp_path))
    claims = read_training(tmp_path)
    assert claims is not None
    assert list(claims.models) == ["stage-1", "no-overlap"]
    found = compare_training(claims, "no-overlap", Mode.STREAMING)
    assert found is not None
    assert found.rates.event_f1.value == pytest.approx(-0.3)
    assert claims.models["no-overlap"].how.recipe == ("windows.overlap_seconds = 0",)
    text = "\n".join(training_section(claims))
    assert "The paper: 62.51 against 66.18, lower. Here, minus stage-1: event F1 -0.300" in flat(text)
    assert "| stage-1 | stage 1 only: windows of 24 s that overlap by 12 s, 1,000 steps | - | 1,000 | 64 | - |" in text


def test_the_better_base_is_taken(tmp_path: Path) -> None:
    for name, dense in (("base-0", 0.4), ("base-1", 0.9)):
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / "log.jsonl").write_text(f'{{"dense": 0.99}}\n{{"dense": {dense}}}\n')
    runs = Runs(_options(tmp_path))
    assert runs._base(VARIANTS[0]) == str(tmp_path / "base-1" / "model")
    (more,) = [one for one in VARIANTS if one.name == "more"]
    assert runs._base(more) == str(tmp_path / "stage-1" / "model")


def test_how_long_ago_a_score_was_said() -> None:
    """Guards the page's account of why overlap has nothing to show: of scores from memory alone, since any score."""

    def score(end_s: float, *, shown: bool) -> list[CommentaryWord]:
        return [
            CommentaryWord(end_s - 0.6, end_s - 0.3, "one", number=Number((1, 0), 0, shown=shown)),
            CommentaryWord(end_s - 0.3, end_s, "nil.", number=Number((1, 0), 1, shown=shown)),
        ]

    said = [*score(10.0, shown=False), *score(20.0, shown=True), *score(45.0, shown=False), *score(52.5, shown=False)]
    assert ages_of_scores(said) == [25.0, 7.5]
