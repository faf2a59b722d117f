"""config.json in the layouts that are in use, and each way in which one can be wrong."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from transformers import Qwen2_5_VLConfig

from svlm_cli.core.errors import ModelError
from svlm_cli.networks.qwen2_5_vl.config import Qwen2_5VLConfig
from tests.tiny import Layout, make_tiny_checkpoint

PUBLISHED_7B: dict[str, Any] = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "attention_dropout": 0.0,
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "vision_start_token_id": 151652,
    "vision_end_token_id": 151653,
    "vision_token_id": 151654,
    "image_token_id": 151655,
    "video_token_id": 151656,
    "hidden_act": "silu",
    "hidden_size": 3584,
    "initializer_range": 0.02,
    "intermediate_size": 18944,
    "max_position_embeddings": 128000,
    "max_window_layers": 28,
    "model_type": "qwen2_5_vl",
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "sliding_window": 32768,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.41.2",
    "use_cache": True,
    "use_sliding_window": False,
    "vision_config": {
        "depth": 32,
        "hidden_act": "silu",
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "in_chans": 3,
        "out_hidden_size": 3584,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "spatial_patch_size": 14,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
        "tokens_per_second": 2,
        "temporal_patch_size": 2,
    },
    "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
    "vocab_size": 152064,
}


def raw_config(folder: Path, layout: Layout = "nested", *, tied: bool = False) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(
        (make_tiny_checkpoint(folder, layout=layout, tied=tied) / "config.json").read_text()
    )
    return raw


def as_saved_in_between(raw: dict[str, Any]) -> dict[str, Any]:
    """What transformers 4.5x writes: text fields twice, the rope type renamed, odd model types, nulls."""
    raw = copy.deepcopy(raw)
    vision, rope = raw.pop("vision_config"), raw.pop("rope_scaling")
    rope = {"mrope_section": rope["mrope_section"], "rope_type": "default", "type": "default"}
    text = {
        **raw,
        "model_type": "qwen2_5_vl_text",
        "rope_scaling": rope,
        "image_token_id": None,
        "sliding_window": None,
    }
    vision = {**vision, "in_channels": 3, "model_type": "qwen2_5_vl"}
    return {**raw, "rope_scaling": rope, "text_config": text, "vision_config": vision}


@pytest.mark.parametrize("tied", [False, True])
def test_all_layouts_say_the_same(tmp_path: Path, tied: bool) -> None:
    """A layout whose fields are not found and silently replaced by those of another checkpoint."""
    flat = raw_config(tmp_path / "flat", "flat", tied=tied)
    expected = Qwen2_5VLConfig.from_dict(flat)
    assert expected.tie_word_embeddings is tied
    assert Qwen2_5VLConfig.from_dict(raw_config(tmp_path / "nested", "nested", tied=tied)) == expected
    assert Qwen2_5VLConfig.from_dict(as_saved_in_between(flat)) == expected


def test_the_published_7b() -> None:
    """Numbers of transformers' class defaults where the checkpoint says otherwise."""
    config = Qwen2_5VLConfig.from_dict(PUBLISHED_7B)
    assert config.text.rms_norm_eps == 1e-6
    assert config.text.rope_theta == 1e6
    assert config.text.mrope_section == (16, 24, 24)
    assert (config.text.head_dim, config.vision.head_dim, config.vision.patch_dim) == (128, 80, 1176)
    assert (config.vision.tokens_per_second, config.vision.window_size) == (2, 112)
    assert config.vision.fullatt_block_indexes == (7, 15, 23, 31)
    assert Qwen2_5VLConfig.from_dict(as_saved_in_between(PUBLISHED_7B)) == config


@pytest.mark.parametrize("raw", [PUBLISHED_7B, {**PUBLISHED_7B, "tie_word_embeddings": True, "eos_token_id": [3, 4]}])
def test_what_we_write_is_read_alike_by_transformers(raw: dict[str, Any]) -> None:
    """A saved configuration that transformers fills up with its own defaults."""
    config = Qwen2_5VLConfig.from_dict(raw)
    assert Qwen2_5VLConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    theirs = Qwen2_5_VLConfig(**copy.deepcopy(config.to_dict()))
    assert Qwen2_5VLConfig.from_dict({**theirs.to_dict(), "architectures": raw["architectures"]}) == config
    for part in ("text_config", "vision_config"):
        written = config.to_dict()[part]
        assert {name: getattr(theirs, part).to_dict()[name] for name in written} == written


