"""What saves memory changes nothing that is learned: frozen parts, checkpointed layers, logits in chunks."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from svlm_cli.networks.network import Network
from svlm_cli.training.collate import collate
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.layout import IGNORED
from svlm_cli.training.loss import token_losses
from svlm_cli.training.network import LearningNetwork, freeze, parameter_groups, weights_of
from svlm_cli.training.parts import PIECES, NetworkPart
from tests.training.recipes import small_family
from tests.training.test_network import GRID, _None, _window

PIECE_NAMES = {  # how the names of a piece's parameters begin
    NetworkPart.TOWER: ("visual.patch_embed.", "visual.blocks."),
    NetworkPart.MERGER: ("visual.merger.",),
    NetworkPart.LAYERS: ("language.model.layers.", "language.model.norm."),
    NetworkPart.EMBEDDINGS: ("language.model.embed_tokens.", "language.lm_head."),
}


@pytest.fixture
def network() -> Network:
    model = small_family().network()
    model.initialise(seed=1)
    return model


def _batch() -> DeviceBatch:
    batch = collate([_window(40, 0), _window(61, 1)], _None())
    patches = torch.randn(2 * math.prod(GRID), 1176, generator=torch.Generator().manual_seed(0))
    return DeviceBatch(batch.tokens, patches, (GRID,) * 2, 1 / batch.learned, batch.count)


def _gradients(network: Network) -> dict[str, Tensor]:
    return {name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None}


def test_every_parameter_is_in_one_piece(network: Network) -> None:
    """Guards the names of recipes: a parameter in none could not be frozen, one in two would be by either."""
    names = {id(weight): name for name, weight in network.named_parameters()}
    for piece in PIECES:
        found = {names[id(weight)] for weight in weights_of(network, [piece])}
        assert found == {name for name in names.values() if name.startswith(PIECE_NAMES[piece])}
    vision = {names[id(weight)] for weight in weights_of(network, [NetworkPart.VISION])}
    assert vision == {name for name in names.values() if name.startswith("visual.")}


def test_what_is_frozen_is_half_as_large_and_has_no_gradient(network: Network) -> None:
    """Guards the memory of a frozen tower: its weights in bfloat16, no gradients, and nothing for the optimizer."""
    freeze(weights_of(network, [NetworkPart.TOWER, NetworkPart.EMBEDDINGS]), bf16=True)
    with torch.autocast("cpu", torch.bfloat16):
        loss = LearningNetwork(network)(_batch())["loss"]
    loss.backward()
    frozen = PIECE_NAMES[NetworkPart.TOWER] + PIECE_NAMES[NetworkPart.EMBEDDINGS]
    for name, weight in network.named_parameters():
        assert (weight.grad is None) == name.startswith(frozen), name
        assert weight.dtype == (torch.bfloat16 if name.startswith(frozen) else torch.float32), name
    optimised = {id(weight) for group in parameter_groups(network, 0.1) for weight in group["params"]}
    assert optimised == {id(weight) for weight in network.parameters() if weight.requires_grad}


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch's compiler asks
@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.extra)], ids=["eager", "compiled"])
def test_checkpointed_layers_learn_the_same(network: Network, *, compiled: bool) -> None:
    """Guards the recomputation, also of compiled layers: other activations would be other gradients."""
    usual, saving = (LearningNetwork(one) for one in (network, copy.deepcopy(network)))
    saving.checkpoint_layers()
    if compiled:
        for layer in saving.network.blocks():
            layer.compile(backend="aot_eager")  # traced as on a GPU, and run without a compiler
    kept = []
    for one in (usual, saving):
        sizes: list[int] = []

        def pack(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = one(_batch())["loss"]
        loss.backward()
        kept.append(sum(sizes))
    torch.testing.assert_close(*(one(_batch())["loss"] for one in (usual, saving)), atol=1e-6, rtol=0)
    expected, found = _gradients(usual.network), _gradients(saving.network)
    assert expected.keys() == found.keys()
    for name, gradient in expected.items():  # sums in another order, where compiled
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4, msg=name)
    assert kept[1] < kept[0] / 2


class _Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The most rows of logits that one operation makes."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.vocabulary, self.rows = vocabulary, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, tuple) else (made,):
            if isinstance(one, Tensor) and one.ndim == 2 and one.shape[1] == self.vocabulary:
                self.rows = max(self.rows, len(one))
        return made


def test_logits_stand_in_chunks_and_the_loss_is_the_same(network: Network) -> None:
    """Guards the loss, its gradients and the tally, padding included; and that no chunk is kept for the way back."""
    vocabulary, rows, count = network.family.language.vocab_size, 40, 150  # more rows than the head has columns
    random = torch.Generator().manual_seed(0)
    hidden = torch.randn(count, network.family.language.hidden_size, generator=random, requires_grad=True)
    targets = torch.randint(0, vocabulary, (count,), generator=random)
    targets[-20:] = IGNORED
    head = next(network.word_embeddings())
    logits = network.logits(hidden)
    whole = F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none")
    expected = torch.autograd.grad(whole.sum(), (hidden, head))
    kept: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with _Largest(vocabulary) as largest:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            losses, right = token_losses(network, hidden, targets, most_logits=rows * vocabulary + 1)
        found = torch.autograd.grad(losses.sum(), (hidden, head))
    torch.testing.assert_close(losses, whole, atol=1e-6, rtol=0)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)  # a sum of chunks
    assert torch.equal(right, (logits.argmax(-1) == targets).float())
    assert largest.rows == rows
    assert sum(kept) <= hidden.numel() + count, "what goes into a chunk is kept, and nothing else"
