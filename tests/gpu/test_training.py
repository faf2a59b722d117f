"""What saves memory, on a GPU: layers that are compiled, or computed again, beside a base in four bits."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.engine.engine import Engine
from svlm_cli.training.folder import LOG_FILE
from svlm_cli.training.parts import AdapterRecipe, Quantisation
from svlm_cli.training.recipe import OptimizerMoments
from svlm_cli.training.trainer import train
from tests.engine.conftest import hear, make_chunks
from tests.tiny import make_tiny_checkpoint
from tests.training.recipes import small_recipe

pytestmark = pytest.mark.gpu

CUDA = torch.device("cuda")


@pytest.mark.filterwarnings("default")  # of compilers
@pytest.mark.timeout(600)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("quantize", list(Quantisation))
def test_an_adapter_learns_and_streams(tmp_path: Path, quantize: Quantisation, *, compiled: bool) -> None:
    """Guards what no CPU shows: layers compiled by Triton with peft's and bitsandbytes' modules inside."""
    pytest.importorskip("peft")
    four = quantize is not Quantisation.NONE
    if four:
        pytest.importorskip("bitsandbytes")
    base = make_tiny_checkpoint(tmp_path / "base")
    moments = OptimizerMoments.BITS8 if four else OptimizerMoments.FLOAT32
    recipe = small_recipe(20, bf16=True, compile=compiled, checkpointing=not compiled, moments=moments)
    recipe = replace(
        recipe,
        model=replace(recipe.model, base=str(base)),
        adapter=AdapterRecipe(rank=64, dropout=0.1, quantize=quantize),
    )
    folder = tmp_path / "run"
    train(recipe, folder, device=CUDA, say=lambda line: None)
    losses = [json.loads(line)["loss"] for line in (folder / LOG_FILE).read_text(encoding="utf-8").splitlines()]
    assert losses[-1] < 0.8 * losses[0]
    policy = resolve(None, adapter=folder).policy
    engine = Engine.load(base, policy, device=CUDA, dtype=torch.bfloat16, adapter=folder)
    with engine.open() as stream:
        for chunk in make_chunks(2, size=(112, 224)):
            assert hear(engine, [stream], [chunk])[0].ids
