"""Steps 3 and 4: the networks, and their forms for streaming."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from svlm_cli.compute.graphs import Graphs
from svlm_cli.compute.rotary import Rotary
from svlm_cli.networks.attend import Attend, PackedAttend
from svlm_cli.networks.family import Grid
from svlm_cli.networks.layers import CheckpointingLayer, FeedForward, RMSNorm
from svlm_cli.networks.network import DeepFeatures, FusedLanguage, FusedVision, Network

if TYPE_CHECKING:
    from tests.networks.toy.family import ToyFamily, ToySizes


class _Layer(CheckpointingLayer):
    def __init__(self, sizes: "ToySizes") -> None:
        super().__init__()
        self.sizes = sizes
        size, key_size = sizes.hidden_size, sizes.num_key_value_heads * sizes.head_dim
        self.norm1, self.norm2 = RMSNorm(size, 1e-6), RMSNorm(size, 1e-6)
        self.query, self.out = nn.Linear(size, size, bias=False), nn.Linear(size, size, bias=False)
        self.key, self.value = nn.Linear(size, key_size, bias=False), nn.Linear(size, key_size, bias=False)
        self.mlp = FeedForward(size, sizes.intermediate_size, bias=False)

    def forward(self, hidden: Tensor, index: int, attend: Attend) -> Tensor:
        heads, normed = (*hidden.shape[:-1], -1, self.sizes.head_dim), self.norm1(hidden)
        attended = attend(index, *(part(normed).view(heads) for part in (self.query, self.key, self.value)))
        hidden = hidden + self.out(attended.flatten(-2))
        output: Tensor = hidden + self.mlp(self.norm2(hidden))
        return output


class _Decoder(nn.Module):
    def __init__(self, sizes: "ToySizes") -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(sizes.vocab_size, sizes.hidden_size))
        self.layers = nn.ModuleList(_Layer(sizes) for _ in range(sizes.num_hidden_layers))
        self.norm = RMSNorm(sizes.hidden_size, 1e-6)

    def forward(self, hidden: Tensor, attend: Attend, deep: DeepFeatures | None) -> Tensor:
        for index, layer in enumerate(self.layers):
            hidden = layer(hidden, index, attend)
            if deep is not None:
                hidden = deep.add(index, hidden)
        output: Tensor = self.norm(hidden)
        return output


class ToyNetwork(Network):
    """A `Network`."""

    def __init__(self, family: "ToyFamily") -> None:
        super().__init__()
        self.family, sizes = family, family.sizes
        self.visual = nn.Linear(3 * family.pixels_per_token, family.feature_layers * sizes.hidden_size, bias=False)
        self.language: Any = _Decoder(sizes)
        self._rotary = Rotary.of_sections(sizes.head_dim, 1e4, (sizes.head_dim // 2,))

    @property
    def rotary(self) -> Rotary:
        return self._rotary

    def look(self, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
        features: Tensor = self.visual(patches)
        return features.view(len(features), self.family.feature_layers, -1).transpose(0, 1)

    def embed(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.language.embedding)

    def decode(self, hidden: Tensor, attend: Attend, deep: DeepFeatures | None = None) -> Tensor:
        output: Tensor = self.language(hidden, attend, deep)
        return output

    def logits(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.language.embedding)

    def blocks(self) -> Iterator[CheckpointingLayer]:
        yield from self.language.layers

    def merger(self) -> Iterator[nn.Parameter]:
        yield from ()

    def word_embeddings(self) -> Iterator[nn.Parameter]:
        yield self.language.embedding

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        random = torch.Generator().manual_seed(seed)
        for weight in self.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3, generator=random)

    def fused_vision(self, graphs: Graphs) -> FusedVision:
        return self.look

    def fused_language(self, *, fp8: bool = False) -> FusedLanguage:
        return _Packed(self)


class _Packed:
    """The plain layers for packed tokens: what a family begins with."""

    def __init__(self, network: ToyNetwork) -> None:
        self._network = network

    def __call__(self, hidden: Tensor, attend: PackedAttend, deep: DeepFeatures | None = None, /) -> Tensor:
        def apart(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            return attend(layer, torch.cat([part.flatten(1) for part in (query, key, value)], dim=1))

        return self._network.decode(hidden, apart, deep)

    def logits(self, hidden: Tensor, /) -> Tensor:
        return self._network.logits(hidden)
