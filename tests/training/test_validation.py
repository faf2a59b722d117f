"""Held-out windows in whole runs on a CPU: what is told of them, that the run is none the worse, and what is kept."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from svlm_cli.checkpoints.folder import CARD_FILE
from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.networks.weights import load_network
from svlm_cli.training import folder as run_folder
from svlm_cli.training import validation
from svlm_cli.training.annotation_recipe import AnnotationRecipe
from svlm_cli.training.best import BEST, Best
from svlm_cli.training.export import export
from svlm_cli.training.layout import Role
from svlm_cli.training.log import rows_of, to_nobody
from svlm_cli.training.parts import AdapterRecipe
from svlm_cli.training.recipe import BaseStage, DataRecipe, Recipe, Source
from svlm_cli.training.trainer import train
from svlm_cli.training.validation_recipe import ValidationRecipe
from tests.clips import make_clip
from tests.training.launching import by_torchrun, done
from tests.training.recipes import small_recipe
from tests.training.test_launched import _record

pytestmark = [pytest.mark.extra, pytest.mark.timeout(300)]

CPU = torch.device("cpu")
STEPS = 6
VALIDATION = ValidationRecipe(every=2, seed=7, windows=5, videos=1, video_seconds=6)


def _validated(recipe: Recipe, **changes: object) -> Recipe:
    return replace(recipe, validation=replace(VALIDATION, **changes))  # type: ignore[arg-type]


def _run(recipe: Recipe, folder: Path) -> Path:
    train(recipe, folder, device=CPU, say=to_nobody)
    return folder


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do not write into it."""
    return _run(_validated(small_recipe(STEPS)), tmp_path_factory.mktemp("runs") / "validated")


def test_a_run_is_the_same_with_and_without(validated: Path, tmp_path: Path) -> None:
    """Guards weights, data and random states against whatever is tried in between, and the log against double rows."""
    plain = _run(small_recipe(STEPS), tmp_path / "plain")
    expected, found = (load_file(one / "model.safetensors") for one in (plain, validated))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    logs = [rows_of(one / "log.jsonl") for one in (plain, validated)]
    rows = [[(row["step"], row["loss"]) for row in log if "loss" in row] for log in logs]
    assert rows[0] == rows[1]
    assert not (plain / BEST).exists()


def test_the_log_tells_the_loss_by_role(validated: Path) -> None:
    """Guards the curve of what was not learned: every so many steps, and at the end."""
    rows = [row for row in rows_of(validated / "log.jsonl") if "held_out_loss" in row]
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert rows[-1]["held_out_loss"] < rows[0]["held_out_loss"]
    assert {"held_out_loss_words", "held_out_loss_silence", "held_out_words"} <= rows[0].keys()
    assert "held_out_loss_dense" not in rows[0], "the commentary is what counts"


def test_the_model_says_what_it_would(validated: Path) -> None:
    """Guards what people read: a page after each validation, seconds with words alone, the true ones beside."""
    pages = sorted((validated / "said").iterdir())
    assert [page.name for page in pages] == ["step-2.txt", "step-4.txt", "step-6.txt"]
    head, _, name, _, *lines = pages[0].read_text(encoding="utf-8").splitlines()
    assert head == "What the model says by itself after step 2."
    assert name == "the match of seed 7000000049"
    assert lines[0].startswith("0:00:0")
    assert all("model: " in one for one in lines[::2])
    assert all("truth: " in one for one in lines[1::2])
    assert any(not one.endswith("truth: -") for one in lines[1::2])


def test_the_best_is_a_checkpoint_and_says_of_which_step(validated: Path) -> None:
    """Guards `best`: the weights of the step with the lowest loss, with all files that a checkpoint has."""
    rows = {row["step"]: row["held_out_loss"] for row in rows_of(validated / "log.jsonl") if "held_out_loss" in row}
    step = min(rows, key=rows.__getitem__)
    assert Best.of(validated) == Best(step, rows[step])
    assert [path.name for path in validated.glob(f"{BEST}-*")] == [f"{BEST}-{step}"], "those before are gone"
    checkpoint = resolve(str(validated / BEST))
    assert checkpoint.policy == small_recipe().policy
    network = load_network(checkpoint.folder, device=CPU, dtype=torch.float32)
    last = load_network(validated, device=CPU, dtype=torch.float32)
    same = all(torch.equal(one, other) for one, other in zip(network.parameters(), last.parameters(), strict=True))
    assert same == (step == STEPS)
    card = (validated / BEST / CARD_FILE).read_text()
    assert f"| steps | {step} |" in card
    assert f"| held out loss | {rows[step]:.4g} |" in card
    assert f"| best | step {step}, held-out loss {rows[step]:.4g} |" in (validated / CARD_FILE).read_text()


