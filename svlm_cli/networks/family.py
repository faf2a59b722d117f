"""What differs between model families: `Family` is data and arithmetic, `Network` is tensors.

Engine, training, evaluation and benches speak to these two and never name a family. How to add one is in
docs/architecture.md. Knows no file, no policy and no stream.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.policy import Markup
from svlm_cli.networks.sizes import NetworkSizes

if TYPE_CHECKING:  # what a family says of itself needs no torch
    from svlm_cli.networks.network import Network
    from svlm_cli.networks.pixels import Preprocessor

Grid = tuple[int, int, int]
"""Steps in time, rows, columns: of patches, or of the tokens that patches are merged to."""

Positions = NDArray[np.float64]
"""``[N, A]``: the position of each token on each of the family's axes. May be fractional."""


class LanguageShape(Protocol):
    """The sizes of a decoder that a cache and a sampler need, in the words of ``config.json``."""

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
    """Text of a second's markup that stays when its pixels leave."""

    text: str


@dataclass(frozen=True, slots=True)
class VisionToken:
    """A control token, by name, that leaves together with the pixels."""

    name: str


@dataclass(frozen=True, slots=True)
class VisionPads:
    """A token for each feature of a video block. `grid` counts tokens."""

    grid: Grid


Markings = tuple[TimeText | VisionToken | VisionPads, ...]
"""What stands in the user's turn for one second of video, in order."""


@dataclass(frozen=True, slots=True)
class NetworkMemory:
    """Bytes that a network takes."""

    weights: int
    loading: int  # at most, until all weights are where they stay
    vision: int  # what the vision tower needs besides, at most
    prefill: int  # what the decoder needs besides, at most


class Family(ABC):
    """A model family with the sizes of one checkpoint. Immutable, comparable and picklable."""

    model_type: ClassVar[str]
    """As ``config.json`` names it."""
    title: ClassVar[str]
    """As people name it."""
    axes: ClassVar[int]
    """Number of position axes, ``A``."""

    @classmethod
    @abstractmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """From a checkpoint's ``config.json``. Raises `ModelError` naming the field that is wrong or missing."""

    @classmethod
    @abstractmethod
    def from_sizes(cls, sizes: NetworkSizes, vocabulary: Vocabulary) -> Self:
        """For a network from scratch. Raises `FieldError` naming the size that cannot be."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The ``config.json`` that transformers loads; `read` reads it back equal."""

    @abstractmethod
    def published_name(self, stored: str) -> str:
        """The published name of a tensor, from any layout in which files store it."""

    @abstractmethod
    def disk_name(self, parameter: str) -> str:
        """The published name of one of the network's parameters."""

    @abstractmethod
    def library_name(self, module: str) -> str:
        """What transformers' model of this family calls a module of the network."""

    @property
    @abstractmethod
    def language(self) -> LanguageShape:
        """The decoder's sizes."""

    @property
    @abstractmethod
    def tied(self) -> bool:
        """Whether the output layer is the embedding: then no file needs to hold ``lm_head.weight``."""

    @property
    @abstractmethod
    def feature_layers(self) -> int:
        """How many features each visual token has: the first replaces its embedding, the others are added to its
        hidden state after as many of the first decoder layers.
        """

    @property
    @abstractmethod
    def temporal_patch_size(self) -> int:
        """Frames that one step in time of a video block shows."""

    @property
    @abstractmethod
    def pixels_per_token(self) -> int:
        """Pixels of one frame that one token stands for."""

    @abstractmethod
    def markings(self, start_s: float, end_s: float, grid: Grid | None, fps: float, markup: Markup) -> Markings:
        """One second of video in the user's turn; without a `grid` (of tokens) no pixels are shown."""

    @abstractmethod
    def block_positions(self, grid: Grid, fps: float) -> Positions:
        """Positions of the pads of one video block that starts at 0, ``[t * h * w, A]``, in raster order.

        The text after it goes on at the largest of them + 1, on all axes.
        """

    @abstractmethod
    def memory(self, *, value_bytes: int, fp8: bool, seen: int, new: int) -> NetworkMemory:
        """Of numbers with `value_bytes`, most weights in eight bits with `fp8`, while `seen` visual tokens go through
        the vision tower at once and `new` tokens through the decoder.
        """

    @abstractmethod
    def preprocessor(self, raw: Mapping[str, Any]) -> "Preprocessor":
        """From a checkpoint's ``preprocessor_config.json``. Raises `ModelError`, also where it does not fit."""

    @classmethod
    @abstractmethod
    def pixels_from_scratch(cls) -> dict[str, Any]:
        """The ``preprocessor_config.json`` of every network from scratch."""

    @abstractmethod
    def network(self) -> "Network":
        """Made on torch's current device, its weights not yet those of any checkpoint."""
