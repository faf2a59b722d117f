"""Runs in several processes: they learn what one learns, end together, and go on in any number."""

import json
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from svlm_cli.cli.messages import ExitCode
from svlm_cli.networks.weights import load_family
from svlm_cli.training import folder as run_folder
from svlm_cli.training.annotation_recipe import AnnotationRecipe
from svlm_cli.training.budget import as_learned, budget_of
from svlm_cli.training.log import to_nobody
from svlm_cli.training.matches import sample_texts
from svlm_cli.training.parts import AdapterRecipe, NetworkPart, Quantisation
from svlm_cli.training.recipe import BaseStage, DataRecipe, Recipe, Source
from svlm_cli.training.trainer import train
from tests.clips import make_clip
from tests.conftest import environment
from tests.processes import ends
from tests.tiny import make_tiny_checkpoint
from tests.training.launching import (
    by_accelerate,
    by_python,
    by_svlm,
    by_torchrun,
    done,
    family,
    halting,
    kill,
    rank_of,
    rows,
    started,
    wait_for_step,
)
from tests.training.recipes import small_recipe
from tests.training.test_records import Message, messages

pytestmark = [pytest.mark.extra, pytest.mark.timeout(300)]

LONG = pytest.mark.long

CPU = torch.device("cpu")
STEPS = 20
ENOUGH = 5000  # steps that no test waits for
CLOSE = 1e-5  # sums in another order, in float32
TOGETHER_S = 60
SEED = 0  # with which no step has the bad window twice

FAILING = """
import os, svlm_cli.training.trainer as trainer
log = trainer.WindowTrainer.log
def fails(self, *values):
    if os.environ["RANK"] == "1" and self.state.global_step == 5:
        raise RuntimeError("out of luck")
    log(self, *values)
trainer.WindowTrainer.log = fails
"""


