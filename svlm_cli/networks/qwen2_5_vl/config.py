"""The sizes of a Qwen2.5-VL network, from a checkpoint's ``config.json``.

Three layouts are in use: text fields at the top level (published checkpoints), these plus a ``text_config``
(transformers 4.5x), and ``text_config`` alone (transformers 5). If both are there, ``text_config`` wins, as in
transformers.

Strict, because a wrong size would give wrong words instead of an error: every field that affects the computation is
required. transformers' defaults for missing fields are those of other checkpoints (rms_norm_eps 1e-5, tokens_per_second
4), so they are not used, except for ids of control tokens and flags that are off. Knows no weights and no disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from svlm_cli.checkpoints.fields import Fields, of_file
from svlm_cli.core.bounds import FieldError, Within, require_within, shown

ARCHITECTURE = "Qwen2_5_VLForConditionalGeneration"
MODEL_TYPE = "qwen2_5_vl"
VISION_ROPE_THETA = 10_000.0  # fixed in every release of the architecture
_Size = Annotated[int, Within(1, 1_000_000)]
_Layers = Annotated[int, Within(1, 512)]
_Heads = Annotated[int, Within(1, 1024)]
_HINT = "Use a checkpoint of the Qwen2.5-VL family, with the config.json it was published with."


@dataclass(frozen=True, slots=True)
class VisionConfig:
    """The vision tower. Sizes are in pixels unless noted."""

    depth: _Layers
    hidden_size: _Size
    intermediate_size: _Size
    num_heads: _Heads
    in_channels: int
    patch_size: Annotated[int, Within(1, 128)]
    temporal_patch_size: int  # frames
    spatial_merge_size: Annotated[int, Within(1, 16)]  # patches per side of a token
    window_size: Annotated[int, Within(1, 100_000)]
    fullatt_block_indexes: tuple[int, ...]
    out_hidden_size: _Size
    tokens_per_second: Annotated[int, Within(1, 10_000)]  # temporal positions per second

    def __post_init__(self) -> None:
        require_within(self, "vision_config")
        _multiple("vision_config.hidden_size", self.hidden_size, 4 * self.num_heads)  # h and w, with two halves each
        _require(
            self.window_size >= self.patch_size * self.spatial_merge_size,
            f"vision_config.window_size is {self.window_size}, which is less than one token",
        )
        _require(
            all(0 <= index < self.depth for index in self.fullatt_block_indexes),
            f"vision_config.fullatt_block_indexes names a block outside 0 to {self.depth - 1}",
        )

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.hidden_size // self.num_heads

    @property
    def aligned_intermediate_size(self) -> int:
        """`intermediate_size` rounded up to 16 bytes of fp16: matrix units are slow on unaligned rows."""
        return -(-self.intermediate_size // 8) * 8

    @property
    def patch_dim(self) -> int:
        """Numbers per patch: channels x frames x pixels."""
        return self.in_channels * self.temporal_patch_size * self.patch_size**2


@dataclass(frozen=True, slots=True)
class TextConfig:
    """The language model."""

    vocab_size: Annotated[int, Within(1, 10_000_000)]
    hidden_size: _Size
    intermediate_size: _Size
    num_hidden_layers: _Layers
    num_attention_heads: _Heads
    num_key_value_heads: _Heads
    max_position_embeddings: Annotated[int, Within(1, 1_000_000_000)]
    rms_norm_eps: Annotated[float, Within(0, 1, above=True)]
    rope_theta: Annotated[float, Within(1, 1e12)]
    mrope_section: tuple[int, int, int]  # rotary pairs for t, h and w
    bos_token_id: int | None = None
    eos_token_id: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        require_within(self, "text_config")
        _multiple("text_config.hidden_size", self.hidden_size, 2 * self.num_attention_heads)
        _multiple("text_config.num_attention_heads", self.num_attention_heads, self.num_key_value_heads)
        _require(
            2 * sum(self.mrope_section) == self.head_dim,
            f"mrope_section {list(self.mrope_section)} does not add up to half a head of {self.head_dim}",
        )

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True, slots=True)
class Qwen2_5VLConfig:  # noqa: N801 - the family's own name
    """Both networks, and the ids of visual tokens."""

    text: TextConfig
    vision: VisionConfig
    tie_word_embeddings: bool
    image_token_id: int
    video_token_id: int
    vision_start_token_id: int
    vision_end_token_id: int

    def __post_init__(self) -> None:
        _require(
            self.vision.out_hidden_size == self.text.hidden_size,
            f"vision_config.out_hidden_size is {self.vision.out_hidden_size} "
            f"but text_config.hidden_size is {self.text.hidden_size}",
        )
        for name in ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id"):
            value = getattr(self, name)
            _require(0 <= value < self.text.vocab_size, f"{name} {value} is outside the vocabulary")

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Qwen2_5VLConfig":
        """Read a ``config.json`` in any layout. Raises `ModelError` naming the field that is wrong or missing."""
        with of_file("config.json", _HINT):
            _check_architecture(raw)
            top = Fields(raw)
            text = top.mapping("text_config").over(top) if top.has("text_config") else top
            return cls(
                text=_text_config(text),
                vision=_vision_config(top.mapping("vision_config")),
                tie_word_embeddings=top.flag("tie_word_embeddings") or text.flag("tie_word_embeddings"),
                image_token_id=top.integer("image_token_id", default=151655),
                video_token_id=top.integer("video_token_id", default=151656),
                vision_start_token_id=top.integer("vision_start_token_id", default=151652),
                vision_end_token_id=top.integer("vision_end_token_id", default=151653),
            )

    def to_dict(self) -> dict[str, Any]:
        """The ``config.json`` as transformers 5 writes and loads it (`from_dict` reads it back equal)."""
        text, vision = self.text, self.vision
        eos = list(text.eos_token_id) if isinstance(text.eos_token_id, tuple) else text.eos_token_id
        return {
            "architectures": [ARCHITECTURE],
            "model_type": MODEL_TYPE,
            "tie_word_embeddings": self.tie_word_embeddings,
            "image_token_id": self.image_token_id,
            "video_token_id": self.video_token_id,
            "vision_start_token_id": self.vision_start_token_id,
            "vision_end_token_id": self.vision_end_token_id,
            "text_config": {
                "model_type": f"{MODEL_TYPE}_text",
                "vocab_size": text.vocab_size,
                "hidden_size": text.hidden_size,
                "hidden_act": "silu",
                "intermediate_size": text.intermediate_size,
                "num_hidden_layers": text.num_hidden_layers,
                "num_attention_heads": text.num_attention_heads,
                "num_key_value_heads": text.num_key_value_heads,
                "max_position_embeddings": text.max_position_embeddings,
                "rms_norm_eps": text.rms_norm_eps,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": text.rope_theta,
                    "mrope_section": list(text.mrope_section),
                },
                "use_sliding_window": False,
                "bos_token_id": text.bos_token_id,
                "eos_token_id": eos,
            },
            "vision_config": {
                "model_type": f"{MODEL_TYPE}_vision",
                "depth": vision.depth,
                "hidden_size": vision.hidden_size,
                "hidden_act": "silu",
                "intermediate_size": vision.intermediate_size,
                "num_heads": vision.num_heads,
                "in_channels": vision.in_channels,
                "patch_size": vision.patch_size,
                "temporal_patch_size": vision.temporal_patch_size,
                "spatial_merge_size": vision.spatial_merge_size,
                "window_size": vision.window_size,
                "fullatt_block_indexes": list(vision.fullatt_block_indexes),
                "out_hidden_size": vision.out_hidden_size,
                "tokens_per_second": vision.tokens_per_second,
            },
        }


def _text_config(text: Fields) -> TextConfig:
    text.get("hidden_act")
    text.expect("hidden_act", "silu")
    text.expect("use_sliding_window", False)
    heads = text.size("num_attention_heads")
    rope = text.mapping("rope_parameters" if text.has("rope_parameters") else "rope_scaling")
    rope.expect("rope_type", "default", "mrope")
    rope.expect("type", "default", "mrope")
    section = rope.integers("mrope_section")
    _require(len(section) == 3, f"{rope.path('mrope_section')} has {len(section)} entries, not 3 (t, h, w)")
    config = TextConfig(
        vocab_size=text.size("vocab_size"),
        hidden_size=text.size("hidden_size"),
        intermediate_size=text.size("intermediate_size"),
        num_hidden_layers=text.size("num_hidden_layers"),
        num_attention_heads=heads,
        num_key_value_heads=text.size("num_key_value_heads") if text.has("num_key_value_heads") else heads,
        max_position_embeddings=text.size("max_position_embeddings"),
        rms_norm_eps=text.number("rms_norm_eps"),
        rope_theta=(rope if rope.has("rope_theta") else text).number("rope_theta"),
        mrope_section=(section[0], section[1], section[2]),
        bos_token_id=text.integer("bos_token_id") if text.has("bos_token_id") else None,
        eos_token_id=_ends(text) if text.has("eos_token_id") else None,
    )
    text.expect("layer_types", ["full_attention"] * config.num_hidden_layers)
    text.expect("head_dim", config.head_dim)
    return config


def _ends(text: Fields) -> int | tuple[int, ...]:
    """The EOS id or ids, as given: one, or a list."""
    ends = text.one_or_more("eos_token_id")
    return ends if isinstance(text.get("eos_token_id"), list) else ends[0]


def _vision_config(vision: Fields) -> VisionConfig:
    vision.get("hidden_act")
    vision.expect("hidden_act", "silu")
    if vision.has("rope_parameters"):
        rope = vision.mapping("rope_parameters")
        rope.expect("rope_type", "axial", "default")
        rope.expect("rope_theta", VISION_ROPE_THETA)
    channels = next((name for name in ("in_channels", "in_chans") if vision.has(name)), "in_channels")
    vision.expect(channels, 3)
    vision.expect("temporal_patch_size", 2)
    return VisionConfig(
        depth=vision.size("depth"),
        hidden_size=vision.size("hidden_size"),
        intermediate_size=vision.size("intermediate_size"),
        num_heads=vision.size("num_heads"),
        in_channels=vision.size(channels),
        patch_size=vision.size("patch_size"),
        temporal_patch_size=vision.size("temporal_patch_size"),
        spatial_merge_size=vision.size("spatial_merge_size"),
        window_size=vision.size("window_size"),
        fullatt_block_indexes=vision.integers("fullatt_block_indexes"),
        out_hidden_size=vision.size("out_hidden_size"),
        tokens_per_second=vision.size("tokens_per_second"),
    )


def _check_architecture(raw: Mapping[str, Any]) -> None:
    for field, expected in (("model_type", MODEL_TYPE), ("architectures", [ARCHITECTURE])):
        value = raw.get(field)
        if value != expected:
            raise FieldError(f"{field} is {'missing' if value is None else shown(value)}, not {expected!r}")


def _multiple(name: str, value: int, unit: int) -> None:
    _require(value % unit == 0, f"{name} is {value}, not a multiple of {unit}")


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise FieldError(problem)
