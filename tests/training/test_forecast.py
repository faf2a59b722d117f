"""What a run is said to take, against the run itself, and against counts by hand."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.networks.families import SHAPES
from svlm_cli.networks.weights import load_preprocessor
from svlm_cli.training import folder as run_folder
from svlm_cli.training.annotated import AnnotatedData, annotated_texts
from svlm_cli.training.annotation_recipe import AnnotationRecipe
from svlm_cli.training.budget import PassShape, as_learned, budget_of, forward_flops, model_flops
from svlm_cli.training.collate import Batch
from svlm_cli.training.forecast import Forecast, forecast, require_room
from svlm_cli.training.layout import Layout
from svlm_cli.training.log import to_nobody
from svlm_cli.training.parts import AdapterRecipe, NetworkPart, Quantisation
from svlm_cli.training.recipe import DataRecipe, Recipe, Source
from svlm_cli.training.validation_recipe import ValidationRecipe
from tests.clips import make_clip
from tests.training.recipes import small_recipe
from tests.training.test_records import messages

SECONDS = 7


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A recipe whose windows are all the same one."""
    folder = tmp_path_factory.mktemp("clips")
    make_clip(folder / "clip.mp4", frames=30 * SECONDS)
    record = messages()
    record[0]["content"][0]["video_end"] = SECONDS
    record[1]["content"][0]["text_stream"] = [[s + 0.1, s + 0.9, f"w{s}"] for s in range(SECONDS)]
    (folder / "records.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    small = small_recipe(3, batch=2, accumulate=2)
    return replace(
        small,
        data=DataRecipe(
            source=Source.ANNOTATIONS, annotations=AnnotationRecipe(files=(str(folder / "records.jsonl"),))
        ),
        windows=replace(small.windows, seconds=SECONDS, overlap_seconds=0),
        base_stage=type(small.base_stage)(),
    )


def _told(recipe: Recipe, gpus: int = 1) -> Forecast:
    return forecast(recipe, gpus=gpus, say=to_nobody)


def _batches(recipe: Recipe, folder: Path) -> tuple[Sequence[Batch], Sequence[PassShape]]:
    """What the run itself learns from."""
    run_folder.begin(folder, recipe, lambda: annotated_texts(recipe))
    family = run_folder.first_family(folder, recipe)
    preprocessor = load_preprocessor(folder, family)
    data = AnnotatedData(recipe, Layout(folder, recipe.policy, family), preprocessor, to_nobody)
    batches = list(data.batches(0))
    drawn = [one.pictures.patches(preprocessor, device=torch.device("cpu"), dtype=torch.float32) for one in batches]
    shapes = [
        PassShape(batch.tokens, tuple(grids), patches.shape[1])
        for batch, (patches, grids) in zip(batches, drawn, strict=True)
    ]
    return batches, shapes


def test_it_tells_what_the_run_learns(recipe: Recipe, tmp_path: Path) -> None:
    """Guards each figure: tokens, windows, epochs, memory and work, of one pass and of a step."""
    batches, shapes = _batches(recipe, tmp_path / "run")
    told = _told(recipe)
    assert told.tokens == sum(batch.count for batch in batches)
    assert told.windows_per_step == 4
    assert told.windows_per_epoch == 1
    assert told.epochs == 12
    assert told.window.learned * 12 == sum(batch.learned for batch in batches)
    assert told.window.visual * 12 == sum(len(batch.tokens.pads_at) for batch in batches)
    network = run_folder.first_network(tmp_path / "run", recipe)
    assert told.parameters == sum(one.numel() for one in network.parameters())
    with torch.device("meta"):
        empty = network.family.network()
    learning, spread = as_learned(empty, recipe)
    assert told.budget == budget_of(learning, shapes[0], spread)
    assert told.flops_per_step == pytest.approx(2 * model_flops(learning, shapes[0]))
    assert told.hours(2.0) == pytest.approx(3 * told.flops_per_step / 2e12 / 3600)


@pytest.mark.extra
def test_gpus_share_a_step(recipe: Recipe) -> None:
    """Guards the plan of a machine that is not there: the same step, in half the time, in smaller passes."""
    one, two = _told(recipe), _told(recipe, gpus=2)
    assert two.windows_per_step == one.windows_per_step
    assert two.flops_per_step == pytest.approx(one.flops_per_step)
    assert two.hours(100) == pytest.approx(one.hours(100) / 2)
    assert two.budget.moments == one.budget.moments / 2
    four = _told(recipe, gpus=4)
    assert four.budget.activations == pytest.approx(one.budget.activations / 2, rel=0.1), "one window a pass, not two"
    with pytest.raises(UsageError, match="cannot be shared evenly by 3"):
        _told(recipe, gpus=3)


@pytest.mark.extra
def test_frame_rates_count_as_often_as_they_come(recipe: Recipe) -> None:
    """Guards a mean of rates that are rare, and a peak that is not that of the largest."""
    slow, fast = (_told(replace(recipe, windows=replace(recipe.windows, fps=(fps,)))) for fps in (1.0, 5.0))
    both = _told(replace(recipe, windows=replace(recipe.windows, fps=(1.0, 5.0), fps_weights=(3.0, 1.0))))
    assert both.window.tokens == pytest.approx(0.75 * slow.window.tokens + 0.25 * fast.window.tokens)
    assert both.flops_per_step == pytest.approx(0.75 * slow.flops_per_step + 0.25 * fast.flops_per_step)
    assert both.budget == fast.budget
    assert fast.budget.activations > slow.budget.activations


def test_validation_is_counted_beside_the_steps(recipe: Recipe, tmp_path: Path) -> None:
    """Guards a plan that is too short: so many forward passes over what is held out, at its own rate, and not its
    gradients; and a file that is not there, which the run would find when it begins.
    """
    held_out = tmp_path / "held-out.jsonl"
    held_out.write_text(Path(recipe.data.annotations.files[0]).read_text(encoding="utf-8") * 5, encoding="utf-8")
    annotations = replace(recipe.data.annotations, videos=str(Path(recipe.data.annotations.files[0]).parent))
    validated = replace(
        recipe,
        data=replace(recipe.data, annotations=annotations),
        windows=replace(recipe.windows, fps=(5.0,)),
        validation=ValidationRecipe(every=2, files=(str(held_out),), windows=3),
    )
    told, plain = _told(validated), _told(recipe)
    assert (told.validation.times, told.validation.windows) == (2, 3), "after step 2, and after the last, which is 3"
    _, shapes = _batches(recipe, tmp_path / "run")
    family = run_folder.first_family(tmp_path / "run", recipe)
    with torch.device("meta"):
        empty = family.network()
    learning, _ = as_learned(empty, recipe)
    assert told.validation.flops == pytest.approx(3 / 2 * forward_flops(learning, shapes[0]))
    assert told.validation.flops == pytest.approx(3 / 4 * plain.flops_per_step / 3, rel=0.2), "a third of a learned one"
    assert told.validation_hours(2.0) == pytest.approx(2 * told.validation.flops / 2e12 / 3600)
    assert (plain.validation.times, plain.validation_hours(2.0)) == (0, 0.0)
    held_out.unlink()
    with pytest.raises(InputError, match=r"held-out\.jsonl cannot be read"):
        _told(validated)


def test_a_simulator_has_no_epochs() -> None:
    """Guards a recipe whose matches never repeat, learned or held out."""
    told = _told(replace(small_recipe(5), validation=ValidationRecipe(every=3, windows=9)))
    assert told.epochs is None
    assert told.tokens > 0
    assert (told.validation.times, told.validation.windows) == (2, 9)
    assert told.validation.flops > 0


@pytest.mark.extra
def test_neither_weights_nor_a_hub_are_needed(recipe: Recipe, tmp_path: Path) -> None:
    """Guards a plan on a laptop: sizes from a config.json, else those that were published, said to be so."""
    run_folder.begin(tmp_path / "run", recipe, lambda: annotated_texts(recipe))
    family = run_folder.first_family(tmp_path / "run", recipe)
    (tmp_path / "run" / "config.json").write_text(json.dumps(family.to_dict()), encoding="utf-8")
    shutil.copytree(tmp_path / "run", tmp_path / "base")
    here = _told(replace(recipe, model=replace(recipe.model, base=str(tmp_path / "base"))))
    assert here.budget == _told(recipe).budget
    assert here.notice == ""
    away = _told(replace(recipe, model=replace(recipe.model, base="qwen2.5-vl-3b")))
    with torch.device("meta"):
        published = SHAPES["3b"].network()
    assert away.parameters == sum(one.numel() for one in published.parameters())
    assert away.notice.startswith("qwen2.5-vl-3b is not on this machine")
    with pytest.raises(UsageError, match="its sizes are not known"):
        _told(replace(recipe, model=replace(recipe.model, base="somebody/something")))


@pytest.mark.extra
def test_what_cannot_fit_is_told_before_it_is_loaded(recipe: Recipe) -> None:
    """Guards the minutes that loading takes: 7B with its moments is 16 bytes a parameter, an adapter of NF4 is not."""
    family, gpu = SHAPES["7b"], 24_000_000_000
    of_7b = replace(recipe, model=replace(recipe.model, base="qwen2.5-vl-7b"))
    with pytest.raises(UsageError, match=r"alone take 13\d.\d GB of a GPU that has 24.0 GB"):
        require_room(of_7b, family, gpus=1, bytes_per_gpu=gpu)
    of_8 = replace(of_7b, optimisation=replace(of_7b.optimisation, accumulate=4))
    require_room(of_8, family, gpus=8, bytes_per_gpu=gpu)
    adapted = replace(of_7b, adapter=AdapterRecipe(rank=64, parts=(NetworkPart.LANGUAGE,), quantize=Quantisation.NF4))
    require_room(adapted, family, gpus=1, bytes_per_gpu=gpu)