def _recipe(steps: int = STEPS) -> Recipe:
    return small_recipe(steps, batch=4, accumulate=2, learning_rate=1e-3)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process. Do not write into it."""
    folder = tmp_path_factory.mktemp("runs") / "alone"
    train(_recipe(), folder, device=CPU, say=to_nobody)
    return folder


def _same(found: Path, expected: Path, weights_file: str = "model.safetensors") -> None:
    weights, others = (load_file(folder / weights_file) for folder in (found, expected))
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(weight, others[name], atol=CLOSE, rtol=0, msg=name)
    for row, other in zip(rows(found), rows(expected), strict=True):
        assert row["step"] == other["step"]
        for figure in ("loss", "grad_norm"):
            assert row[figure] == pytest.approx(other[figure], rel=CLOSE)
        assert row.keys() == other.keys()
        for share in row.keys() & {"words", "ends", "silence", "first_word"}:
            assert row[share] == pytest.approx(other[share], abs=0.02), "what is found likeliest may be a tie"


@pytest.mark.parametrize("ranks", [2, pytest.param(4, marks=LONG)])
def test_several_processes_learn_what_one_does(alone: Path, tmp_path: Path, ranks: int) -> None:
    """Guards the whole of it: shares without repetition or loss, the weight of a token, norm, clipping and log."""
    done(by_torchrun(_recipe(), tmp_path / "run", ranks))
    _same(tmp_path / "run", alone)


def test_one_process_alone_holds_the_first_weights(tmp_path: Path) -> None:
    """Guards a host's memory: the others' networks have the same weights, but no data of theirs."""
    recipe = small_recipe(frozen=(NetworkPart.VISION,), bf16=True)
    run_folder.begin(tmp_path / "run", recipe, lambda: sample_texts(recipe))
    whole, empty = (run_folder.first_network(tmp_path / "run", recipe, empty=empty) for empty in (False, True))
    ours, theirs = dict(whole.named_parameters()), dict(empty.named_parameters())
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        other = theirs[name]
        assert (other.shape, other.dtype, other.requires_grad) == (weight.shape, weight.dtype, weight.requires_grad)
        assert other.device == CPU, "on meta all weights have one address, by which accelerate tells them apart"


@LONG
def test_accelerate_starts_it_as_well(alone: Path, tmp_path: Path) -> None:
    """Guards those who have their own launcher, whose settings in the environment are not all ours."""
    done(by_accelerate(_recipe(), tmp_path / "run", 2))
    _same(tmp_path / "run", alone)


def test_a_killed_run_goes_on_in_another_number(alone: Path, tmp_path: Path) -> None:
    """Guards states, moments too: killed with 2, then with 1, and ended with 2, it is as if it had run unbroken."""
    folder = tmp_path / "run"
    for command, until in (
        (by_torchrun(_recipe(), folder, 2, code=halting(7)), 7),
        (by_python(_recipe(), folder, "--resume", code=halting(13)), 13),
    ):
        with started(command) as process:
            wait_for_step(folder, until)
            kill(family(process))
        state = run_folder.latest_state(folder)
        assert state is not None
        assert until - 3 <= state[1] < STEPS
    done(by_torchrun(_recipe(), folder, 2, "--resume"))
    _same(folder, alone)
    assert not (folder / run_folder.STATES).exists()


def test_a_process_that_fails_ends_all_with_its_error(tmp_path: Path) -> None:
    """Guards against a run that hangs, against an error told twice or not at all, and against orphans."""
    folder = tmp_path / "run"
    with started(by_torchrun(_recipe(ENOUGH), folder, 2, code=FAILING)) as process:
        wait_for_step(folder, 4)
        everyone, since = family(process), time.monotonic()
        _, err = process.communicate(timeout=TOGETHER_S + 15)
        assert time.monotonic() - since < TOGETHER_S
        assert process.returncode != 0
        told = [line for line in err.splitlines() if line.startswith("svlm: ")]
        assert [line.split(". ")[0] for line in told] == ["svlm: This is a bug in svlm: RuntimeError: out of luck"]
        assert all(ends(one) for one in everyone)
    state = run_folder.latest_state(folder)
    assert state is not None
    assert state[1] == 4, "it can be resumed"


@pytest.mark.parametrize("rank", [pytest.param(0, marks=LONG), 1])
def test_a_process_that_is_killed_ends_all(tmp_path: Path, rank: int) -> None:
    """Guards the worst end of a process: nobody can say what it had, so the one that started it does."""
    folder = tmp_path / "run"
    with started(by_svlm(_recipe(ENOUGH), folder, 2)) as process:
        wait_for_step(folder, 5)
        everyone, since = family(process), time.monotonic()
        rank_of(everyone, rank).kill()
        out, err = process.communicate(timeout=TOGETHER_S + 15)
        assert time.monotonic() - since < TOGETHER_S
        assert (process.returncode, out) == (ExitCode.FAILED, "")
        assert "".join(line for line in err.splitlines() if not line.startswith("step ")) == (
            f"svlm: Process {rank + 1} of 2 was killed (SIGKILL), and the others ended too. "
            "Add --resume to go on from the last state."
        )
        assert all(ends(one) for one in everyone)


def test_ctrl_c_ends_all(tmp_path: Path) -> None:
    """Guards against processes that go on alone, and against complaints of those that are left."""
    folder = tmp_path / "run"
    with started(by_svlm(_recipe(ENOUGH), folder, 2)) as process:
        wait_for_step(folder, 3)
        everyone = family(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TOGETHER_S)
        assert (process.returncode, out) == (ExitCode.INTERRUPTED, "")
        assert all(line.startswith("step ") for line in err.splitlines()), err
        assert all(ends(one) for one in everyone)


def test_processes_do_not_outlive_who_started_them(tmp_path: Path) -> None:
    """Guards a machine's GPUs against runs that nobody can end any more."""
    folder = tmp_path / "run"
    with started(by_svlm(_recipe(ENOUGH), folder, 2)) as process:
        wait_for_step(folder, 3)
        everyone = family(process)
        process.kill()
        _, alive = psutil.wait_procs(everyone[1:], timeout=TOGETHER_S)
        assert not alive


