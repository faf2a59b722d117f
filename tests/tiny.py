"""A complete Qwen2.5-VL checkpoint folder, tiny and random, as transformers would have left it on disk.

Built from safetensors, tokenizers and JSON alone: it imports neither transformers (seconds) nor our own code, so it can
test both. Same arguments, same bytes.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

Layout = Literal["nested", "flat"]
Named = tuple[str, torch.Tensor]
CONTROL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
HIDDEN, FFN, HEADS, KV_HEADS = 64, 96, 4, 2
HEAD_DIM = HIDDEN // HEADS
VISION_HIDDEN, VISION_FFN, VISION_DEPTH = 32, 48, 2
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SENTENCES = (
    "The ball comes in from the left wing and the keeper has to punch it away from the striker ...",
    "He shoots from the edge of the box and it goes just wide of the far post ...",
    "A long pass over the top of the defence and the winger is through on goal ...",
    "Three points from downtown and the crowd is on its feet here tonight ...",
    "And that is a goal, what a finish, the home side lead by one with ten minutes to play ...",
    "They win the ball back in midfield and look for the pass between the lines ...",
    "The referee points to the spot and the players cannot believe it ...",
    "You are a helpful assistant. previous text user system assistant Time=0.0-1.0s Time=12.0-13.0s",
    "Commentate on this match",
    "Commentate on this match, the final between the reds and the blues ...",
)


def make_tiny_checkpoint(
    folder: Path,
    *,
    seed: int = 0,
    tied: bool = False,
    layout: Layout = "nested",
    shards: int = 1,
    layers: int = 2,
    dtype: torch.dtype = torch.float32,
) -> Path:
    """Writes configuration, tokenizer, weights and policy into ``folder`` and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    vocabulary = tokenizer.get_vocab()
    ids = {token: vocabulary[token] for token in CONTROL_TOKENS}
    vocab_size = math.ceil((tokenizer.get_vocab_size() + 1) / 64) * 64  # Qwen's embedding is larger than its vocabulary
    config = _config(ids, vocab_size, tied=tied, layers=layers, layout=layout, dtype=str(dtype).removeprefix("torch."))
    _write_json(folder / "config.json", config)
    _write_json(folder / "generation_config.json", _generation_config(ids))
    _write_json(folder / "preprocessor_config.json", preprocessor_config())
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(ids))
    tokenizer.save(str(folder / "tokenizer.json"))
    never_said = [ids["<|image_pad|>"], ids["<|video_pad|>"], *range(tokenizer.get_vocab_size(), vocab_size)]
    weights = dict(_weights(vocab_size, never_said, layers=layers, tied=tied, seed=seed))
    _write_weights(folder, {name: tensor.to(dtype) for name, tensor in weights.items()}, shards)
    (folder / "policy.toml").write_text("")  # the defaults, and nothing to tell of them
    return folder


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=480, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in CONTROL_TOKENS])
    assert len(tokenizer.encode(" ...").ids) == 1, "the marker is one id, as in Qwen's vocabulary"
    return tokenizer


def _tokenizer_config(ids: dict[str, int]) -> dict[str, Any]:
    added = {
        str(index): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for token, index in ids.items()
    }
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": added,
        "additional_special_tokens": list(CONTROL_TOKENS[1:]),
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 131072,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def _generation_config(ids: dict[str, int]) -> dict[str, Any]:
    return {
        "bos_token_id": ids["<|endoftext|>"],
        "do_sample": True,
        "eos_token_id": [ids["<|im_end|>"], ids["<|endoftext|>"]],
        "pad_token_id": ids["<|endoftext|>"],
        "repetition_penalty": 1.05,
        "temperature": 0.1,
    }


def preprocessor_config() -> dict[str, Any]:
    return {
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_processor_type": "Qwen2VLImageProcessor",
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "max_pixels": 12845056,
        "merge_size": 2,
        "min_pixels": 3136,
        "patch_size": 14,
        "processor_class": "Qwen2_5_VLProcessor",
        "resample": 3,
        "rescale_factor": 0.00392156862745098,
        "temporal_patch_size": 2,
    }


def _vision_config() -> dict[str, Any]:
    return {
        "depth": VISION_DEPTH,
        "fullatt_block_indexes": [1],
        "hidden_act": "silu",
        "hidden_size": VISION_HIDDEN,
        "intermediate_size": VISION_FFN,
        "num_heads": 2,
        "out_hidden_size": HIDDEN,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "tokens_per_second": 2,
        "window_size": 112,
    }


