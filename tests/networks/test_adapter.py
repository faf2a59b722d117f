"""Adapters as they are merged: what is added to which weights, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.core.errors import ModelError
from svlm_cli.networks.adapter import BASE_KEY, fingerprint
from svlm_cli.networks.weights import first_rows, load_family, load_network
from tests.adapters import ALPHA, RANK, SIZES, make_tiny_adapter
from tests.tiny import make_tiny_checkpoint

CPU = torch.device("cpu")


def _weights(folder: Path, adapter: Path | None = None) -> dict[str, torch.Tensor]:
    network = load_network(folder, device=CPU, dtype=torch.float32, adapter=adapter)
    return {network.family.library_name(name): weight.detach() for name, weight in network.named_parameters()}


@pytest.mark.parametrize("stabilised", [False, True])
def test_what_is_added_is_the_scaled_product(tmp_path: Path, tiny_checkpoint: Path, *, stabilised: bool) -> None:
    """Guards the scale, the order of the two matrices, and every weight that has no adapter."""
    adapter = make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint), use_rslora=stabilised)
    stored = load_file(adapter / "adapter_model.safetensors")
    before, after = _weights(tiny_checkpoint), _weights(tiny_checkpoint, adapter)
    scale = ALPHA / (RANK**0.5 if stabilised else RANK)
    for name, weight in before.items():
        expected, module = weight, name.removesuffix(".weight")
        if module in SIZES:
            down, up = (stored[f"base_model.model.{module}.lora_{side}.weight"] for side in "AB")
            expected = weight + scale * (up @ down)
        torch.testing.assert_close(after[name], expected, atol=1e-5, rtol=0, msg=name)


def test_keys_of_older_transformers_are_read(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards adapters from before transformers 4.52, which called the same layers by other names."""
    adapter = make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint))
    expected = _weights(tiny_checkpoint, adapter)
    path = adapter / "adapter_model.safetensors"
    stored = load_file(path)
    save_file(
        {
            key.replace("model.model.language_model.", "model.model.").replace(
                "model.model.visual.", "model.visual."
            ): one
            for key, one in stored.items()
        },
        path,
    )
    found = _weights(tiny_checkpoint, adapter)
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def _with_base(adapter: Path, base: Path) -> Path:
    """Notes in the adapter what base it was trained on, as `svlm train` does."""
    family, path = load_family(base), adapter / "adapter_model.safetensors"
    rows = first_rows(base, family, {family.published_name(f"{name}.weight") for name in SIZES})
    assert len(rows) == len(SIZES)
    save_file(load_file(path), path, metadata={"format": "pt", BASE_KEY: fingerprint(rows)})
    return adapter


def test_another_base_is_refused_and_a_copy_is_not(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards against an adapter on a sibling of its base, which would speak, only worse; and for a copy of it."""
    adapter = _with_base(make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint)), tiny_checkpoint)
    _weights(tiny_checkpoint, adapter)
    copy = make_tiny_checkpoint(tmp_path / "copy", layout="flat", shards=3, dtype=torch.bfloat16)
    _weights(copy, adapter)
    other = make_tiny_checkpoint(tmp_path / "other", seed=1)
    with pytest.raises(ModelError, match=r"trained on another model than this one: the weights are others\. Name its"):
        _weights(other, adapter)


def test_a_base_of_another_size_is_refused(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards adapters that do not say what they were trained on: shapes and names must fit."""
    adapter = make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint))
    small = make_tiny_checkpoint(tmp_path / "small", layers=1)
    with pytest.raises(ModelError, match=r"another model than this one: there is no model\.layers\.1\.mlp\.down_proj"):
        _weights(small, adapter)
    path = adapter / "adapter_model.safetensors"
    stored = load_file(path)
    name = next(key for key in stored if key.endswith("q_proj.lora_B.weight"))
    stored[name] = torch.zeros(2 * len(stored[name]), RANK)
    save_file(stored, path)
    with pytest.raises(ModelError, match=r"q_proj\.weight is 64 x 64 there, not 128 x 64"):
        _weights(tiny_checkpoint, adapter)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peft_type": "IA3"}, "peft_type 'IA3' is not supported"),
        ({"use_dora": True}, "use_dora is True, and only plain LoRA is read"),
        ({"bias": "all"}, "bias 'all' is not supported"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save is"),
        ({"r": 4}, "has no two matrices of rank 4"),
        ({"r": 0}, "r must be above 0"),
        ({"lora_alpha": "much"}, "lora_alpha is 'much', not a number"),
    ],
)
def test_other_kinds_of_adapters_are_refused(
    tmp_path: Path, tiny_checkpoint: Path, changes: dict[str, Any], message: str
) -> None:
    """Guards against adapters of which a part would be left out without a word."""
    adapter = make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint), **changes)
    with pytest.raises(ModelError, match=message):
        _weights(tiny_checkpoint, adapter)


def test_what_is_no_part_of_an_adapter_is_refused(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards against saved embeddings that would be left out, and against half a file."""
    adapter = make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint))
    path = adapter / "adapter_model.safetensors"
    save_file(load_file(path) | {"base_model.model.lm_head.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(ModelError, match=r"base_model\.model\.lm_head\.weight is not part of a plain LoRA adapter"):
        _weights(tiny_checkpoint, adapter)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ModelError, match="is not a complete safetensors file"):
        _weights(tiny_checkpoint, adapter)
    path.unlink()
    with pytest.raises(ModelError, match="is not a complete safetensors file"):
        _weights(tiny_checkpoint, adapter)


def test_an_adapter_knows_its_base_and_its_policy(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards `--adapter` alone; `--model` in the place of a base that has moved; and whose policy holds."""
    adapter = make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint))
    found = resolve(None, adapter=adapter)
    assert (found.folder, found.adapter, found.title) == (tiny_checkpoint, adapter, "tiny+adapter")
    assert found.policy == resolve(str(tiny_checkpoint)).policy
    (adapter / "policy.toml").write_text("[vision]\nfps = 4\n", encoding="utf-8")
    assert resolve(None, adapter=adapter).policy.vision.fps == 4
    moved = make_tiny_adapter(tmp_path / "moved", str(tmp_path / "gone"))
    with pytest.raises(ModelError, match=r"The base of the adapter .*moved was not found: .* Name it with --model\."):
        resolve(None, adapter=moved)
    assert resolve(str(tiny_checkpoint), adapter=moved).folder == tiny_checkpoint
    nameless = make_tiny_adapter(tmp_path / "nameless", "")
    with pytest.raises(ModelError, match="does not say what its base is"):
        resolve(None, adapter=nameless)


def test_an_adapter_is_no_model_and_a_model_no_adapter(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards both mistakes: each is told what the other option is."""
    adapter = make_tiny_adapter(tmp_path / "adapter", str(tiny_checkpoint))
    with pytest.raises(ModelError, match=r"is an adapter, not a whole model\. .*--adapter"):
        resolve(str(adapter))
    with pytest.raises(ModelError, match=r"is not an adapter: it has no adapter_config\.json\. .*--model"):
        resolve(None, adapter=tiny_checkpoint)
    (adapter / "adapter_config.json").write_text(json.dumps([]), encoding="utf-8")
    with pytest.raises(ModelError, match=r"adapter_config\.json cannot be used: it holds no JSON object"):
        resolve(None, adapter=adapter)