@LONG
@pytest.mark.parametrize("whole_rows", [False, True])
def test_one_process_may_have_nothing_to_learn(tmp_path: Path, *, whole_rows: bool) -> None:
    """Guards against a run that waits for the process whose windows could all not be read, and counts them once."""
    make_clip(tmp_path / "clip.mp4", frames=30 * 7)
    records = tmp_path / "records.jsonl"
    records.write_text("".join(json.dumps(_record(start_s)) + "\n" for start_s in (0, 3, 4)), encoding="utf-8")
    annotations = AnnotationRecipe(files=(str(records),), bad_allowed=20)
    small = small_recipe(6, batch=2, learning_rate=1e-3)
    recipe = replace(
        small,
        windows=replace(small.windows, whole_rows=whole_rows),
        base_stage=BaseStage(),
        data=DataRecipe(source=Source.ANNOTATIONS, seed=SEED, annotations=annotations),
    )
    heard: list[str] = []
    train(recipe, tmp_path / "alone", device=CPU, say=heard.append)
    command = by_torchrun(recipe, tmp_path / "run", 2)
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    _same(tmp_path / "run", tmp_path / "alone")
    told, skipped = ([line for line in lines if "skipped: " in line] for lines in (ran.stderr.splitlines(), heard))
    assert skipped
    assert told == skipped


@LONG
def test_a_share_of_bad_rows_ends_a_run_at_the_same_step(tmp_path: Path) -> None:
    """Guards the count, which is that of all processes, whoever has read a row: of 4 rows 1 is bad in each step, and
    1 may be, and a fifth of those so far.
    """
    make_clip(tmp_path / "clip.mp4", frames=30 * 7)
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(_record(start_s)) + "\n" for start_s in (0, 1, 2, 4)), encoding="utf-8")
    annotations = AnnotationRecipe(files=(str(path),), bad_allowed=1, bad_share=0.2)
    small = small_recipe(50, batch=4, learning_rate=1e-3)
    recipe = replace(
        small,
        windows=replace(small.windows, whole_rows=True),
        base_stage=BaseStage(),
        data=DataRecipe(source=Source.ANNOTATIONS, annotations=annotations),
    )
    told = []
    for command in (by_python(recipe, tmp_path / "alone"), by_torchrun(recipe, tmp_path / "run", 2)):
        ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        told.append([line for line in ran.stderr.splitlines() if "skipped" in line])
    assert told[0] == told[1]
    assert len(told[0]) == 7
    assert told[0][-1].startswith(f"svlm: {path}:4: ")
    assert "record 6 that had to be skipped, 1 are allowed, and 20 % of the 24 so far" in told[0][-1]


def _record(start_s: int) -> list[Message]:
    """Four seconds of a clip; of one that starts at 4 there is no last one."""
    record = messages()
    record[0]["content"][0] |= {"video_start": start_s, "video_end": start_s + 4}
    spoken = [[start_s + second + 0.1, start_s + second + 0.9, f"w{second}"] for second in range(4)]
    record[1]["content"][0]["text_stream"] = spoken
    return record


IN_CHUNKS = """
import svlm_cli.training.network as network
network.MOST_LOGITS = 20_000
"""


def _adapter_recipe(base: Path, adapter: AdapterRecipe, **optimisation: Any) -> Recipe:
    recipe = small_recipe(8, **{"batch": 4, "learning_rate": 1e-3, **optimisation})
    return replace(recipe, model=replace(recipe.model, base=str(base)), adapter=adapter)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint(tmp_path_factory.mktemp("bases") / "base")


@LONG
@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
def test_an_adapter_is_learned_by_any_number(base: Path, tmp_path: Path, first: int, then: int) -> None:
    """Guards what is saved: an adapter gathered from all; and states of adapters, layers computed again, the loss by
    the chunk, each of which works beside shards.
    """
    adapter = AdapterRecipe(rank=4, parts=(NetworkPart.VISION, NetworkPart.LANGUAGE))
    train(_adapter_recipe(base, adapter), tmp_path / "alone", device=CPU, say=to_nobody)
    recipe, folder = _adapter_recipe(base, adapter, checkpointing=True), tmp_path / "run"
    with started(_by(first, recipe, folder, code=halting(5) + IN_CHUNKS)) as process:
        wait_for_step(folder, 5)
        kill(family(process))
    state = run_folder.latest_state(folder)
    assert state is not None
    assert state[1] in {4, 6}
    done(_by(then, recipe, folder, "--resume", code=IN_CHUNKS))
    _same(folder, tmp_path / "alone", "adapter_model.safetensors")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.splitlines()[:9] == (tmp_path / "alone" / "README.md").read_text(encoding="utf-8").splitlines()[:9]


