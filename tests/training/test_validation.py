"""Held-out windows in whole runs on a CPU: what is told of them, that the run is none the worse, and what is kept."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from svlm_cli.checkpoints.folder import CARD_FILE
from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.networks.weights import load_network
from svlm_cli.training.best import BEST, Best
from svlm_cli.training.log import rows_of, to_nobody
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.trainer import train
from svlm_cli.training.validation_recipe import ValidationRecipe
from tests.training.recipes import small_recipe

pytestmark = pytest.mark.extra

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
