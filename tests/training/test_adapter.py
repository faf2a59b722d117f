"""Adapters that are trained here, on a tiny base: what they are saved as, and that others and the engine take them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from bitsandbytes.nn import Linear4bit
from safetensors.torch import load_file

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.oracle import Oracle
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.network import Network
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.networks.weights import load_network, load_preprocessor
from svlm_cli.training import folder as run_folder
from svlm_cli.training import packages
from svlm_cli.training.adapter import adapted_layers, add_adapter
from svlm_cli.training.parts import AdapterRecipe, NetworkPart, Quantisation
from svlm_cli.training.recipe import OptimizerMoments, Recipe
from svlm_cli.training.trainer import train
from tests.engine.conftest import hear, make_chunks
from tests.networks.qwen2_5_vl.conftest import load_both
from tests.networks.qwen2_5_vl.test_model import batch_for
from tests.tiny import make_tiny_checkpoint
from tests.training.recipes import small_recipe

pytestmark = pytest.mark.extra

CPU = torch.device("cpu")
STEPS = 8
ALL = (NetworkPart.VISION, NetworkPart.LANGUAGE)


def _recipe(base: Path, *, adapter: AdapterRecipe | None = None, **optimisation: Any) -> Recipe:
    recipe = small_recipe(STEPS, **optimisation)
    wanted = AdapterRecipe(rank=4, parts=ALL) if adapter is None else adapter
    return replace(recipe, model=replace(recipe.model, base=str(base)), adapter=wanted)


def _run(recipe: Recipe, folder: Path) -> Path:
    train(recipe, folder, device=CPU, say=lambda line: None)
    return folder


def _losses(folder: Path) -> list[float]:
    lines = (folder / run_folder.LOG_FILE).read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint(tmp_path_factory.mktemp("bases") / "base")


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an unbroken run, on all linear layers. Do not write into it."""
    return _run(_recipe(base), tmp_path_factory.mktemp("runs") / "adapter")


def _beside(base: Path, adapter: Path) -> Network:
    """The base with the adapter beside it, as it was trained: nothing merged."""
    network = load_network(base, device=CPU, dtype=torch.float32)
    add_adapter(network, _recipe(base))
    weights = dict(network.named_parameters())
    for key, tensor in load_file(adapter / "adapter_model.safetensors").items():
        name = network.family.published_name(
            key.removeprefix("base_model.model.").replace(".weight", ".default.weight")
        )
        weights[name if name in weights else f"language.{name}"].data.copy_(tensor)
    return network.eval()


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft asks transformers
def test_transformers_and_peft_load_it(base: Path, adapter: Path) -> None:
    """Guards the format and its key names: with peft on transformers' model, the logits are ours."""
    merged = load_network(base, device=CPU, dtype=torch.float32, adapter=adapter)
    assert isinstance(merged, Qwen2_5VL)
    ours, reference = load_both(base)
    batch = batch_for(ours)
    real = batch.real.bool()
    loaded = peft.PeftModel.from_pretrained(reference, str(adapter)).eval()
    with torch.no_grad():
        found = batch.ours(merged)[real]
        torch.testing.assert_close(found, batch.reference((ours, loaded))[real], atol=1e-4, rtol=0)
        assert not torch.allclose(found, batch.ours(ours)[real], atol=1e-2), (
            "an adapter that does nothing fits anything"
        )


def test_merged_and_beside_speak_alike(base: Path, adapter: Path) -> None:
    """Guards the merging through the engine: round by round the logits of the base with its adapter beside it."""
    checkpoint = resolve(None, adapter=adapter)
    assert checkpoint.policy == small_recipe().policy
    engine = Engine.load(base, checkpoint.policy, device=CPU, dtype=torch.float32, adapter=adapter)
    beside = _beside(base, adapter)
    assert isinstance(beside, Qwen2_5VL)
    oracle = Oracle(beside, load_preprocessor(base, beside.family), Tokenizer(base), checkpoint.policy)
    with engine.open() as stream:
        for chunk in make_chunks(4, size=(112, 224)):
            (heard,) = hear(engine, [stream], [chunk])
            _, logits = oracle.step(chunk, tuple(heard.ids))
            torch.testing.assert_close(torch.stack(heard.logits), torch.stack(logits), atol=1e-4, rtol=0)


