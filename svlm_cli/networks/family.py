"""The differences between model families: `Family` is data and arithmetic, `Network` is tensors.

Engine, training, evaluation and benchmarks use only these two and never name a family. docs/architecture.md explains
how to add one. Knows no file, no policy and no stream.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.policy import Markup
from svlm_cli.networks.sizes import NetworkSizes

if TYPE_CHECKING:  # `Family` itself needs no torch
    from svlm_cli.networks.network import Network
    from svlm_cli.networks.pixels import Preprocessor

Grid = tuple[int, int, int]
"""Temporal steps, rows, columns: of patches, or of the tokens into which patches are merged."""

Positions = NDArray[np.float64]
"""``[N, A]``: the position of each token on each of the family's axes. May be fractional."""


class LanguageShape(Protocol):
    """The sizes of a decoder that a cache and a sampler need, named as in ``config.json``."""

    @property
    def vocab_size(self) -> int: ...
    @property
    def hidden_size(self) -> int: ...
    @property
    def num_hidden_layers(self) -> int: ...
    @property
    def num_attention_heads(self) -> int: ...
    @property
    def num_key_value_heads(self) -> int: ...
    @property
    def head_dim(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Vocabulary size of a new network, and the ids of its control tokens."""

    entries: int
    end_of_text: int
    turn_end: int
    image_pad: int
    video_pad: int
    vision_start: int
    vision_end: int


@dataclass(frozen=True, slots=True)
class TimeText:
    """Text in a second's markup that stays when its pixels are evicted."""

    text: str


@dataclass(frozen=True, slots=True)
class VisionToken:
    """A control token, by name, that is evicted together with the pixels."""

    name: str


@dataclass(frozen=True, slots=True)
class VisionPads:
    """One token per feature of a video block. `grid` counts tokens."""

    grid: Grid


Markings = tuple[TimeText | VisionToken | VisionPads, ...]
"""The markup of one second of video in the user's turn, in order."""


@dataclass(frozen=True, slots=True)
class NetworkMemory:
    """The memory that a network needs, in bytes."""

    weights: int
    loading: int  # the peak while weights are loaded
    vision: int  # temporary memory of the vision tower
    prefill: int  # temporary memory of the decoder


class Family(ABC):
    """A model family with the sizes of one checkpoint. Immutable, comparable and picklable."""

    model_type: ClassVar[str]
    """As in ``config.json``."""
    title: ClassVar[str]
    """The name to show."""
    axes: ClassVar[int]
    """Number of position axes, ``A``."""

    @classmethod
    @abstractmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Read a checkpoint's ``config.json``. Raises `ModelError` naming the field that is wrong or missing."""

    @classmethod
    @abstractmethod
    def from_sizes(cls, sizes: NetworkSizes, vocabulary: Vocabulary) -> Self:
        """For a network from scratch. Raises `FieldError` naming an invalid size."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The ``config.json`` that transformers loads; `read` reads it back equal."""

    @abstractmethod
    def published_name(self, stored: str) -> str:
        """The published name of a tensor, from any layout used in files."""

    @abstractmethod
    def disk_name(self, parameter: str) -> str:
        """The published name of a parameter of the network."""

    @abstractmethod
    def library_name(self, module: str) -> str:
        """The name of a module of the network in transformers' model of this family."""

    @property
    @abstractmethod
    def language(self) -> LanguageShape:
        """The decoder's sizes."""

    @property
    @abstractmethod
    def tied(self) -> bool:
        """Whether the output layer shares the embedding's weights: then files may omit ``lm_head.weight``."""

    @property
    @abstractmethod
    def feature_layers(self) -> int:
        """The number of features per visual token.

        The first replaces the token's embedding; feature i is added to its hidden state after decoder layer i.
        """

    @property
    @abstractmethod
    def temporal_patch_size(self) -> int:
        """Frames per temporal step of a video block."""

    @property
    @abstractmethod
    def pixels_per_token(self) -> int:
        """Pixels of one frame that become one token."""

    @abstractmethod
    def markings(self, start_s: float, end_s: float, grid: Grid | None, fps: float, markup: Markup) -> Markings:
        """The markup of one second of video in the user's turn; without a `grid` (of tokens) no pixels are shown."""

    @abstractmethod
    def block_positions(self, grid: Grid, fps: float) -> Positions:
        """Positions of the pads of a video block that starts at 0, ``[t * h * w, A]``, in raster order.

        The text after the block continues at the largest of them + 1, on all axes.
        """

    @abstractmethod
    def memory(self, *, value_bytes: int, fp8: bool, seen: int, new: int) -> NetworkMemory:
        """Memory for numbers of `value_bytes`, with most weights in fp8 if `fp8`.

        `seen` visual tokens pass through the vision tower at once, `new` tokens through the decoder.
        """

    @abstractmethod
    def preprocessor(self, raw: Mapping[str, Any]) -> "Preprocessor":
        """Read a ``preprocessor_config.json``. Raises `ModelError`, also if it does not fit the network."""

    @classmethod
    @abstractmethod
    def pixels_from_scratch(cls) -> dict[str, Any]:
        """The ``preprocessor_config.json`` of networks from scratch."""

    @abstractmethod
    def network(self) -> "Network":
        """A network on torch's current device, with weights still to be loaded or initialised."""
