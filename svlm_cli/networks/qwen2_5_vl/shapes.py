"""Sizes of the published Qwen2.5-VL models (arXiv 2502.13923, table 1)."""

from collections.abc import Mapping
from typing import Final

from svlm_cli.networks.qwen2_5_vl.config import Qwen2_5VLConfig, TextConfig, VisionConfig
from svlm_cli.networks.qwen2_5_vl.family import Qwen2_5VLFamily


def _family(text: TextConfig, *, tied: bool) -> Qwen2_5VLFamily:
    """A release; the vision tower is the same in all."""
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
    return Qwen2_5VLFamily(Qwen2_5VLConfig(text, vision, tied, 151_655, 151_656, 151_652, 151_653))


def _text(size: int, inner: int, layers: int, heads: int, kv_heads: int, vocabulary: int) -> TextConfig:
    return TextConfig(vocabulary, size, inner, layers, heads, kv_heads, 128_000, 1e-6, 1e6, (16, 24, 24))


PUBLISHED: Final[Mapping[str, Qwen2_5VLFamily]] = {
    "3b": _family(_text(2048, 11_008, 36, 16, 2, 151_936), tied=True),
    "7b": _family(_text(3584, 18_944, 28, 28, 4, 152_064), tied=False),
}