def test_a_folder_of_an_adapter_holds_no_weights_of_its_base(base: Path, adapter: Path) -> None:
    """Guards the size of what is shared, and that the base is named, in the card too."""
    stored = load_file(adapter / "adapter_model.safetensors")
    assert {key.rsplit(".", 2)[1] for key in stored} == {"lora_A", "lora_B"}
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["base_model_name_or_path"], config["r"], config["lora_alpha"]) == (str(base), 4, 8)
    assert sorted(config["target_modules"]) == sorted({key[len("base_model.model.") : -14] for key in stored})
    assert not any(adapter.glob("model*"))
    assert not (adapter / "config.json").exists()
    assert not (adapter / run_folder.STATES).exists()
    card = (adapter / "README.md").read_text(encoding="utf-8")
    assert card.startswith("# An adapter trained by svlm")
    assert f"| base | `{base}` |" in card
    with pytest.raises(UsageError, match="is finished"):
        train(_recipe(base), adapter, device=CPU, resume=True)


class _StopError(Exception):
    pass


@pytest.mark.parametrize("kind", ["plain", "dropout, nf4, 8bit"])
def test_a_stopped_run_ends_as_an_unbroken_one(base: Path, tmp_path: Path, kind: str) -> None:
    """Guards resuming: states hold the adapter, its moments and the random numbers, and not the base."""
    recipe = _recipe(base)
    if kind != "plain":
        wanted = AdapterRecipe(rank=64, dropout=0.2, quantize=Quantisation.NF4)  # moments of few weights stay float32
        recipe = _recipe(base, adapter=wanted, moments=OptimizerMoments.BITS8)
    whole = _run(recipe, tmp_path / "whole")

    def stop(line: str) -> None:
        if line.startswith("step 5/"):
            raise _StopError

    with pytest.raises(_StopError):
        train(recipe, tmp_path / "run", device=CPU, say=stop)
    state = run_folder.latest_state(tmp_path / "run")
    assert state is not None
    assert state[1] == 4
    assert all("lora_" in key for key in load_file(state[0] / "model.safetensors"))
    train(recipe, tmp_path / "run", device=CPU, resume=True, say=lambda line: None)
    expected, found = (load_file(one / "adapter_model.safetensors") for one in (whole, tmp_path / "run"))
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[key], tensor) for key, tensor in expected.items())
    assert _losses(tmp_path / "run") == _losses(whole)


def test_four_bits_learn_and_stream_on_the_whole_base(base: Path, tmp_path: Path) -> None:
    """Guards QLoRA: what is learned beside rounded weights is of use on those that are not."""
    folder = _run(_recipe(base, adapter=AdapterRecipe(rank=8, quantize=Quantisation.NF4)), tmp_path / "run")
    plain = _run(_recipe(base, adapter=AdapterRecipe(rank=8)), tmp_path / "plain")
    losses, usual = _losses(folder), _losses(plain)
    assert losses[-1] < 0.8 * losses[0]
    assert losses == pytest.approx(usual, rel=0.15)
    assert losses != pytest.approx(usual, rel=1e-5), "nothing was rounded"
    engine = Engine.load(base, resolve(None, adapter=folder).policy, device=CPU, dtype=torch.float32, adapter=folder)
    with engine.open() as stream:
        for chunk in make_chunks(2, size=(112, 224)):
            assert hear(engine, [stream], [chunk])[0].ids


def test_four_bits_are_four_bits(base: Path) -> None:
    """Guards the memory: all linear layers of the decoder take half a byte a number, whichever get an adapter."""
    network = load_network(base, device=CPU, dtype=torch.bfloat16)
    wanted = AdapterRecipe(rank=4, modules=("q_proj",), quantize=Quantisation.NF4)
    add_adapter(network, _recipe(base, adapter=wanted, bf16=True))
    network.to(CPU)
    rounded = [module for module in network.language.modules() if isinstance(module, Linear4bit)]
    assert len(rounded) == 14
    for module in rounded:
        assert module.weight.nbytes == module.in_features * module.out_features / 2
    assert sum("lora_A" in name for name, _ in network.named_parameters()) == 2
    assert {weight.dtype for weight in network.visual.parameters()} == {torch.bfloat16}


