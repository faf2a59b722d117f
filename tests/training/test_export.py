"""What is left of a run that was ended in any way, made a checkpoint."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from svlm_cli.checkpoints.folder import CARD_FILE
from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.core.errors import ModelError, OutputExistsError, UsageError
from svlm_cli.networks.weights import load_network
from svlm_cli.training import folder as run_folder
from svlm_cli.training.export import export
from svlm_cli.training.log import rows_of, to_nobody
from svlm_cli.training.parts import AdapterRecipe
from svlm_cli.training.recipe import BaseStage, Recipe, dump
from svlm_cli.training.trainer import train
from tests.conftest import environment
from tests.training.launching import by_torchrun, family, kill, started, wait_for_step
from tests.training.recipes import small_recipe
from tests.training.test_launched import SLOWLY

pytestmark = [pytest.mark.extra, pytest.mark.timeout(300)]

CPU = torch.device("cpu")
STEPS = 6
MOMENTS = (0.5, 0.9, 0.97, 1.0)  # of all changes of the output folder

# Kills the process at the Nth moment at which it changes something in the output folder, and says how many there were.
_KILLED = """
import os, signal, sys
left = [int(sys.argv.pop(1))]
folder = sys.argv[sys.argv.index("-o") + 1]
counted = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "shutil.rmtree")
def watch(event, values):
    if event not in counted or folder not in str(values) or (event == "open" and not written(values)):
        return
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
def written(values):
    return isinstance(values[2], int) and values[2] & (os.O_WRONLY | os.O_RDWR)
sys.addaudithook(watch)
from svlm_cli.commands.app import main
code = main()
print(left[0])
sys.exit(code)
"""


def _validated(recipe: Recipe) -> Recipe:
    return replace(recipe, validation=replace(recipe.validation, every=3, seed=7, windows=2, video_seconds=2))


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to its end. Do not write into it."""
    folder = tmp_path_factory.mktemp("runs") / "unbroken"
    train(_validated(small_recipe(STEPS)), folder, device=CPU, say=to_nobody)
    return folder


def _stopped(folder: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was interrupted before it could make a checkpoint of what it had learned."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(run_folder, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, folder, device=CPU, say=to_nobody)
    return folder


def _loads(folder: Path) -> None:
    checkpoint = resolve(str(folder))
    load_network(checkpoint.folder, device=CPU, dtype=torch.float32)


def test_a_state_becomes_what_the_run_would_have_become(
    unbroken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the weights, all files of a checkpoint, the card and the choice of a step."""
    run = _stopped(tmp_path / "run", _validated(small_recipe(STEPS)), monkeypatch)
    assert export(run, tmp_path / "last") == STEPS
    expected, found = (load_file(one / "model.safetensors") for one in (unbroken, tmp_path / "last"))
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    own = {"log.jsonl", "said", "best", "best-6", "best-3"}
    assert {one.name for one in (tmp_path / "last").iterdir()} == {one.name for one in unbroken.iterdir()} - own
    assert export(run, tmp_path / "earlier", 4) == 4
    _loads(tmp_path / "earlier")
    card = (tmp_path / "earlier" / CARD_FILE).read_text()
    loss = next(row["loss"] for row in rows_of(run / "log.jsonl") if row["step"] == 4)
    assert f"| steps | 4 |\n| loss | {loss:.4g} |" in card
    with pytest.raises(UsageError, match=r"no state after step 5\. There are states after 4, 6"):
        export(run, tmp_path / "none", 5)
    with pytest.raises(OutputExistsError):
        export(run, tmp_path / "last")


def test_a_finished_run_is_copied(unbroken: Path, tmp_path: Path) -> None:
    """Guards scripts: however the run ended, the same command gives a checkpoint."""
    assert export(unbroken, tmp_path / "copy") == STEPS
    _loads(tmp_path / "copy")
    with pytest.raises(UsageError, match="is finished, at step 6: its states are gone"):
        export(unbroken, tmp_path / "earlier", 4)


def test_without_a_state_it_says_so(tmp_path: Path) -> None:
    """Guards who is too early: one sentence, and nothing is written."""
    with pytest.raises(UsageError, match="holds no run"):
        export(tmp_path, tmp_path / "out")
    (tmp_path / "recipe.toml").write_text(dump(small_recipe(4)), encoding="utf-8")
    with pytest.raises(UsageError, match="no state yet: the first one is saved after step 2"):
        export(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_state_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against half a checkpoint, which looks like one."""
    run = _stopped(tmp_path / "run", small_recipe(4), monkeypatch)
    weights = run / run_folder.STATES / "checkpoint-4" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"cannot be read.* Name another state with --step"):
        export(run, tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))
    assert export(run, tmp_path / "out", 2) == 2


