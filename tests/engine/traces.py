"""The published StreamingVLM loop, recorded round by round, and the checkpoint that it ran.

Recorded in float32 on a CPU, greedily, with transformers 4.52.4: a random network with Qwen's vocabulary, of which it
can say some six hundred ids. Few others occur, so the network here has the rows of those alone, in the same order: the
same numbers come out much faster.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from svlm_cli.core.policy import (
    MarkerRule,
    Mode,
    PromptPolicy,
    SamplingPolicy,
    StreamPolicy,
    VisionPolicy,
    WindowPolicy,
)
from svlm_cli.core.types import Chunk
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "assets" / "traces"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.npz")))

_VOCABULARY = 152_064
_HIDDEN, _FFN, _LAYERS, _HEADS, _KV_SIZE = 128, 192, 3, 4, 64
_VISION_HIDDEN, _VISION_FFN, _VISION_DEPTH = 64, 96, 3
_END_OF_TEXT, _END_OF_TURN, _MARKER = 151_643, 151_645, 2503
_PADS = (151_655, 151_656)  # of pictures and videos
_NEVER_SAID = (1462, 198, 872, 77_091)  # markup
SPOKEN = tuple(sorted({*range(200), *range(262, 662), _MARKER, _END_OF_TEXT, _END_OF_TURN} - {*_NEVER_SAID}))


@dataclass(frozen=True, slots=True)
class Round:
    """What the published loop had in mind when it spoke, what it said, and where the cached tokens stood afterwards."""

    context: list[int]
    said: tuple[int, ...]
    positions: NDArray[np.float32]  # [cached, 3]; none of native positions
    top_ids: NDArray[np.int64]  # [steps, 5] of the ids that can be said
    top_logits: NDArray[np.float32]  # before the penalty


class Trace:
    """One configuration."""

    def __init__(self, name: str) -> None:
        with np.load(FOLDER / f"{name}.npz") as file:
            self._arrays = dict(file)
        self.setting: dict[str, Any] = json.loads(str(self._arrays["config"]))

    @property
    def policy(self) -> StreamPolicy:
        """What svlm does the same with."""
        setting = self.setting
        height, width = setting["size"]
        return StreamPolicy(
            mode=Mode(setting.get("mode", Mode.STREAMING)),
            vision=VisionPolicy(fps=float(setting["fps"]), min_pixels=28 * 28, max_pixels=height * width),
            windows=WindowPolicy(
                vision_rounds=setting["vision"],
                text_rounds=setting["text"],
                sink_tokens=setting["sink"],
                window_tokens=setting["window"],
            ),
            prompt=PromptPolicy(query=setting["query"], marker_rule=MarkerRule.POSITIONAL),
            sampling=SamplingPolicy(max_new_tokens=20, temperature=0.0, repetition_penalty=setting["penalty"]),
        )

    def chunks(self) -> Iterator[Chunk]:
        """What it was shown: noise."""
        noise = np.random.default_rng(self.setting["seed"])
        shape = (self.setting["fps"], *self.setting["size"], 3)
        for second in range(self.setting["rounds"]):
            yield Chunk(tuple(noise.integers(0, 256, shape, dtype=np.uint8)), float(second), second + 1.0)

    def rounds(self) -> Iterator[Round]:
        """What it did, in ids of `Vocabulary`."""
        parts = zip(
            self._split("context_ids", "context_len"),
            self._split("said", "said_len"),
            self._split("positions", "positions_len"),
            self._split("top_ids", "logit_len"),
            self._split("top_logits", "logit_len"),
            strict=True,
        )
        for context, said, positions, top_ids, top_logits in parts:
            yield Round(
                VOCABULARY.short(context).tolist(),
                tuple(VOCABULARY.short(said).tolist()),
                positions,
                VOCABULARY.short(top_ids),
                top_logits,
            )

    def ids(self) -> set[int]:
        """Which occur, as Qwen numbers them."""
        return {int(id_) for name in ("context_ids", "said", "top_ids") for id_ in np.unique(self._arrays[name])}

    def _split(self, name: str, lengths: str) -> list[NDArray[Any]]:
        return np.split(self._arrays[name], np.cumsum(self._arrays[lengths])[:-1])


class Vocabulary:
    """Qwen's ids that occur, numbered anew in their order."""

    @cached_property
    def kept(self) -> NDArray[np.int64]:
        """Qwen's ids."""
        tokenizer = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
        ids = {*SPOKEN, *tokenizer["model"]["vocab"].values(), *(one["id"] for one in tokenizer["added_tokens"])}
        return np.array(sorted(ids.union(*(Trace(name).ids() for name in NAMES))))

    def short(self, ids: Any) -> NDArray[np.int64]:
        """The numbers here of Qwen's ids."""
        numbers: NDArray[np.int64] = np.searchsorted(self.kept, ids)
        assert np.array_equal(self.kept[numbers], ids), "every id is known"
        return numbers


VOCABULARY = Vocabulary()


