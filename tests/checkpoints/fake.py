"""Folders with the file names of a checkpoint and nothing of one inside: enough for all that only looks at names."""

import json
from pathlib import Path

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def fake_checkpoint(folder: Path, *, content: str = "weights", size: int = 100_000) -> Path:
    """A checkpoint of two shards that says ``content``, with files beside it that svlm has no business with."""
    folder.mkdir(parents=True)
    index = {"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}
    texts = {
        "config.json": json.dumps({"content": content}),
        "generation_config.json": "{}",
        "tokenizer.json": "{}",
        "model.safetensors.index.json": json.dumps(index),
        "README.md": f"# A card\n\nIt says {content}.\n",
        "LICENSE": "Do as you like.\n",
        "pytorch_model.bin": "a pickle",
        "modeling.py": "raise SystemExit('remote code was run')",
        "trainer_state.json": "{}",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    for number, name in enumerate(SHARDS):
        (folder / name).write_bytes(f"{content} {number} ".encode() * (size // 10))
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.safetensors").write_bytes(b"another format")
    (folder / "onnx" / "config.json").write_text("{}")
    (folder / "model-fp8").mkdir()
    (folder / "model-fp8" / "part.safetensors").write_bytes(b"the pattern model*.safetensors matches this path")
    return folder
