"""Whole runs on a CPU: what a run leaves behind, that it learns, and that a killed one ends as an unbroken one."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from svlm_cli.checkpoints.folder import CARD_FILE
from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.engine.engine import Engine
from svlm_cli.networks.weights import load_network
from svlm_cli.training import folder as run_folder
from svlm_cli.training.parts import NetworkPart
from svlm_cli.training.recipe import BaseStage, Recipe, dump
from svlm_cli.training.trainer import train
from tests.conftest import environment
from tests.engine.conftest import hear, make_chunks
from tests.networks.qwen2_5_vl.conftest import load_both
from tests.networks.qwen2_5_vl.test_model import batch_for
from tests.training.launching import halting
from tests.training.recipes import small_recipe

pytestmark = pytest.mark.extra

CPU = torch.device("cpu")
STEPS = 12
PATIENCE_S = 60


def _silent(line: str) -> None:
    del line


def _run(recipe: Recipe, folder: Path) -> Path:
    train(recipe, folder, device=CPU, say=_silent)
    return folder


def _log(folder: Path) -> list[dict[str, float]]:
    path = folder / run_folder.LOG_FILE
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unbroken run. Do not write into it."""
    return _run(small_recipe(STEPS), tmp_path_factory.mktemp("runs") / "unbroken")


def test_a_run_logs_every_step_and_leaves_no_state(trained: Path) -> None:
    """Guards the curve that people read, and gigabytes of optimizer states beside a finished model."""
    log = _log(trained)
    assert [row["step"] for row in log] == list(range(1, STEPS + 1))
    assert log[-1]["loss"] < log[0]["loss"]
    assert {"grad_norm", "learning_rate", "tokens_per_s", "ends"} <= log[0].keys()
    assert not (trained / run_folder.STATES).exists()


def test_windows_are_learned_as_streams(trained: Path, tmp_path: Path) -> None:
    """Guards the second stage: it starts from a trained model, and what it learns is not what plain windows teach."""
    recipe = small_recipe(STEPS)
    windows = replace(recipe.policy.windows, vision_rounds=2, text_rounds=2)
    recipe = replace(
        recipe,
        model=replace(recipe.model, base=str(trained)),
        base_stage=BaseStage(),
        policy=replace(recipe.policy, windows=windows),
    )
    plain = _log(_run(recipe, tmp_path / "plain"))
    streamed = _log(_run(replace(recipe, windows=replace(recipe.windows, streamed=True)), tmp_path / "streamed"))
    assert streamed[-1]["loss"] < streamed[0]["loss"]
    assert streamed[0]["loss"] == pytest.approx(plain[0]["loss"], rel=0.2)
    assert streamed[0]["loss"] != pytest.approx(plain[0]["loss"], rel=1e-5)


def test_the_card_says_what_was_trained_and_no_more(trained: Path) -> None:
    """Guards against speeds of a machine among a model's results, and against holes where nothing was stated."""
    card = (trained / CARD_FILE).read_text()
    loss = _log(trained)[-1]["loss"]
    assert card.startswith("# A model trained by svlm\n\nLicence: not stated. ")
    assert f"| parameters | 0.1 M |\n| steps | {STEPS} |\n| loss | {loss:.4g} |\n" in card
    rows = set(re.findall(r"^\| ([a-z ]+) \|", card, re.MULTILINE))
    assert rows - {"first word", "silence", "words", "ends", "dense"} == {"parameters", "steps", "loss"}
    assert "\n\n\n" not in card


def test_the_folder_gives_transformers_the_same_logits(trained: Path) -> None:
    """Guards the key names and config.json: other tools must read what is trained here."""
    pair = load_both(trained)
    batch = batch_for(pair[0])
    with torch.no_grad():
        torch.testing.assert_close(
            batch.ours(pair[0])[batch.real.bool()], batch.reference(pair)[batch.real.bool()], atol=1e-4, rtol=0
        )


def test_the_folder_is_a_checkpoint_that_captions(trained: Path) -> None:
    """Guards a final folder that lacks a file, or whose policy is not the recipe's."""
    checkpoint = resolve(str(trained))
    assert checkpoint.policy == small_recipe().policy
    engine = Engine.load(checkpoint.folder, checkpoint.policy, device=CPU, dtype=torch.float32)
    with engine.open(context="Match: red Falvon against white Torbek.") as stream:
        for chunk in make_chunks(3, size=(112, 224)):
            (heard,) = hear(engine, [stream], [chunk])
            assert heard.ids


def test_weights_are_saved_as_the_recipe_says(tmp_path: Path) -> None:
    """Guards the size of what ships: bfloat16, in files of at most so many megabytes."""
    recipe = small_recipe(1)
    limit_mb = 0.05
    output = replace(recipe.output, weights=type(recipe.output.weights).BFLOAT16, max_shard_mb=limit_mb)
    folder = _run(replace(recipe, output=output), tmp_path / "run")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert {tensor.dtype for shard in shards for tensor in load_file(shard).values()} == {torch.bfloat16}
    assert all(shard.stat().st_size < 1.2e6 * limit_mb for shard in shards)
    load_network(folder, device=CPU, dtype=torch.float32)