def make_checkpoint(folder: Path) -> Path:
    """Writes the network that was recorded, without the rows of ids that never occur, and returns the folder."""
    folder.mkdir()
    tokenizer = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
    model = tokenizer["model"]
    model["vocab"] = {token: int(VOCABULARY.short(id_)) for token, id_ in model["vocab"].items()}
    for token in tokenizer["added_tokens"]:
        token["id"] = int(VOCABULARY.short(token["id"]))
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    model["vocab"] |= ids  # or the library would number them after all others
    ends = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    preprocessor = {
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "merge_size": 2,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "min_pixels": 3136,
        "max_pixels": 12_845_056,
    }
    files = {
        "config.json": _config(ids),
        "generation_config.json": {"eos_token_id": ends},
        "preprocessor_config.json": preprocessor,
        "tokenizer.json": tokenizer,
    }
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    save_file(_Weights().made(), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _config(ids: dict[str, int]) -> dict[str, Any]:
    vision = {
        "depth": _VISION_DEPTH,
        "hidden_act": "silu",
        "hidden_size": _VISION_HIDDEN,
        "intermediate_size": _VISION_FFN,
        "num_heads": 4,
        "in_chans": 3,
        "out_hidden_size": _HIDDEN,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [1],
        "tokens_per_second": 2,
        "temporal_patch_size": 2,
    }
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "hidden_act": "silu",
        "hidden_size": _HIDDEN,
        "intermediate_size": _FFN,
        "max_position_embeddings": 128_000,
        "num_attention_heads": _HEADS,
        "num_hidden_layers": _LAYERS,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
        "rope_scaling": {"type": "mrope", "mrope_section": [4, 6, 6]},
        "tie_word_embeddings": False,
        "vision_config": vision,
        "vocab_size": len(VOCABULARY.kept),
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
    }


class _Weights:
    """The numbers of the recorded network, drawn in the order in which they were drawn for it, from seed 0."""

    def __init__(self) -> None:
        self._random = torch.Generator().manual_seed(0)
        self._tensors: dict[str, torch.Tensor] = {}

    def made(self) -> dict[str, torch.Tensor]:
        """By their published names."""
        rows = torch.from_numpy(VOCABULARY.kept)
        embedding = self._normal(_VOCABULARY, _HIDDEN, std=0.3)
        embedding[list(_PADS)] = 0
        self._tensors["model.embed_tokens.weight"] = embedding[rows]
        for layer in range(_LAYERS):
            self._decoder_layer(f"model.layers.{layer}")
        self._norm("model.norm", _HIDDEN)
        self._tensors["lm_head.weight"] = self._head()[rows]
        size = 3 * 2 * 14 * 14
        self._tensors["visual.patch_embed.proj.weight"] = self._normal(_VISION_HIDDEN, 3, 2, 14, 14, std=size**-0.5)
        for layer in range(_VISION_DEPTH):
            self._vision_block(f"visual.blocks.{layer}")
        self._norm("visual.merger.ln_q", _VISION_HIDDEN)
        self._linear("visual.merger.mlp.0", 4 * _VISION_HIDDEN, 4 * _VISION_HIDDEN)
        self._linear("visual.merger.mlp.2", _HIDDEN, 4 * _VISION_HIDDEN)
        return self._tensors

    def _head(self) -> torch.Tensor:
        head = torch.zeros(_VOCABULARY, _HIDDEN)
        head[list(SPOKEN)] = self._normal(len(SPOKEN), _HIDDEN, std=0.35)
        for id_, gain in ((_MARKER, 2.5), (_END_OF_TURN, 2.5), (_END_OF_TEXT, 1.6)):
            head[id_] *= gain
        return head

    def _decoder_layer(self, name: str) -> None:
        self._norm(f"{name}.input_layernorm", _HIDDEN)
        self._norm(f"{name}.post_attention_layernorm", _HIDDEN)
        for part, size in (("q", _HIDDEN), ("k", _KV_SIZE), ("v", _KV_SIZE)):
            self._linear(f"{name}.self_attn.{part}_proj", size, _HIDDEN, gain=1.3)
        self._linear(f"{name}.self_attn.o_proj", _HIDDEN, _HIDDEN, bias=False)
        self._linear(f"{name}.mlp.gate_proj", _FFN, _HIDDEN, gain=1.2, bias=False)
        self._linear(f"{name}.mlp.up_proj", _FFN, _HIDDEN, gain=1.2, bias=False)
        self._linear(f"{name}.mlp.down_proj", _HIDDEN, _FFN, bias=False)

    def _vision_block(self, name: str) -> None:
        self._norm(f"{name}.norm1", _VISION_HIDDEN)
        self._norm(f"{name}.norm2", _VISION_HIDDEN)
        self._linear(f"{name}.attn.qkv", 3 * _VISION_HIDDEN, _VISION_HIDDEN, gain=1.2)
        self._linear(f"{name}.attn.proj", _VISION_HIDDEN, _VISION_HIDDEN)
        self._linear(f"{name}.mlp.gate_proj", _VISION_FFN, _VISION_HIDDEN, gain=1.2)
        self._linear(f"{name}.mlp.up_proj", _VISION_FFN, _VISION_HIDDEN, gain=1.2)
        self._linear(f"{name}.mlp.down_proj", _VISION_HIDDEN, _VISION_FFN)

    def _normal(self, *shape: int, std: float) -> torch.Tensor:
        return torch.randn(*shape, generator=self._random) * std

    def _linear(self, name: str, rows: int, columns: int, *, gain: float = 1.0, bias: bool = True) -> None:
        self._tensors[f"{name}.weight"] = self._normal(rows, columns, std=gain / columns**0.5)
        if bias:
            self._tensors[f"{name}.bias"] = self._normal(rows, std=0.2)

    def _norm(self, name: str, size: int) -> None:
        self._tensors[f"{name}.weight"] = 1 + self._normal(size, std=0.1)