def test_tying_is_found_where_older_versions_wrote_it(tmp_path: Path) -> None:
    """A head looked for that is not stored."""
    raw = raw_config(tmp_path)
    raw["text_config"]["tie_word_embeddings"] = True
    assert Qwen2_5VLConfig.from_dict(raw).tie_word_embeddings


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("model_type", "qwen2_vl", "model_type"),
        ("model_type", None, "model_type"),
        ("architectures", ["Qwen3VLForConditionalGeneration"], "architectures"),
        ("vision_config", None, "vision_config"),
        ("vision_config", [1], "vision_config"),
        ("video_token_id", 512, "video_token_id"),
        ("tie_word_embeddings", "yes", "tie_word_embeddings"),
        ("text_config.hidden_size", None, "text_config.hidden_size"),
        ("text_config.hidden_size", "64", "text_config.hidden_size"),
        ("text_config.hidden_size", 60, "text_config.hidden_size"),
        ("text_config.num_hidden_layers", 0, "text_config.num_hidden_layers"),
        ("text_config.num_hidden_layers", True, "text_config.num_hidden_layers"),
        ("text_config.num_key_value_heads", 3, "num_attention_heads"),
        ("text_config.rms_norm_eps", None, "text_config.rms_norm_eps"),
        ("text_config.rms_norm_eps", float("nan"), "text_config.rms_norm_eps"),
        ("text_config.hidden_act", "gelu", "text_config.hidden_act"),
        ("text_config.hidden_act", None, "text_config.hidden_act"),
        ("text_config.head_dim", 32, "text_config.head_dim"),
        ("text_config.use_sliding_window", True, "text_config.use_sliding_window"),
        ("text_config.layer_types", ["full_attention", "sliding_attention"], "text_config.layer_types"),
        ("text_config.rope_parameters", None, "rope_scaling"),
        ("text_config.rope_parameters.rope_type", "yarn", "rope_type"),
        ("text_config.rope_parameters.rope_theta", None, "rope_theta"),
        ("text_config.rope_parameters.mrope_section", [2, 3, 4], "mrope_section"),
        ("text_config.rope_parameters.mrope_section", [4, 4], "mrope_section"),
        ("vision_config.tokens_per_second", None, "vision_config.tokens_per_second"),
        ("vision_config.tokens_per_second", 2.5, "vision_config.tokens_per_second"),
        ("vision_config.fullatt_block_indexes", [2], "fullatt_block_indexes"),
        ("vision_config.fullatt_block_indexes", 1, "fullatt_block_indexes"),
        ("vision_config.hidden_act", "quick_gelu", "vision_config.hidden_act"),
        ("vision_config.in_channels", 4, "in_channels"),
        ("vision_config.num_heads", 3, "vision_config.hidden_size"),
        ("vision_config.out_hidden_size", 128, "out_hidden_size"),
        ("vision_config.window_size", 14, "window_size"),
        ("vision_config.rope_parameters.rope_theta", 1e6, "rope_theta"),
        ("text_config", 5, "text_config is 5, not an object"),
        ("text_config.num_hidden_layers", 10**9, "text_config.num_hidden_layers must be at most 512, not 1000000000"),
        ("text_config.vocab_size", 10**12, "text_config.vocab_size must be at most"),
        ("text_config.vocab_size", 10**40, "text_config.vocab_size must be at most"),
        ("text_config.hidden_size", 10**400, "text_config.hidden_size must be at most"),
        ("text_config.intermediate_size", 10**9, "text_config.intermediate_size must be at most"),
        ("text_config.num_attention_heads", 0, "text_config.num_attention_heads must be above 0"),
        ("text_config.rms_norm_eps", 1e308, "text_config.rms_norm_eps must be at most 1,"),
        ("text_config.rope_parameters.rope_theta", float("inf"), "text_config.rope_theta must be"),
        ("text_config.eos_token_id", "x", "text_config.eos_token_id is 'x'"),
        ("text_config.eos_token_id", [[1]], "text_config.eos_token_id is [[1]]"),
        ("text_config.eos_token_id", [], "text_config.eos_token_id is empty"),
        ("vision_config.depth", 10**7, "vision_config.depth must be at most 512, not 10000000"),
        ("vision_config.patch_size", 10**9, "vision_config.patch_size must be at most 128"),
        ("vision_config.patch_size", True, "vision_config.patch_size is True"),
        ("vision_config.spatial_merge_size", 10**9, "vision_config.spatial_merge_size must be at most"),
        ("vision_config.temporal_patch_size", 4, "vision_config.temporal_patch_size 4 is not supported"),
        ("vision_config.window_size", 10**12, "vision_config.window_size must be at most"),
        ("vision_config.fullatt_block_indexes", [-1], "vision_config.fullatt_block_indexes is [-1]"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, path: str, value: Any, named: str) -> None:
    """A network of the wrong shape, which would speak nonsense instead of failing. None stands for an absent field."""
    raw = raw_config(tmp_path)
    *parents, name = path.split(".")
    holder = raw
    for parent in parents:
        holder = holder[parent]
    holder.pop(name, None)
    if value is not None:
        holder[name] = value
    with pytest.raises(ModelError) as caught:
        Qwen2_5VLConfig.from_dict(raw)
    assert named in caught.value.message
    assert caught.value.hint
