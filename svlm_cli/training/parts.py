"""The parts of a network, by their names in recipes, and the table ``[adapter]``. No torch here."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from svlm_cli.core.errors import UsageError


class NetworkPart(StrEnum):
    """A part of a network. Two of them are made up of others."""

    VISION = "vision"  # the vision tower and the merger
    TOWER = "tower"  # without the merger
    MERGER = "merger"
    LANGUAGE = "language"  # decoder layers and embeddings
    LAYERS = "layers"  # decoder layers and the final norm
    EMBEDDINGS = "embeddings"  # of words: input embedding and output layer


_WHOLES: Final = MappingProxyType(
    {
        NetworkPart.VISION: (NetworkPart.TOWER, NetworkPart.MERGER),
        NetworkPart.LANGUAGE: (NetworkPart.LAYERS, NetworkPart.EMBEDDINGS),
    }
)
PIECES: Final = frozenset(part for part in NetworkPart if part not in _WHOLES)
"""A partition of the network: each parameter is in exactly one of them."""


def pieces(parts: Iterable[NetworkPart]) -> frozenset[NetworkPart]:
    """The pieces that make up these parts."""
    return frozenset(piece for part in parts for piece in _WHOLES.get(part, (part,)))


class Quantisation(StrEnum):
    """How the linear layers of a frozen base are stored."""

    NONE = "none"
    NF4 = "nf4"  # four bits (Dettmers et al. 2023), with 8-bit scales


@dataclass(frozen=True, slots=True)
class AdapterRecipe:
    """LoRA (Hu et al. 2021): the base is frozen, and low-rank updates are trained."""

    rank: int = 0  # 0: no adapter; full weights are trained
    alpha: int = 0  # the update is scaled by alpha / rank; 0: twice the rank
    dropout: float = 0.0
    parts: tuple[NetworkPart, ...] = (NetworkPart.LANGUAGE,)  # parts whose linear layers get an adapter
    modules: tuple[str, ...] = ()  # of these layers, those whose name in transformers ends like this; empty: all
    quantize: Quantisation = Quantisation.NONE  # all linear layers of `parts` and of the decoder

    def __post_init__(self) -> None:
        self._require(self.rank >= 0, f"rank must be 1 or more, not {self.rank}.")
        self._require(self.alpha >= 0, f"alpha must be 1 or more, not {self.alpha}.")
        self._require(0 <= self.dropout < 1, f"dropout must be 0 or more and below 1, not {self.dropout:g}.")
        self._require(bool(self.parts), "parts is empty.")
        self._require(NetworkPart.EMBEDDINGS not in self.parts, "parts cannot be embeddings: they get no adapter.")
        self._require(all(name.strip() for name in self.modules), "modules has an empty name.")
        others = (self.alpha, self.dropout, self.modules, self.quantize is not Quantisation.NONE)
        self._require(self.used or not any(others), "rank is missing.")

    @property
    def used(self) -> bool:
        """Whether an adapter is trained, instead of full weights."""
        return self.rank > 0

    @property
    def scaling_alpha(self) -> int:
        """`alpha`, or its default."""
        return self.alpha or 2 * self.rank

    @staticmethod
    def _require(condition: bool, message: str) -> None:
        if not condition:
            raise UsageError(message)