def test_the_best_is_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a run that learns its data by heart: what was best on other data stays, as it was at that step."""
    seen: list[int] = []
    found = validation.Validation._tally

    def rises(self: validation.Validation, *values: Any) -> torch.Tensor:
        tally = found(self, *values)
        tally[Role.WORD, 1] += 1000.0 * len(seen)
        seen.append(1)
        return tally

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(validation.Validation, "_tally", rises)
    monkeypatch.setattr(run_folder, "finish", stop)  # so that states stay
    run, recipe = tmp_path / "run", _validated(small_recipe(STEPS))
    with pytest.raises(KeyboardInterrupt):
        _run(replace(recipe, output=replace(recipe.output, keep=9)), run)
    assert Best.of(run).step == 2
    assert [path.name for path in run.glob(f"{BEST}-*")] == [f"{BEST}-2"]
    export(run, tmp_path / "expected", 2)
    expected, weights = (load_file(one / "model.safetensors") for one in (tmp_path / "expected", run / BEST))
    assert all(torch.equal(expected[name], weights[name]) for name in expected)


def test_an_adapter_is_validated(validated: Path, tmp_path: Path) -> None:
    """Guards dropout, which is for learning alone, and `best`, which is an adapter on the base."""
    recipe = _validated(small_recipe(4))
    recipe = replace(
        recipe,
        model=replace(recipe.model, base=str(validated)),
        adapter=AdapterRecipe(rank=2, dropout=0.5),
        base_stage=BaseStage(),
    )
    with_it = _run(recipe, tmp_path / "with")
    without = _run(replace(recipe, validation=ValidationRecipe()), tmp_path / "without")
    expected, found = (load_file(one / "adapter_model.safetensors") for one in (without, with_it))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    checkpoint = resolve(None, adapter=with_it / BEST)
    load_network(checkpoint.folder, device=CPU, dtype=torch.float32, adapter=with_it / BEST)
    said = (with_it / "said" / "step-4.txt").read_text(encoding="utf-8")
    assert "truth: " in said


def _annotated(folder: Path, **changes: object) -> Recipe:
    make_clip(folder / "clip.mp4", frames=30 * 7)
    for name, starts in (("train.jsonl", (0, 3)), ("held-out.jsonl", (1, 2, 5))):
        lines = (json.dumps(_record(start_s)) + "\n" for start_s in starts)
        (folder / name).write_text("".join(lines), encoding="utf-8")
    return replace(
        small_recipe(4, batch=2, learning_rate=1e-3),
        base_stage=BaseStage(),
        data=DataRecipe(
            source=Source.ANNOTATIONS, annotations=AnnotationRecipe(files=(str(folder / "train.jsonl"),), bad_allowed=9)
        ),
        validation=replace(VALIDATION, files=(str(folder / "held-out.jsonl"),), **changes),  # type: ignore[arg-type]
    )


def test_files_kept_apart_are_not_learned(tmp_path: Path) -> None:
    """Guards the loss on what was kept apart, and the words beside what people said, at the video's own times."""
    heard: list[str] = []
    train(_annotated(tmp_path), tmp_path / "run", device=CPU, say=heard.append)
    assert "held out: 3 windows, 0 records skipped" in heard
    assert sum("skipped:" in line for line in heard) == 1, "a window that ends behind its video is left out once"
    rows = [row for row in rows_of(tmp_path / "run" / "log.jsonl") if "held_out_loss" in row]
    assert [row["step"] for row in rows] == [2, 4]
    lines = (tmp_path / "run" / "said" / "step-4.txt").read_text(encoding="utf-8").splitlines()
    assert lines[2] == "clip.mp4"
    assert lines[4].startswith("0:00:0")


@pytest.mark.parametrize(("source", "ranks"), [(Source.SIMULATOR, 4), (Source.ANNOTATIONS, 2)])
def test_any_number_of_processes_finds_the_same(tmp_path: Path, source: Source, ranks: int) -> None:
    """Guards their shares, of which one may be empty, and against processes that wait for each other for ever."""
    recipe = _annotated(tmp_path) if source is Source.ANNOTATIONS else _validated(small_recipe(4), windows=3)
    recipe = replace(recipe, optimisation=small_recipe(4, batch=4, learning_rate=1e-3).optimisation)
    train(recipe, tmp_path / "alone", device=CPU, say=to_nobody)
    done(by_torchrun(recipe, tmp_path / "together", ranks))
    alone, together = (
        [row for row in rows_of(tmp_path / name / "log.jsonl") if "held_out_loss" in row]
        for name in ("alone", "together")
    )
    assert len(alone) == 2
    for one, other in zip(alone, together, strict=True):
        for name in one:
            assert other[name] == pytest.approx(one[name], rel=1e-5, abs=0 if "loss" in name else 0.02), name
    assert (tmp_path / "together" / "said" / "step-4.txt").read_text() != ""
    load_network(resolve(str(tmp_path / "together" / BEST)).folder, device=CPU, dtype=torch.float32)
