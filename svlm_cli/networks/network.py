"""`Network`: a family's vision tower and decoder, as used by training and streaming. Knows no cache."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from svlm_cli.compute.graphs import Graphs
from svlm_cli.compute.rotary import Rotary
from svlm_cli.networks.attend import Attend, PackedAttend
from svlm_cli.networks.family import Family, Grid
from svlm_cli.networks.layers import CheckpointingLayer


@dataclass(frozen=True, slots=True, eq=False)
class DeepFeatures:
    """Features added to visual tokens inside the decoder: the i-th after decoder layer i."""

    rows: Tensor  # [P] the rows of hidden states that they are added to
    features: Tensor  # [F - 1, P, D]

    @classmethod
    def of(cls, rows: Tensor, features: Tensor) -> "DeepFeatures | None":
        """All but the first of `features` ``[F, P, D]``; None if there is only one."""
        return cls(rows, features[1:]) if len(features) > 1 else None

    def add(self, layer: int, hidden: Tensor) -> Tensor:
        """``[..., D]`` after decoder layer `layer` -> the same plus that layer's features."""
        if layer >= len(self.features):
            return hidden
        added = self.features[layer].to(hidden.dtype)
        return hidden.flatten(0, -2).index_add(0, self.rows, added).view_as(hidden)


class FusedVision(Protocol):
    """A vision tower for streaming."""

    def __call__(self, patches: Tensor, grids: Sequence[Grid], /) -> Tensor:
        """See `Network.look`."""
        ...


class FusedLanguage(Protocol):
    """A decoder for streaming, on packed tokens."""

    def __call__(self, hidden: Tensor, attend: PackedAttend, deep: DeepFeatures | None = None, /) -> Tensor:
        """``[N, D]``, which may be overwritten, -> ``[N, D]`` after the final norm."""
        ...

    def logits(self, hidden: Tensor, /) -> Tensor:
        """``[N, D]`` after the final norm -> ``[N, V]``."""
        ...


class Network(nn.Module, ABC):
    """Both networks of one checkpoint. `Family.disk_name` gives the published names of the parameters."""

    family: Family
    visual: nn.Module
    language: nn.Module

    @property
    @abstractmethod
    def rotary(self) -> Rotary:
        """The rotation of the decoder's queries and keys, which the network leaves to its caller."""

    @abstractmethod
    def look(self, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
        """Patches of all `grids` in order -> features ``[F, n, D]`` of all visual tokens, in raster order."""

    @abstractmethod
    def embed(self, ids: Tensor) -> Tensor:
        """Ids ``[...]`` -> ``[..., D]``."""

    @abstractmethod
    def decode(self, hidden: Tensor, attend: Attend, deep: DeepFeatures | None = None) -> Tensor:
        """``[..., D]`` through all decoder layers and the final norm. Packed ``[N, D]`` or padded ``[B, S, D]``."""

    @abstractmethod
    def logits(self, hidden: Tensor) -> Tensor:
        """``[..., D]`` after the final norm -> ``[..., V]``."""

    @abstractmethod
    def blocks(self) -> Iterator[CheckpointingLayer]:
        """The layers of both networks, to be compiled one by one, as equal layers share compiled code."""

    @abstractmethod
    def merger(self) -> Iterator[nn.Parameter]:
        """The parameters of `visual` that merge patches into visual tokens of the decoder's width."""

    @abstractmethod
    def word_embeddings(self) -> Iterator[nn.Parameter]:
        """The parameters of `language` that have a row per id: input embedding and output layer."""

    @abstractmethod
    def initialise(self, seed: int) -> None:
        """Initialise the weights for training from scratch. The same seed gives the same weights on any device."""

    @abstractmethod
    def fused_vision(self, graphs: Graphs) -> FusedVision:
        """The vision tower for streaming. Shares this network's weights; the network still works."""

    @abstractmethod
    def fused_language(self, *, fp8: bool = False) -> FusedLanguage:
        """The decoder for streaming. Shares this network's weights.

        With `fp8` they are rounded and the network's own are freed: after that it can only embed.
        """