def _config(
    ids: dict[str, int], vocab_size: int, *, tied: bool, layers: int, layout: Layout, dtype: str
) -> dict[str, Any]:
    text: dict[str, Any] = {
        "attention_dropout": 0.0,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "initializer_range": 0.02,
        "intermediate_size": FFN,
        "max_position_embeddings": 32768,
        "max_window_layers": layers,
        "num_attention_heads": HEADS,
        "num_hidden_layers": layers,
        "num_key_value_heads": KV_HEADS,
        "rms_norm_eps": 1e-6,
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": vocab_size,
    }
    vision = _vision_config()
    top: dict[str, Any] = {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "image_token_id": ids["<|image_pad|>"],
        "model_type": "qwen2_5_vl",
        "tie_word_embeddings": tied,
        "video_token_id": ids["<|video_pad|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
    }
    section = [2, 3, 3]
    if layout == "flat":
        text |= {
            "rope_theta": 1e6,
            "rope_scaling": {"type": "mrope", "mrope_section": section},
            "sliding_window": 32768,
        }
        vision |= {"in_chans": 3, "spatial_patch_size": 14}
        return top | text | {"torch_dtype": dtype, "transformers_version": "4.41.2", "vision_config": vision}
    text |= {
        "layer_types": ["full_attention"] * layers,
        "model_type": "qwen2_5_vl_text",
        "pad_token_id": None,
        "rope_parameters": {"mrope_section": section, "rope_theta": 1e6, "rope_type": "default"},
        "sliding_window": None,
    }
    vision |= {
        "in_channels": 3,
        "initializer_range": 0.02,
        "model_type": "qwen2_5_vl_vision",
        "rope_parameters": {"rope_theta": 10000.0, "rope_type": "axial"},
    }
    return top | {"dtype": dtype, "text_config": text, "transformers_version": "5.23.0", "vision_config": vision}


def _weights(vocab_size: int, never_said: list[int], *, layers: int, tied: bool, seed: int) -> Iterator[Named]:
    """Gains far above the usual 0.02, so that attention is selective and the likeliest token wins clearly."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int, std: float) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * std

    def linear(name: str, rows: int, columns: int, *, gain: float = 1.0, bias: bool) -> Iterator[Named]:
        yield f"{name}.weight", normal(rows, columns, std=gain / math.sqrt(columns))
        if bias:
            yield f"{name}.bias", normal(rows, std=0.2)

    def norm(name: str, size: int) -> Iterator[Named]:
        yield f"{name}.weight", 1 + normal(size, std=0.1)

    def ffn(name: str, size: int, inner: int, *, bias: bool) -> Iterator[Named]:
        yield from linear(f"{name}.gate_proj", inner, size, gain=1.2, bias=bias)
        yield from linear(f"{name}.up_proj", inner, size, gain=1.2, bias=bias)
        yield from linear(f"{name}.down_proj", size, inner, bias=bias)

    embedding = normal(vocab_size, HIDDEN, std=0.3)
    embedding[never_said] = 0
    yield "model.embed_tokens.weight", embedding
    for layer in range(layers):
        prefix = f"model.layers.{layer}"
        yield from norm(f"{prefix}.input_layernorm", HIDDEN)
        yield from linear(f"{prefix}.self_attn.q_proj", HIDDEN, HIDDEN, gain=1.2, bias=True)
        yield from linear(f"{prefix}.self_attn.k_proj", KV_HEADS * HEAD_DIM, HIDDEN, gain=1.2, bias=True)
        yield from linear(f"{prefix}.self_attn.v_proj", KV_HEADS * HEAD_DIM, HIDDEN, gain=1.2, bias=True)
        yield from linear(f"{prefix}.self_attn.o_proj", HIDDEN, HIDDEN, bias=False)
        yield from norm(f"{prefix}.post_attention_layernorm", HIDDEN)
        yield from ffn(f"{prefix}.mlp", HIDDEN, FFN, bias=False)
    yield from norm("model.norm", HIDDEN)
    if not tied:
        head = normal(vocab_size, HIDDEN, std=0.4)
        head[never_said] = 0
        yield "lm_head.weight", head
    yield (
        "visual.patch_embed.proj.weight",
        normal(VISION_HIDDEN, 3, 2, 14, 14, std=1 / math.sqrt(3 * 2 * 14 * 14)),
    )
    for layer in range(VISION_DEPTH):
        prefix = f"visual.blocks.{layer}"
        yield from norm(f"{prefix}.norm1", VISION_HIDDEN)
        yield from linear(f"{prefix}.attn.qkv", 3 * VISION_HIDDEN, VISION_HIDDEN, gain=1.2, bias=True)
        yield from linear(f"{prefix}.attn.proj", VISION_HIDDEN, VISION_HIDDEN, bias=True)
        yield from norm(f"{prefix}.norm2", VISION_HIDDEN)
        yield from ffn(f"{prefix}.mlp", VISION_HIDDEN, VISION_FFN, bias=True)
    yield from norm("visual.merger.ln_q", VISION_HIDDEN)
    yield from linear("visual.merger.mlp.0", 4 * VISION_HIDDEN, 4 * VISION_HIDDEN, bias=True)
    yield from linear("visual.merger.mlp.2", HIDDEN, 4 * VISION_HIDDEN, bias=True)


def _write_weights(folder: Path, weights: dict[str, torch.Tensor], shards: int) -> None:
    if shards == 1:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(weights)
    weight_map: dict[str, str] = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: weights[name] for name in names[shard::shards]}
        save_file(part, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    total = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
    _write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map})


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
