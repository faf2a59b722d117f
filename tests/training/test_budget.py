"""What a recipe needs of a GPU, counted without data, against what training really keeps."""

import copy
import itertools
import math
from dataclasses import fields, replace
from typing import Any, Final

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from svlm_cli.networks.family import Grid, Vocabulary
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.training.adapter import four_bit_layers, set_learned
from svlm_cli.training.budget import (
    PassShape,
    Spread,
    _Dry,
    _empty_batch,
    as_learned,
    budget_of,
    model_flops,
    standing_of,
)
from svlm_cli.training.collate import TokenBatch, collate
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.network import LearningNetwork, freeze, weights_of
from svlm_cli.training.optimizers import make_optimizer
from svlm_cli.training.parts import PIECES, AdapterRecipe, NetworkPart, Quantisation, pieces
from svlm_cli.training.recipe import OptimizerMoments, Recipe
from tests.training.recipes import SIZES, small_recipe
from tests.training.test_network import GRID, _None, _window, network

__all__ = ["network"]  # a fixture

GRIDS: tuple[Grid, ...] = (GRID,) * 3
WIDE: Final = replace(
    SIZES, text=replace(SIZES.text, hidden_size=256, intermediate_size=512, mrope_section=(16, 24, 24))
)
PATCH = 1176
MOMENTS: Final = {"exp_avg", "exp_avg_sq", "state1", "state2", "absmax1", "absmax2"}  # by torch and bitsandbytes


def _batch() -> TokenBatch:
    return collate([_window(140, 0), _window(161, 1), _window(127, 2)], _None()).tokens


ADAPTER = AdapterRecipe(rank=4, parts=(NetworkPart.VISION, NetworkPart.LANGUAGE))
KINDS = [
    pytest.param({}, id="whole"),
    pytest.param({"frozen": (NetworkPart.VISION,)}, id="frozen"),
    pytest.param({"frozen": (NetworkPart.VISION,), "checkpointing": True}, id="checkpointed"),
    pytest.param({"adapter": ADAPTER}, id="adapter", marks=pytest.mark.extra),
    pytest.param({"adapter": ADAPTER, "checkpointing": True}, id="adapter, checkpointed", marks=pytest.mark.extra),
]


def _recipe(adapter: AdapterRecipe | None = None, **optimisation: Any) -> Recipe:
    """Of several passes a step, unless something else is said: gradients stand beside what a pass keeps."""
    recipe = small_recipe(**{"accumulate": 4, **optimisation})
    return recipe if adapter is None else replace(recipe, model=replace(recipe.model, base="base"), adapter=adapter)


def _real(network: Qwen2_5VL, recipe: Recipe) -> LearningNetwork:
    """As it learns on the CPU."""
    network = copy.deepcopy(network)
    set_learned(network, recipe)
    real = LearningNetwork(network)
    if recipe.optimisation.checkpointing:
        real.checkpoint_layers()
    return real


def _empty(network: Qwen2_5VL, recipe: Recipe, ranks: int = 1) -> tuple[LearningNetwork, Spread]:
    with torch.device("meta"):
        empty = network.family.network()
    return as_learned(empty, recipe, ranks)


def _given(network: Qwen2_5VL, recipe: Recipe) -> tuple[LearningNetwork, PassShape, Spread]:
    empty, spread = _empty(network, recipe)
    return empty, _shape(), spread


def _shape() -> PassShape:
    return PassShape(_batch(), GRIDS, PATCH)


def _passed(real: LearningNetwork, *, bf16: bool) -> tuple[int, int, torch.Tensor]:
    """What a forward pass on the CPU keeps, its weights left out; the most of it in one layer; and the loss."""
    own = {id(weight.untyped_storage()): weight for weight in real.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}
    inside: dict[int, int] = {}
    entered = [0]
    for layer in real.network.blocks():
        layer.register_forward_pre_hook(lambda layer, _inputs: entered.append(id(layer)))
        layer.register_forward_hook(lambda _layer, _inputs, _output: entered.append(0))

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in own and id(storage) not in kept:
            kept[id(storage)] = storage
            inside[entered[-1]] = inside.get(entered[-1], 0) + storage.nbytes()
        return tensor

    patches = torch.randn(sum(map(math.prod, GRIDS)), PATCH)
    batch = _batch()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16), saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = real(DeviceBatch(batch, patches, GRIDS, 1.0, batch.bounds[-1]))["loss"]
    inside.pop(0)
    return sum(storage.nbytes() for storage in kept.values()), max(inside.values(), default=0), loss


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_is_what_autograd_keeps(network: Qwen2_5VL, kind: dict[str, Any], bf16: bool) -> None:
    """Guards the count against networks that change: layers, norms, rotation, attention, adapters, the loss."""
    recipe = _recipe(bf16=bf16, **kind)
    kept, _, _ = _passed(_real(network, recipe), bf16=bf16)
    empty, spread = _empty(network, recipe)
    found = budget_of(empty, _shape(), spread)
    assert found.activations == pytest.approx(kept, rel=0.1)  # kernels differ in what they keep beside


