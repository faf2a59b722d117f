"""Validation on a GPU: the loss on what is held out, the best checkpoint, the model's own words, and an export."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.engine.engine import Engine
from svlm_cli.training import folder as run_folder
from svlm_cli.training.best import BEST, Best
from svlm_cli.training.export import export
from svlm_cli.training.folder import LOG_FILE
from svlm_cli.training.log import rows_of, to_nobody
from svlm_cli.training.parts import AdapterRecipe
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.trainer import train
from svlm_cli.training.validation_recipe import ValidationRecipe
from tests.engine.conftest import hear, make_chunks
from tests.tiny import make_tiny_checkpoint
from tests.training.recipes import small_recipe

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]  # of compilers

CUDA = torch.device("cuda")
STEPS = 6
VALIDATION = ValidationRecipe(every=2, seed=7, windows=5, videos=1, video_seconds=6)


def _recipe(*, compiled: bool) -> Recipe:
    recipe = small_recipe(STEPS, bf16=True, compile=compiled, checkpointing=not compiled)
    return replace(recipe, validation=VALIDATION, output=replace(recipe.output, keep=9))


def _streams(checkpoint: Path, adapter: Path | None = None) -> bool:
    resolved = resolve(str(checkpoint)) if adapter is None else resolve(None, adapter=adapter)
    engine = Engine.load(resolved.folder, resolved.policy, device=CUDA, dtype=torch.bfloat16, adapter=adapter)
    with engine.open() as stream:
        return all(hear(engine, [stream], [chunk])[0].ids for chunk in make_chunks(2, size=(112, 224)))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_run_is_validated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compiled: bool) -> None:
    """Guards what no CPU shows: autocast and compiled layers without gradients, memory in the log, weights of a stream
    beside those that learn.
    """
    run = tmp_path / "run"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_folder, "finish", stop)  # so that states stay
    with pytest.raises(KeyboardInterrupt):
        train(_recipe(compiled=compiled), run, device=CUDA, say=to_nobody)
    rows = rows_of(run / LOG_FILE)
    learned = [row for row in rows if "loss" in row]
    assert [row["step"] for row in learned] == [*range(1, STEPS + 1)]
    assert all(row["peak_bytes"] > 0 and row["tflops_per_s"] > 0 for row in learned)
    held_out = {row["step"]: row["held_out_loss"] for row in rows if "held_out_loss" in row}
    assert [*held_out] == [2, 4, 6]
    assert held_out[6] < held_out[2]
    assert [path.name for path in sorted((run / "said").iterdir())] == ["step-2.txt", "step-4.txt", "step-6.txt"]
    assert "truth: " in (run / "said" / "step-6.txt").read_text(encoding="utf-8")
    best = min(held_out, key=held_out.__getitem__)
    assert Best.of(run) == Best(best, held_out[best])
    export(run, tmp_path / "exported", best)
    expected, found = (load_file(one / "model.safetensors") for one in (tmp_path / "exported", run / BEST))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert _streams(run / BEST)


def test_random_numbers_are_the_same_with_and_without(tmp_path: Path) -> None:
    """Guards dropout on the device: none of its numbers may be missed because of what is tried in between."""
    pytest.importorskip("peft")
    base = make_tiny_checkpoint(tmp_path / "base")
    recipe = _recipe(compiled=False)
    recipe = replace(recipe, model=replace(recipe.model, base=str(base)), adapter=AdapterRecipe(rank=4, dropout=0.5))
    losses = []
    for name, validation in (("with", VALIDATION), ("without", ValidationRecipe())):
        train(replace(recipe, validation=validation), tmp_path / name, device=CUDA, say=to_nobody)
        losses.append([row["loss"] for row in rows_of(tmp_path / name / LOG_FILE) if "loss" in row])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)  # atomic additions have no order; others would be far off
    assert _streams(base, tmp_path / "with" / BEST)
