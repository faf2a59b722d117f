"""Qwen2.5-VL as a `Family`: its files, markup and positions. Handles tensors only through its network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

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
from svlm_cli.networks.qwen2_5_vl.config import MODEL_TYPE, Qwen2_5VLConfig, TextConfig, VisionConfig
from svlm_cli.networks.qwen2_5_vl.memory import memory
from svlm_cli.networks.sizes import NetworkSizes

if TYPE_CHECKING:
    from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
    from svlm_cli.networks.qwen2_5_vl.preprocess import QwenPreprocessor

PATCH_SIZE, TEMPORAL_PATCH_SIZE, MERGE_SIZE = 14, 2, 2  # the same in every release
_STORED_PREFIXES = (("model.visual.", "visual."), ("model.language_model.", "model."))  # in transformers 4.52 and later


@dataclass(frozen=True, slots=True)
class Qwen2_5VLFamily(Family):  # noqa: N801 - the family's own name
    """Qwen2.5-VL with the sizes of one checkpoint."""

    config: Qwen2_5VLConfig

    model_type = MODEL_TYPE
    title = "Qwen2.5-VL"
    axes = 3  # t, h, w

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        return cls(Qwen2_5VLConfig.from_dict(raw))

    @classmethod
    def from_sizes(cls, sizes: NetworkSizes, vocabulary: Vocabulary) -> Self:
        text = TextConfig(
            **asdict(sizes.text),
            vocab_size=vocabulary.entries,
            bos_token_id=vocabulary.end_of_text,
            eos_token_id=vocabulary.turn_end,
        )
        vision = VisionConfig(
            **asdict(sizes.vision),
            in_channels=3,
            patch_size=PATCH_SIZE,
            temporal_patch_size=TEMPORAL_PATCH_SIZE,
            spatial_merge_size=MERGE_SIZE,
            out_hidden_size=sizes.text.hidden_size,
            tokens_per_second=sizes.tokens_per_second,
        )
        return cls(
            Qwen2_5VLConfig(
                text,
                vision,
                tie_word_embeddings=sizes.tie_word_embeddings,
                image_token_id=vocabulary.image_pad,
                video_token_id=vocabulary.video_pad,
                vision_start_token_id=vocabulary.vision_start,
                vision_end_token_id=vocabulary.vision_end,
            )
        )

    def to_dict(self) -> dict[str, Any]:
        return self.config.to_dict()

    def published_name(self, stored: str) -> str:
        for prefix, published in _STORED_PREFIXES:
            if stored.startswith(prefix):
                return published + stored.removeprefix(prefix)
        return stored

    def disk_name(self, parameter: str) -> str:
        return parameter.removeprefix("language.")

    def library_name(self, module: str) -> str:
        published = self.disk_name(module)
        for prefix, name in _STORED_PREFIXES:
            if published.startswith(name):
                return prefix + published.removeprefix(name)
        return published

    @property
    def language(self) -> TextConfig:
        return self.config.text

    @property
    def tied(self) -> bool:
        return self.config.tie_word_embeddings

    @property
    def feature_layers(self) -> int:
        return 1

    @property
    def temporal_patch_size(self) -> int:
        return self.config.vision.temporal_patch_size

    @property
    def pixels_per_token(self) -> int:
        return (self.config.vision.patch_size * self.config.vision.spatial_merge_size) ** 2

    def markings(self, start_s: float, end_s: float, grid: Grid | None, fps: float, markup: Markup) -> Markings:  # noqa: ARG002 - used by other families
        """``Time=0.0-1.0s`` and one block for all frames, as StreamingVLM was trained."""
        time = TimeText(f"Time={start_s:.1f}-{end_s:.1f}s")
        if grid is None:
            return (time,)
        return time, VisionToken(markup.vision_start), VisionPads(grid), VisionToken(markup.vision_end)

    def block_positions(self, grid: Grid, fps: float) -> Positions:
        """Axis t advances by `tokens_per_second` per second, with fractions (transformers truncates them).

        Axes h and w count rows and columns.
        """
        t, h, w = np.indices(grid).reshape(3, -1)
        step = self.config.vision.tokens_per_second * (self.temporal_patch_size / fps)
        return np.stack([t * step, h, w], axis=1)

    def memory(self, *, value_bytes: int, fp8: bool, seen: int, new: int) -> NetworkMemory:
        return memory(self.config, value_bytes=value_bytes, fp8=fp8, seen=seen, new=new)

    def preprocessor(self, raw: Mapping[str, Any]) -> "QwenPreprocessor":
        from svlm_cli.networks.qwen2_5_vl.preprocess import PixelConfig, QwenPreprocessor

        preprocessor = QwenPreprocessor(PixelConfig.from_dict(raw))
        preprocessor.require_fit(self.config.vision)
        return preprocessor

    @classmethod
    def pixels_from_scratch(cls) -> dict[str, Any]:
        """Those of Qwen2.5-VL, so that other tools support them."""
        return {
            "do_convert_rgb": True,
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_processor_type": "Qwen2VLImageProcessor",
            "image_std": [0.26862954, 0.26130258, 0.27577711],
            "max_pixels": 12_845_056,
            "merge_size": MERGE_SIZE,
            "min_pixels": 784,
            "patch_size": PATCH_SIZE,
            "processor_class": "Qwen2_5_VLProcessor",
            "resample": 3,
            "rescale_factor": 1 / 255,
            "temporal_patch_size": TEMPORAL_PATCH_SIZE,
        }

    def network(self) -> "Qwen2_5VL":
        from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL

        return Qwen2_5VL(self)
