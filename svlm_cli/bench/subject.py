"""What a bench measures: a checkpoint, or a known architecture with random weights, which are as slow as trained ones.

Knows no table and no command line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import torch

from svlm_cli.checkpoints import catalog
from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.compute.device import computing_dtype
from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.compute.fp8 import FORMAT
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import Footprint, footprint
from svlm_cli.engine.prompt import Prompt
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.qwen2_5_vl.config import Qwen2_5VLConfig, TextConfig, VisionConfig
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.networks.weights import load_config, load_preprocessor

_STD: Final = 0.02
_POLICY_OF: Final = "streamingvlm-7b"
_Kind = TypeVar("_Kind", bound=Engine)


def _shape(text: TextConfig, *, tied: bool) -> Qwen2_5VLConfig:
    """A release of the architecture, whose vision tower is always the same."""
    vision = VisionConfig(
        depth=32,
        hidden_size=1280,
        intermediate_size=3420,
        num_heads=16,
        in_channels=3,
        patch_size=14,
        temporal_patch_size=2,
        spatial_merge_size=2,
        window_size=112,
        fullatt_block_indexes=(7, 15, 23, 31),
        out_hidden_size=text.hidden_size,
        tokens_per_second=2,
    )
    return Qwen2_5VLConfig(text, vision, tied, 151_655, 151_656, 151_652, 151_653)


def _text(size: int, inner: int, layers: int, heads: int, kinds: int, vocabulary: int) -> TextConfig:
    return TextConfig(vocabulary, size, inner, layers, heads, kinds, 128_000, 1e-6, 1e6, (16, 24, 24))


SHAPES: Final[Mapping[str, Qwen2_5VLConfig]] = {
    "3b": _shape(_text(2048, 11_008, 36, 16, 2, 151_936), tied=True),
    "7b": _shape(_text(3584, 18_944, 28, 28, 4, 152_064), tied=False),
}
"""Qwen2.5-VL as it is published (arXiv 2502.13923, table 1)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how it runs."""

    device: torch.device
    dtype: torch.dtype
    attention: AttentionKernel = AttentionKernel.AUTO
    graphs: bool = True


@dataclass(frozen=True, slots=True)
class Subject:
    """A checkpoint's folder, or a shape; and the policy that it is streamed with."""

    name: str
    policy: StreamPolicy
    folder: Path
    shape: Qwen2_5VLConfig | None = None  # random weights: of the folder, only tokenizer and pixels are used

    @classmethod
    def named(cls, model: str | None, revision: str | None, *, offline: bool) -> "Subject":
        """A checkpoint, as everywhere."""
        checkpoint = resolve(model, revision=revision, offline=offline)
        return cls(checkpoint.name, checkpoint.policy, checkpoint.folder)

    @classmethod
    def random(cls, shape: str) -> "Subject":
        """A shape of `SHAPES`, streamed as StreamingVLM is; `UsageError` if there is none of that name.

        The tokenizer is that of another model, in which all that stands in every round has as many tokens as in Qwen's.
        """
        if shape not in SHAPES:
            raise UsageError(f"There are no random weights {shape}.", f"Use {' or '.join(SHAPES)}.")
        policy = catalog.find(_POLICY_OF).file.policy
        return cls(f"random {shape}", policy, catalog.find(DEFAULT_MODEL).folder, SHAPES[shape])

    def footprint(self, policy: StreamPolicy, dtype: torch.dtype, *, streams: int) -> Footprint:
        """What an engine under that policy will take; of weights in eight bits, on a GPU."""
        shape = load_config(self.folder) if self.shape is None else self.shape
        value_bytes = torch.bfloat16.itemsize if dtype == FORMAT else dtype.itemsize
        prompt = Prompt(Tokenizer(self.folder), policy)
        return footprint(shape, policy, prompt, streams=streams, value_bytes=value_bytes, fp8=dtype == FORMAT)

    def engine(self, policy: StreamPolicy, kind: type[_Kind], place: Place, *, max_streams: int = 1) -> _Kind:
        """An engine of that kind, under that policy."""
        if self.shape is None:
            return kind.load(
                self.folder,
                policy,
                device=place.device,
                dtype=place.dtype,
                max_streams=max_streams,
                attention=place.attention,
                graphs=place.graphs,
            )
        return kind(
            _random_model(self.shape, place),
            load_preprocessor(self.folder),
            Tokenizer(self.folder),
            policy,
            max_streams=max_streams,
            attention=place.attention,
            graphs=place.graphs,
            fp8=place.dtype == FORMAT,
        )


@torch.no_grad()
def _random_model(shape: Qwen2_5VLConfig, place: Place) -> Qwen2_5VL:
    """Made where it is used: 7 billion numbers take minutes on a CPU."""
    with torch.device("meta"):
        model = Qwen2_5VL(shape).to(computing_dtype(place.dtype, place.device))
    model = model.to_empty(device=place.device).eval().requires_grad_(requires_grad=False)
    random = torch.Generator(place.device).manual_seed(0)
    for name, weight in model.named_parameters():
        if "norm" in name or "ln_q" in name:
            weight.fill_(1.0)
        else:
            weight.normal_(std=_STD, generator=random)
    return model
