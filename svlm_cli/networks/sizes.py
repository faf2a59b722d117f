"""The sizes of a network from scratch, as in a training recipe, named as in ``config.json``."""

from dataclasses import dataclass
from typing import Annotated

from svlm_cli.core.bounds import Within, require_usable
from svlm_cli.core.errors import UsageError

_Size = Annotated[int, Within(1, 1_000_000_000)]
_Factor = Annotated[float, Within(0, 1e12, above=True)]


@dataclass(frozen=True, slots=True)
class VisionSize:
    """A vision tower from scratch."""

    depth: _Size = 6
    hidden_size: _Size = 192
    intermediate_size: _Size = 512
    num_heads: _Size = 6
    window_size: _Size = 112  # pixels
    fullatt_block_indexes: tuple[int, ...] = (2, 5)

    def __post_init__(self) -> None:
        require_usable(self)


@dataclass(frozen=True, slots=True)
class TextSize:
    """A language model from scratch."""

    hidden_size: _Size = 256
    intermediate_size: _Size = 768
    num_hidden_layers: _Size = 8
    num_attention_heads: _Size = 4
    num_key_value_heads: _Size = 2
    mrope_section: tuple[int, int, int] = (8, 12, 12)  # must add up to half of a head
    rope_theta: _Factor = 1_000_000.0
    rms_norm_eps: _Factor = 1e-6
    max_position_embeddings: _Size = 32_768

    def __post_init__(self) -> None:
        require_usable(self)
        if min(self.mrope_section) < 0:
            raise UsageError(f"mrope_section must not go below 0, as in {list(self.mrope_section)}.")


@dataclass(frozen=True, slots=True)
class NetworkSizes:
    """Both parts of a network from scratch."""

    text: TextSize
    vision: VisionSize
    tie_word_embeddings: bool
    tokens_per_second: int  # temporal positions per second