def _by(ranks: int, recipe: Recipe, folder: Path, *options: str, code: str) -> list[str]:
    if ranks == 1:
        return by_python(recipe, folder, *options, code=code)
    return by_torchrun(recipe, folder, ranks, *options, code=code)


@LONG
def test_four_bits_are_whole_in_each_process(base: Path, tmp_path: Path) -> None:
    """Guards QLoRA: weights in four bits that are cut into shards are no weights any more."""
    recipe = _adapter_recipe(base, AdapterRecipe(rank=8, quantize=Quantisation.NF4))
    train(recipe, tmp_path / "alone", device=CPU, say=to_nobody)
    command = by_torchrun(recipe, tmp_path / "run", 2)
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    _same(tmp_path / "run", tmp_path / "alone", "adapter_model.safetensors")
    assert all(line.startswith("step ") or ": done at step 8." in line for line in ran.stderr.splitlines()), ran.stderr


@LONG
@pytest.mark.parametrize("adapted", [False, True])
def test_frozen_weights_in_bfloat16_lie_beside_learned_ones(base: Path, tmp_path: Path, *, adapted: bool) -> None:
    """Guards shards of two formats: the root holds both where vision is frozen, each layer does with an adapter."""
    adapter = AdapterRecipe(rank=4) if adapted else AdapterRecipe()
    frozen = () if adapted else (NetworkPart.VISION, NetworkPart.EMBEDDINGS)
    recipe = _adapter_recipe(base, adapter, bf16=True, frozen=frozen, learning_rate=1e-2)
    train(recipe, tmp_path / "alone", device=CPU, say=to_nobody)
    done(by_torchrun(recipe, tmp_path / "run", 2))
    found, expected = rows(tmp_path / "run"), rows(tmp_path / "alone")
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=0.02), "bfloat16"
    assert found[-1]["loss"] < found[0]["loss"]


MEASURING = """
import os, torch
import svlm_cli.training.trainer as trainer
from torch.autograd.graph import saved_tensors_hooks
from torch.distributed.tensor import DTensor
from svlm_cli.training.budget import PassShape
usual = trainer.WindowTrainer.compute_loss
def measured(self, model, inputs, *values, **more):
    batch, kept = inputs["batch"], {}
    shards = [(weight.to_local().nbytes, weight.requires_grad) for weight in model.parameters()]
    def keep(tensor):
        storage = tensor.untyped_storage()
        whole = [weight for weight in model.parameters() if not isinstance(weight, DTensor)]
        if storage.data_ptr() not in {weight.untyped_storage().data_ptr() for weight in whole}:
            kept[storage.data_ptr()] = storage
        return tensor
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = usual(self, model, inputs, *values, **more)
    if os.environ["RANK"] == "0":
        states = [state.values() for state in self.optimizer.state.values()]
        moments = sum(one.to_local().nbytes for state in states for one in state if isinstance(one, DTensor))
        shape = PassShape(batch.tokens, batch.grids, batch.patches.shape[-1])
        activations = sum(storage.nbytes() for storage in kept.values())
        torch.save((shape, activations, shards, moments), "measured.pt")
    return loss
trainer.WindowTrainer.compute_loss = measured
"""


@LONG
def test_a_process_keeps_what_its_budget_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the budget of several GPUs: shards of weights and moments, and activations without copies of weights."""
    monkeypatch.chdir(tmp_path)
    recipe = small_recipe(3, batch=2, accumulate=4, bf16=True, frozen=(NetworkPart.VISION,))
    done(by_torchrun(recipe, tmp_path / "run", 2, code=MEASURING))
    shape, activations, shards, moments = torch.load("measured.pt", weights_only=False)
    with torch.device("meta"):
        network = load_family(tmp_path / "run").network()
    empty, spread = as_learned(network, recipe, 2)
    found = budget_of(empty, shape, spread)
    assert found.activations == pytest.approx(activations, rel=0.1)
    assert found.learned == pytest.approx(sum(size for size, learned in shards if learned), rel=0.02)
    assert found.frozen == pytest.approx(sum(size for size, learned in shards if not learned), rel=0.02)
    assert found.moments == pytest.approx(moments, rel=0.02)