@pytest.mark.extra
@pytest.mark.filterwarnings("default")  # of the compiler
@pytest.mark.parametrize("frozen", [(), (NetworkPart.VISION,)], ids=["whole", "frozen"])
def test_a_compiled_layer_keeps_what_the_compiler_keeps(frozen: tuple[NetworkPart, ...]) -> None:
    """Guards the count against PyTorch's partitioner, which decides what is computed again."""
    recipe = _recipe(bf16=True, compile=True, frozen=frozen)
    network = WIDE.family(Vocabulary(100, *range(6))).network()
    assert isinstance(network, Qwen2_5VL)
    real = _real(network, recipe)
    for layer in real.network.blocks():
        layer.compile(backend="aot_eager_decomp_partition")  # as for a GPU, but for the code that it makes
    kept, _, _ = _passed(real, bf16=True)
    empty, spread = _empty(network, recipe)
    assert budget_of(empty, _shape(), spread).activations == pytest.approx(kept, rel=0.1)
    assert budget_of(empty, _shape(), replace(spread, compiled=False)).activations > 1.2 * kept


def test_a_layer_that_is_computed_again_counts_once(network: Qwen2_5VL) -> None:
    """Guards the peak with checkpointing: what one layer keeps stands beside the inputs of all."""
    _, layer, _ = _passed(_real(network, _recipe()), bf16=False)
    empty, spread = _empty(network, _recipe(checkpointing=True))
    empty.most_logits = 1
    assert budget_of(empty, _shape(), spread).passing == pytest.approx(layer, rel=0.1)
    assert all(one.checkpointing for one in empty.network.blocks()), "as it was"


def test_logits_that_stand_by_the_chunk_count_by_the_chunk(network: Qwen2_5VL) -> None:
    """Guards a budget of gigabytes that never stand, or of logits that are kept and counted twice."""
    vocabulary, rows = network.family.language.vocab_size, 16
    empty, spread = _empty(network, _recipe())
    whole = budget_of(empty, _shape(), spread)
    empty.most_logits = rows * vocabulary
    parts = budget_of(empty, _shape(), spread)
    targets = len(_batch().targets)
    assert whole.passing == 2 * targets * vocabulary * 4
    assert parts.passing == 3 * rows * vocabulary * 4
    less = whole.activations - parts.activations
    assert less == pytest.approx(targets * vocabulary * 4, rel=0.05), "the logits, but for ids and losses"


def test_weights_gradients_and_moments_are_those_of_a_step(network: Qwen2_5VL) -> None:
    """Guards the bytes that do not depend on a batch."""
    recipe = _recipe(frozen=(NetworkPart.VISION,), bf16=True)
    _check_step(network, recipe)


def test_a_single_pass_begins_without_gradients_and_ends_without_the_rest(network: Qwen2_5VL) -> None:
    """Guards the peak of a step of one pass: what the pass keeps and gradients are never there at once."""
    several = budget_of(*_given(network, _recipe()))
    single = budget_of(*_given(network, _recipe(accumulate=1)))
    assert several.activations > several.gradients > 0
    assert single == replace(several, gradients=0.0)
    with torch.device("meta"):
        wide = WIDE.family(Vocabulary(100, *range(6))).network()
    learning, spread = as_learned(wide, _recipe(accumulate=1, checkpointing=True))
    small = PassShape(collate([_window(14, 0)], _None()).tokens, (GRID,), PATCH)
    assert budget_of(learning, small, spread) == standing_of(learning, spread)


@pytest.mark.extra
def test_those_of_an_adapter_are_few(network: Qwen2_5VL) -> None:
    """Guards an adapter's gradients and moments, those in eight bits too: of its own weights, and of no others."""
    adapter = AdapterRecipe(rank=128)
    _check_step(network, _recipe(adapter, bf16=True))
    _check_step(network, _recipe(adapter, bf16=True, moments=OptimizerMoments.BITS8))


def _check_step(network: Qwen2_5VL, recipe: Recipe) -> None:
    real = _real(network, recipe)
    optimizer, _ = make_optimizer(real, recipe.optimisation)
    _, _, loss = _passed(real, bf16=True)
    torch.autograd.backward(loss)
    optimizer.step()
    empty, spread = _empty(network, recipe)
    found = budget_of(empty, _shape(), spread)
    weights = [*real.parameters()]
    assert found.learned == sum(one.nbytes for one in weights if one.requires_grad)
    assert found.frozen == sum(one.nbytes for one in weights if not one.requires_grad)
    assert found.gradients == sum(one.grad.nbytes for one in weights if one.grad is not None)
    states = [state.items() for state in optimizer.state.values()]
    moments = sum(value.nbytes for state in states for name, value in state if name in MOMENTS and value.ndim)
    assert found.moments == pytest.approx(moments, rel=0.01)
    assert found.total == sum(getattr(found, one.name) for one in fields(found))