def test_a_killed_run_ends_as_an_unbroken_one(trained: Path, tmp_path: Path) -> None:
    """Guards exact resuming: data, optimizer, schedule and log, after the worst end that a run can have."""
    recipe, folder = small_recipe(STEPS), tmp_path / "run"
    (tmp_path / "recipe.toml").write_text(dump(recipe), encoding="utf-8")
    script = f"{halting(7)}\nimport svlm_cli.commands.app as app\napp.main()"
    command = [sys.executable, "-c", script, "train", "recipe.toml", "-o", folder.name, "--device", "cpu"]
    run = subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    deadline = time.monotonic() + PATIENCE_S
    while len(_log(folder)) < 7 and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    out, _ = run.communicate()
    assert out == b""
    assert run.returncode == -signal.SIGKILL
    state = run_folder.latest_state(folder)
    assert state is not None
    assert 0 < state[1] < STEPS
    usual = (folder / "recipe.toml").stat().st_mode
    assert {path.stat().st_mode for path in state[0].iterdir()} == {usual}, "who may read the run may resume it"
    train(recipe, folder, device=CPU, resume=True, say=_silent)
    expected, found = (load_file(one / "model.safetensors") for one in (trained, folder))
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert [(row["step"], row["loss"]) for row in _log(folder)] == [(row["step"], row["loss"]) for row in _log(trained)]
    assert (folder / CARD_FILE).read_text() == (trained / CARD_FILE).read_text()


def test_a_state_that_was_being_written_is_not_resumed_from(tmp_path: Path) -> None:
    """Guards against half a state, which the newest one is after a kill."""
    for step, text in ((2, '{"global_step": 2}'), (4, '{"global_st'), (6, "")):
        state = tmp_path / run_folder.STATES / f"checkpoint-{step}"
        state.mkdir(parents=True)
        if text:
            (state / "trainer_state.json").write_text(text)
    found = run_folder.latest_state(tmp_path)
    assert found is not None
    assert found[1] == 2


def test_a_finished_or_another_run_is_not_resumed(trained: Path, tmp_path: Path) -> None:
    """Guards against states mixed from two recipes, and against training on what is done."""
    recipe = small_recipe(STEPS)
    with pytest.raises(UsageError, match="is finished"):
        train(recipe, trained, device=CPU, resume=True, say=_silent)
    with pytest.raises(UsageError, match="holds no run"):
        train(recipe, tmp_path, device=CPU, resume=True, say=_silent)
    (tmp_path / "recipe.toml").write_text(dump(recipe), encoding="utf-8")
    with pytest.raises(UsageError, match=r"began with optimisation\.batch = 2, and the recipe now says 3"):
        train(small_recipe(STEPS, batch=3), tmp_path, device=CPU, resume=True, say=_silent)


def test_a_folder_with_something_in_it_is_left_alone(trained: Path) -> None:
    """Guards against one run written over another."""
    with pytest.raises(OutputError, match="is not empty"):
        train(small_recipe(), trained, device=CPU, say=_silent)


def test_frozen_parts_keep_their_weights(tmp_path: Path) -> None:
    """Guards the paper's setting, a frozen vision tower; weight decay must not reach it either."""
    folder = _run(small_recipe(2, frozen=(NetworkPart.VISION,)), tmp_path / "run")
    first = run_folder.first_network(folder, small_recipe(2)).state_dict()
    last = load_network(folder, device=CPU, dtype=torch.float32).state_dict()
    changed = {name.split(".")[0] for name in first if not torch.equal(first[name], last[name])}
    assert changed == {"language"}


def test_accumulated_batches_learn_as_one(tmp_path: Path) -> None:
    """Guards the weight of a token: windows with few words must not count more."""
    whole = _run(small_recipe(3, batch=4), tmp_path / "whole")
    parts = _run(small_recipe(3, batch=2, accumulate=2), tmp_path / "parts")
    expected, found = (load_file(one / "model.safetensors") for one in (whole, parts))
    for name, tensor in expected.items():  # sums in another order; Adam amplifies what is nearly zero
        torch.testing.assert_close(found[name], tensor, atol=2e-3, rtol=0)
    for one, other in zip(_log(whole), _log(parts), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)


def test_training_goes_on_from_a_checkpoint(trained: Path, tmp_path: Path) -> None:
    """Guards fine-tuning: weights, tokenizer and configuration are those of the base."""
    recipe = small_recipe(1, learning_rate=1e-9)
    folder = _run(replace(recipe, model=replace(recipe.model, base=str(trained))), tmp_path / "run")
    for name in ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json", "config.json"):
        assert (folder / name).read_bytes() == (trained / name).read_bytes()
    expected, found = (load_file(one / "model.safetensors") for one in (trained, folder))
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=1e-6, rtol=0)
