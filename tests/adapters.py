"""A LoRA adapter of the tiny checkpoint, random, as peft would have left it on disk. Imports no code of ours."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tests.tiny import FFN, HIDDEN, VISION_FFN, VISION_HIDDEN

RANK, ALPHA = 3, 12
SIZES = {  # of each adapted matrix: rows and columns
    "model.language_model.layers.0.self_attn.q_proj": (HIDDEN, HIDDEN),
    "model.language_model.layers.1.mlp.down_proj": (HIDDEN, FFN),
    "model.visual.blocks.1.mlp.gate_proj": (VISION_FFN, VISION_HIDDEN),
}


def make_tiny_adapter(folder: Path, base: str, *, seed: int = 0, **changes: Any) -> Path:
    """Writes ``adapter_config.json``, with changes, and the weights."""
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, (rows, columns) in SIZES.items():
        for side, shape in (("A", (RANK, columns)), ("B", (rows, RANK))):
            drawn = torch.randn(shape, generator=generator) * 0.2
            weights[f"base_model.model.{name}.lora_{side}.weight"] = drawn
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "base_model_name_or_path": base,
        "bias": "none",
        "lora_alpha": ALPHA,
        "peft_type": "LORA",
        "r": RANK,
        "target_modules": sorted(SIZES),
        "use_rslora": False,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    return folder