@pytest.mark.extra
def test_four_bits_take_what_bitsandbytes_takes() -> None:
    """Guards QLoRA's budget: rounded layers with their scales, and the rest as it is."""
    network = WIDE.family(Vocabulary(100, *range(6))).network()
    network.initialise(seed=1)
    assert isinstance(network, Qwen2_5VL)
    recipe = _recipe(AdapterRecipe(rank=4, quantize=Quantisation.NF4), bf16=True)
    empty, spread = _empty(network, recipe)
    set_learned(network, recipe)
    network.to("cpu")
    real = sum(one.nbytes for one in network.parameters() if not one.requires_grad)
    layers: list[Any] = four_bit_layers(network)
    for layer in layers:
        state = layer.weight.quant_state
        real += state.absmax.nbytes + state.state2.absmax.nbytes
    assert budget_of(empty, _shape(), spread).frozen == pytest.approx(real, rel=0.01)


def test_ranks_share_all_but_a_window(network: Qwen2_5VL) -> None:
    """Guards the budget of several GPUs: what is split, what is not, and what is whole for a while."""
    recipe = _recipe(frozen=(NetworkPart.VISION,))
    (one, alone), (two, both) = _empty(network, recipe), _empty(network, recipe, ranks=2)
    whole, shared = budget_of(one, _shape(), alone), budget_of(two, _shape(), both)
    for name in ("learned", "frozen", "gradients", "moments"):
        assert getattr(shared, name) == getattr(whole, name) / 2
    assert shared.activations == whole.activations, "in float32 no copies of weights are kept"
    assert whole.gathered == 0
    layers = [sum(one.nbytes for one in layer.parameters()) for layer in network.blocks()]
    root = sum(one.nbytes for one in network.parameters()) - sum(layers)
    embeddings = (
        sum(one.nbytes for one in network.word_embeddings()) + network.family.language.hidden_size * 4
    )  # a norm
    assert shared.gathered == root + 2 * max(layers) + embeddings + max(layers), "weights, and gradients of some"


def test_the_work_is_that_of_every_matrix_product(network: Qwen2_5VL) -> None:
    """Guards MFU: by hand, each linear layer twice its weights a row forwards, and once or twice that back."""
    learned, frozen = (_flops(network, parts) for parts in ((), (NetworkPart.VISION,)))
    family, batch = network.family, _batch()
    text, tokens = family.language, len(batch.ids)
    layers = [
        one.weight.numel()
        for name, one in network.named_modules()
        if name.startswith("language.model.layers.")
        if isinstance(one, torch.nn.Linear)
    ]
    matrices = 6 * tokens * sum(layers) + 6 * len(batch.targets) * text.vocab_size * text.hidden_size
    lengths = [stop - start for start, stop in itertools.pairwise(batch.bounds)]
    attention = 3 * 4 * 0.5 * sum(one**2 for one in lengths) * text.hidden_size * text.num_hidden_layers
    own = _flops(network, tuple(PIECES))  # nothing learns: forwards alone
    looking = own - (matrices + attention) / 3
    assert frozen == pytest.approx(matrices + attention + looking)
    pixels = 2 * sum(map(math.prod, GRIDS)) * PATCH * SIZES.vision.hidden_size  # whose gradient nobody wants
    assert learned == pytest.approx(frozen + 2 * looking - pixels)


def _flops(network: Qwen2_5VL, frozen: tuple[NetworkPart, ...]) -> float:
    with torch.device("meta"):
        empty = LearningNetwork(network.family.network())
    freeze(weights_of(empty.network, frozen), bf16=False)
    if pieces(frozen) == PIECES:
        with torch.no_grad(), FlopCounterMode(display=False) as counter, _Dry(half=False) as dry:
            empty(_empty_batch(_shape()))
        return float(counter.get_total_flops() + dry.attention_flops)
    return model_flops(empty, _shape())


def test_what_is_computed_again_is_no_work(network: Qwen2_5VL) -> None:
    """Guards MFU against settings that save memory: layers and logits that are made twice count once."""
    expected = _flops(network, ())
    empty, _ = _empty(network, _recipe(checkpointing=True))
    empty.most_logits = 1000
    assert model_flops(empty, _shape()) == expected
    assert empty.most_logits == 1000, "as it was"
    assert all(one.checkpointing for one in empty.network.blocks())
