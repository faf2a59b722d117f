"""Steps 1 and 2: sizes, names of tensors, markup and positions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from svlm_cli.checkpoints.fields import Fields, of_file
from svlm_cli.core.bounds import FieldError
from svlm_cli.core.policy import Markup
from svlm_cli.networks.family import (
    Family,
    Grid,
    Markings,
    NetworkMemory,
    Positions,
    TimeText,
    VisionPads,
    VisionToken,
    Vocabulary,
)
from svlm_cli.networks.sizes import NetworkSizes
from tests.networks.toy.network import ToyNetwork
from tests.networks.toy.pixels import SIDE, ToyPreprocessor


@dataclass(frozen=True, slots=True)
class ToySizes:
    """A decoder, and a vision tower of a single matrix."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True, slots=True)
class ToyFamily(Family):
    """With the sizes of one checkpoint."""

    sizes: ToySizes

    model_type = "toy"
    title = "Toy"
    axes = 1

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        with of_file("config.json", "Use a toy."):
            fields = Fields(raw)
            return cls(ToySizes(*(fields.size(name) for name in ToySizes.__dataclass_fields__)))

    @classmethod
    def from_sizes(cls, sizes: NetworkSizes, vocabulary: Vocabulary) -> Self:
        text = sizes.text
        if text.num_attention_heads % text.num_key_value_heads:
            raise FieldError("text.num_attention_heads is no multiple of num_key_value_heads")
        return cls(
            ToySizes(
                vocabulary.entries,
                text.hidden_size,
                text.intermediate_size,
                text.num_hidden_layers,
                text.num_attention_heads,
                text.num_key_value_heads,
            )
        )

    def to_dict(self) -> dict[str, Any]:
        return {"model_type": self.model_type} | asdict(self.sizes)

    def published_name(self, stored: str) -> str:
        return stored.removeprefix("toy.")

    def disk_name(self, parameter: str) -> str:
        return parameter

    def library_name(self, module: str) -> str:
        return module

    @property
    def language(self) -> ToySizes:
        return self.sizes

    @property
    def tied(self) -> bool:
        return True

    @property
    def feature_layers(self) -> int:
        return 2

    @property
    def temporal_patch_size(self) -> int:
        return 1

    @property
    def pixels_per_token(self) -> int:
        return SIDE**2

    def markings(self, start_s: float, end_s: float, grid: Grid | None, fps: float, markup: Markup) -> Markings:
        """Each frame behind its own time."""
        if grid is None:
            return (TimeText(f"{start_s:.1f}-{end_s:.1f}"),)
        frames, rows, columns = grid
        return tuple(
            piece
            for frame in range(frames)
            for piece in (
                TimeText(f"{start_s + frame / fps:.1f}"),
                VisionToken(markup.vision_start),
                VisionPads((1, rows, columns)),
                VisionToken(markup.vision_end),
            )
        )

    def block_positions(self, grid: Grid, fps: float) -> Positions:
        """As text."""
        return np.arange(float(np.prod(grid)))[:, None]

    def memory(self, *, value_bytes: int, fp8: bool, seen: int, new: int) -> NetworkMemory:
        sizes = self.sizes
        key_size = sizes.num_key_value_heads * sizes.head_dim
        layer = 2 * sizes.hidden_size * (sizes.hidden_size + key_size)
        layer += 3 * sizes.hidden_size * sizes.intermediate_size + 2 * sizes.hidden_size
        vision = 2 * 3 * self.pixels_per_token * sizes.hidden_size
        numbers = sizes.num_hidden_layers * layer + vision + (sizes.vocab_size + 1) * sizes.hidden_size
        weights = numbers * value_bytes
        return NetworkMemory(
            weights=weights,
            loading=weights,
            vision=seen * 3 * self.pixels_per_token * value_bytes,
            prefill=new * sizes.intermediate_size * value_bytes,
        )

    def preprocessor(self, raw: Mapping[str, Any]) -> ToyPreprocessor:
        with of_file("preprocessor_config.json", "Use a toy."):
            Fields(raw).expect("side", SIDE)
        return ToyPreprocessor()

    @classmethod
    def pixels_from_scratch(cls) -> dict[str, Any]:
        return {"side": SIDE}

    def network(self) -> ToyNetwork:
        return ToyNetwork(self)