def test_moments_in_eight_bits_learn_the_same(tmp_path: Path) -> None:
    """Guards the 8-bit optimizer: it is that, and its losses are AdamW's but for the rounding."""
    plain = _losses(_run(small_recipe(STEPS), tmp_path / "plain"))
    rounded = _losses(_run(small_recipe(STEPS, moments=OptimizerMoments.BITS8), tmp_path / "rounded"))
    assert rounded == pytest.approx(plain, rel=0.03)
    assert rounded != plain


def _names(network: Network, recipe: AdapterRecipe) -> set[str]:
    return {network.family.library_name(name) for name in adapted_layers(network, recipe)}


def test_which_layers_get_an_adapter(base: Path) -> None:
    """Guards the default, and names as transformers has them: the vision tower has layers of the same names."""
    network = load_network(base, device=CPU, dtype=torch.float32)
    layers = {f"self_attn.{one}_proj" for one in "qkvo"} | {f"mlp.{one}_proj" for one in ("gate", "up", "down")}
    decoder = {f"model.language_model.layers.{index}.{name}" for index in range(2) for name in layers}
    assert _names(network, AdapterRecipe(rank=4)) == decoder
    assert _names(network, AdapterRecipe(rank=4, modules=("gate_proj",))) == {
        f"model.language_model.layers.{index}.mlp.gate_proj" for index in range(2)
    }
    merger = {"model.visual.merger.mlp.0", "model.visual.merger.mlp.2"}
    assert _names(network, AdapterRecipe(rank=4, parts=(NetworkPart.MERGER,))) == merger
    both = AdapterRecipe(rank=4, parts=ALL, modules=("blocks.1.attn.qkv", "layers.0.self_attn.q_proj"))
    assert _names(network, both) == {"model.visual.blocks.1.attn.qkv", "model.language_model.layers.0.self_attn.q_proj"}
    with pytest.raises(UsageError, match=r"no linear layer of language is called 'query'\. There is down_proj, "):
        adapted_layers(network, AdapterRecipe(rank=4, modules=("query",)))


def test_the_base_is_kept_in_bfloat16(base: Path) -> None:
    """Guards the memory of the base, and adapters that would be learned in eight bits of precision."""
    network = run_folder.first_network(base, _recipe(base, bf16=True))
    for name, weight in network.named_parameters():
        assert weight.requires_grad == ("lora_" in name), name
        assert weight.dtype == (torch.float32 if "lora_" in name else torch.bfloat16), name
    torch.rand(1)  # what was drawn before makes no difference
    again = run_folder.first_network(base, _recipe(base, bf16=True))
    assert all(torch.equal(*pair) for pair in zip(network.parameters(), again.parameters(), strict=True)), "a seed"


@pytest.mark.parametrize(
    ("adapter", "moments", "message"),
    [
        (AdapterRecipe(rank=4), OptimizerMoments.FLOAT32, r"\[adapter\] needs peft\. Install svlm-cli\[train\]\."),
        (AdapterRecipe(), OptimizerMoments.BITS8, r'optimisation\.moments = "8bit" needs bitsandbytes\.'),
    ],
)
def test_what_is_not_installed_is_named(
    adapter: AdapterRecipe, moments: OptimizerMoments, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a trace of imports in the place of a sentence, and minutes of loading before it."""
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=message):
        run_folder.first_network(tmp_path, _recipe(tmp_path / "not there", adapter=adapter, moments=moments))


def test_an_adapter_of_another_base_is_refused(base: Path, adapter: Path, tmp_path: Path) -> None:
    """Guards the mark that training leaves in the file: which base it was."""
    other = make_tiny_checkpoint(tmp_path / "other", seed=5)
    with pytest.raises(ModelError, match="the weights are others"):
        load_network(other, device=CPU, dtype=torch.float32, adapter=adapter)
    load_network(base, device=CPU, dtype=torch.float32, adapter=adapter)