def test_of_an_adapter_comes_an_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unbroken: Path) -> None:
    """Guards QLoRA's users: states hold the adapter alone."""
    recipe = small_recipe(4)
    recipe = replace(
        recipe,
        model=replace(recipe.model, base=str(unbroken)),
        adapter=AdapterRecipe(rank=2),
        base_stage=BaseStage(),
    )
    run = _stopped(tmp_path / "run", recipe, monkeypatch)
    assert export(run, tmp_path / "out") == 4
    checkpoint = resolve(None, adapter=tmp_path / "out")
    load_network(checkpoint.folder, device=CPU, dtype=torch.float32, adapter=tmp_path / "out")


def test_shards_of_several_processes_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards states that no process wrote whole: read in one, without a launcher, after all were killed."""
    recipe = small_recipe(20, batch=4, accumulate=2, learning_rate=1e-3)
    with started(by_torchrun(recipe, tmp_path / "run", 2, code=SLOWLY)) as process:
        wait_for_step(tmp_path / "run", 7)
        kill(family(process))
    step = export(tmp_path / "run", tmp_path / "out")
    assert step >= 4
    _loads(tmp_path / "out")
    alone = _stopped(tmp_path / "alone", replace(recipe, output=replace(recipe.output, keep=99)), monkeypatch)
    export(alone, tmp_path / "expected", step)
    expected, found = (load_file(tmp_path / name / "model.safetensors") for name in ("expected", "out"))
    assert expected.keys() == found.keys()
    for name, weight in expected.items():  # sums in another order
        torch.testing.assert_close(found[name], weight, atol=1e-5, rtol=0, msg=name)


@pytest.mark.timeout(900)
def test_at_whatever_moment_it_is_killed(unbroken: Path, tmp_path: Path) -> None:
    """Guards the whole of it: from the first state on there is always a checkpoint, `best` too, and the run goes on."""
    (tmp_path / "recipe.toml").write_text(dump(_validated(small_recipe(STEPS))), encoding="utf-8")
    changes = -_killed(tmp_path, "whole", 0)
    assert changes > 50
    expected = load_file(unbroken / "model.safetensors")
    exported = 0
    for number, moment in enumerate(MOMENTS):
        run = f"run{number}"
        _killed(tmp_path, run, max(round(changes * moment), 1))
        folder = tmp_path / run
        try:
            export(folder, tmp_path / f"{run}.out")
            exported += 1
            _loads(tmp_path / f"{run}.out")
        except UsageError as error:
            assert "no state yet" in error.message or "holds no run" in error.message  # noqa: PT017
            assert not run_folder.states_of(folder)
        if (folder / "best").exists():
            _loads(folder / "best")
        if (folder / "recipe.toml").exists() and not run_folder.is_finished(folder):
            train(_validated(small_recipe(STEPS)), folder, device=CPU, resume=True, say=to_nobody)
            found = load_file(folder / "model.safetensors")
            assert all(torch.equal(expected[name], found[name]) for name in expected)
            _loads(folder / "best")
    assert exported > len(MOMENTS) / 2


def _killed(folder: Path, run: str, moment: int) -> int:
    command = [sys.executable, "-c", _KILLED, str(moment), "train", "recipe.toml", "-o", run, "--device", "cpu", "-q"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == (-signal.SIGKILL if moment else 0), done.stderr
    return 0 if moment else int(done.stdout)
