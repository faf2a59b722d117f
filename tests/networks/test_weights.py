"""Checkpoint folders: what loads, what is refused and how, and what is written."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from svlm_cli.core.errors import ModelError, OutputError
from svlm_cli.networks import weights
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.networks.qwen2_5_vl.preprocess import PixelConfig, QwenPreprocessor
from svlm_cli.networks.weights import load_family, load_network, load_preprocessor, save_network
from tests.tiny import Layout, make_tiny_checkpoint

CPU = torch.device("cpu")
SHARD = "model-00002-of-00003.safetensors"


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Qwen2_5VL:
    network = load_network(folder, device=CPU, dtype=dtype)
    assert isinstance(network, Qwen2_5VL)
    return network


def pixels(folder: Path) -> PixelConfig:
    preprocessor = load_preprocessor(folder, load_family(folder))
    assert isinstance(preprocessor, QwenPreprocessor)
    return preprocessor.config


def logits(model: Any) -> torch.Tensor:
    ids = torch.arange(12)[None]
    positions = torch.arange(12.0)[None, :, None].expand(1, 12, 3)
    with torch.no_grad():
        if isinstance(model, Qwen2_5VL):
            ours: torch.Tensor = model(ids, positions)
            return ours
        reference: torch.Tensor = model(input_ids=ids, position_ids=positions.permute(2, 0, 1)).logits
        return reference


def change_tensors(path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def change_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


@pytest.mark.parametrize("layout", ["nested", "flat"])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("shards", [1, 3])
def test_a_checkpoint_loads_whole(tmp_path: Path, layout: Layout, tied: bool, shards: int) -> None:
    """A parameter that keeps its initial values, stays on the meta device, or is frozen."""
    folder = make_tiny_checkpoint(tmp_path / "model", tied=tied, layout=layout, shards=shards)
    model = load(folder)
    stored: dict[str, torch.Tensor] = {}
    for file in folder.glob("*.safetensors"):
        stored |= load_file(file)
    loaded = {name.removeprefix("language."): value for name, value in model.state_dict().items()}
    assert loaded.keys() == stored.keys()
    assert all(torch.equal(loaded[name], stored[name]) for name in stored)
    assert not model.training
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_dtype_is_the_callers(tmp_path: Path) -> None:
    """Weights left as they were stored."""
    model = load(make_tiny_checkpoint(tmp_path / "model"), torch.bfloat16)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert logits(model).isfinite().all()


def test_the_file_can_go_once_it_is_loaded(tmp_path: Path) -> None:
    """Parameters that are a view of the file: saving over it, or training, would change one by the other."""
    folder = make_tiny_checkpoint(tmp_path / "model")
    model = load(folder)
    before = logits(model)
    path = folder / "model.safetensors"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(path.stat().st_size // 2))
    assert torch.equal(logits(model), before)


def test_newer_names_load_too(tmp_path: Path) -> None:
    """Checkpoints saved under ``model.visual`` and ``model.language_model``."""

    def rename(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            if name.startswith("visual."):
                tensors[f"model.{name}"] = tensors.pop(name)
            elif name.startswith("model."):
                tensors[name.replace("model.", "model.language_model.", 1)] = tensors.pop(name)

    folder = make_tiny_checkpoint(tmp_path / "model")
    before = load(folder).state_dict()
    change_tensors(folder / "model.safetensors", rename)
    after = load(folder).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_tied_head_stored_besides_is_ignored(tmp_path: Path) -> None:
    """Some tools write the embedding twice."""
    folder = make_tiny_checkpoint(tmp_path / "model", tied=True)
    before = logits(load(folder))
    change_tensors(
        folder / "model.safetensors", lambda tensors: tensors.update({"lm_head.weight": torch.ones(512, 64)})
    )
    assert torch.equal(logits(load(folder)), before)


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def pipe(name: str) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return apply


def truncate(name: str, share: float) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(
        (folder / name).read_bytes()[: int((folder / name).stat().st_size * share)]
    )


def in_shard(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    return lambda folder: change_tensors(folder / SHARD, lambda tensors: (change(tensors), None)[1])


def in_json(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    return lambda folder: change_json(folder / name, lambda raw: (change(raw), None)[1])


INDEX = "model.safetensors.index.json"
NORM = "model.layers.0.input_layernorm.weight"
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (remove("config.json"), "has no config.json"),
    "config is no JSON": (write("config.json", b"{"), "config.json"),
    "config is not UTF-8": (write("config.json", b"\xff\xfe"), "config.json"),
    "config is no object": (write("config.json", b"[]"), "config.json"),
    "architecture": (
        in_json("config.json", lambda raw: raw.update(architectures=["LlamaForCausalLM"])),
        "architectures is .*LlamaForCausalLM",
    ),
    "no weights": (remove(INDEX), "neither model.safetensors nor model.safetensors.index.json"),
    "missing shard": (remove(SHARD), f"lacks the shard {SHARD}"),
    "truncated shard": (truncate(SHARD, 0.7), f"{SHARD} is not a complete safetensors file"),
    "truncated header": (truncate(SHARD, 0.001), f"{SHARD} is not a complete safetensors file"),
    "empty shard": (write(SHARD, b""), f"{SHARD} is not a complete safetensors file"),
    "page instead of shard": (write(SHARD, b"<!DOCTYPE html><title>404</title>"), f"{SHARD} is not a complete"),
    "index without map": (in_json(INDEX, lambda raw: raw.pop("weight_map")), "has no weight_map"),
    "index with a list": (in_json(INDEX, lambda raw: raw.update(weight_map=[SHARD])), "has no weight_map"),
    "index of nothing": (in_json(INDEX, lambda raw: raw.update(weight_map={})), "has no weight_map"),
    "index out of the folder": (
        in_json(INDEX, lambda raw: raw["weight_map"].update({NORM: "../other.safetensors"})),
        "not a safetensors file beside it: '../other.safetensors'",
    ),
    "pickle in the index": (
        in_json(INDEX, lambda raw: raw["weight_map"].update({NORM: "pytorch_model.bin"})),
        "not a safetensors file beside it: 'pytorch_model.bin'",
    ),
    "missing tensor": (in_shard(lambda tensors: tensors.pop(NORM)), f"lacks the tensor {NORM}\\."),
    "missing tensors": (
        in_shard(lambda tensors: [tensors.pop(name) for name in sorted(tensors)[:2]]),
        r"lacks the tensor \S+ and 1 more\.",
    ),
    "unknown tensor": (
        in_shard(lambda tensors: tensors.update({"model.layers.9.mlp.up_proj.weight": torch.ones(2)})),
        f"{SHARD}: .*tensor model.layers.9.mlp.up_proj.weight",
    ),
    "tensor twice": (
        in_shard(lambda tensors: tensors.update({"model.language_model.norm.weight": torch.ones(64)})),
        "none left, for tensor model.*norm.weight",
    ),
    "wrong shape": (
        in_shard(lambda tensors: tensors.update({NORM: torch.ones(63)})),
        f"{SHARD}: tensor {NORM} has shape \\[63\\], but config.json asks for \\[64\\]",
    ),
    "a value that is no number": (
        in_shard(lambda tensors: tensors[NORM].__setitem__(63, float("nan"))),
        f"the tensor {NORM} has values that are NaN, or infinite in",
    ),
    "an infinite value": (
        in_shard(lambda tensors: tensors[NORM].__setitem__(0, float("-inf"))),
        f"the tensor {NORM} has values that are NaN, or infinite in",
    ),
    "a value that is none in this number format": (
        in_shard(lambda tensors: tensors.update({NORM: torch.full((64,), 1e300, dtype=torch.float64)})),
        f"the tensor {NORM} has values that are NaN, or infinite in float32",
    ),
    "a header of all bytes there are": (write(SHARD, b"\xff" * 8 + b"{}"), f"{SHARD} is not a complete"),
    "a header nested without end": (
        write(SHARD, (100_000).to_bytes(8, "little") + b"[" * 100_000),
        f"{SHARD} is not a complete",
    ),
    "a pipe instead of a shard": (
        pipe(SHARD),
        f"lacks the shard {SHARD}",
    ),
    "a pipe instead of the config": (
        pipe("config.json"),
        "config.json cannot be used: it is not a file but a folder, a pipe or a device",
    ),
    "index nested without end": (write(INDEX, b"[" * 100_000), "nested too deeply"),
    "a name of pages": (
        in_json(INDEX, lambda raw: raw["weight_map"].update({NORM: "a" * 5000 + ".safetensors"})),
        "not a safetensors file beside it: 'aaa",
    ),
    "index of thousands of shards": (
        in_json(INDEX, lambda raw: raw.update(weight_map={f"t{i}": f"{i}.safetensors" for i in range(1001)})),
        "names 1001 shards; 1000 are the most",
    ),
    "as many shards as may be": (
        in_json(INDEX, lambda raw: raw.update(weight_map={f"t{i}": f"{i}.safetensors" for i in range(1000)})),
        r"lacks the shard 0\.safetensors",
    ),
    "a name as long as may be": (
        in_json(INDEX, lambda raw: raw["weight_map"].update({NORM: "a" * 188 + ".safetensors"})),
        "lacks the shard aaa",
    ),
    "a name that is longer": (
        in_json(INDEX, lambda raw: raw["weight_map"].update({NORM: "a" * 189 + ".safetensors"})),
        "not a safetensors file beside it: 'aaa",
    ),
    "shard with half a character": (
        write(INDEX, b'{"weight_map": {"a": "\\ud800.safetensors"}}'),
        "not UTF-8",
    ),
    "quantised": (
        in_shard(lambda tensors: tensors.update({NORM: torch.ones(64, dtype=torch.int8)})),
        f"{SHARD}: tensor {NORM} is stored as I8",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES.keys())
def test_what_is_wrong_is_named(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    """A broken checkpoint that speaks nonsense, or ends in a traceback."""
    folder = make_tiny_checkpoint(tmp_path / "model", shards=3)
    names = json.loads((folder / INDEX).read_text())["weight_map"]
    assert names[NORM] == SHARD, "the damages are done to this shard"
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        load(folder)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_pickles_are_not_read(tmp_path: Path) -> None:
    """Code that runs on loading."""
    folder = make_tiny_checkpoint(tmp_path / "model")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="neither"):
        load(folder)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("max_shard_bytes", [10**9, 100_000])
def test_what_we_save_loads_here_and_in_transformers(tmp_path: Path, tied: bool, max_shard_bytes: int) -> None:
    """Trained weights that only we can read, or that lose a tensor on the way."""
    model = load(make_tiny_checkpoint(tmp_path / "model", tied=tied, seed=3))
    saved = tmp_path / "saved"
    save_network(model, saved, max_shard_bytes=max_shard_bytes)
    sizes = [[tensor.nbytes for tensor in load_file(file).values()] for file in saved.glob("*.safetensors")]
    assert (len(sizes) == 1) is (max_shard_bytes == 10**9)
    assert all(len(shard) == 1 or sum(shard) <= max_shard_bytes for shard in sizes)
    again = load(saved)
    assert again.config == model.config
    assert torch.equal(logits(again), logits(model))
    loaded: Any = Qwen2_5_VLForConditionalGeneration.from_pretrained(saved, output_loading_info=True)
    reference, notes = loaded
    assert not any(notes.values())
    torch.testing.assert_close(logits(reference), logits(model), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("spare", "files"), [(0, 1), (-1, 2)])
def test_a_shard_may_be_full(tmp_path: Path, spare: int, files: int) -> None:
    """Guards the bound itself, folders that are not there yet, and two shards, whose index says what is where."""
    model = load(make_tiny_checkpoint(tmp_path / "model"))
    total = sum(parameter.nbytes for parameter in model.parameters())
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "a" / "b"):
        save_network(model, folder, max_shard_bytes=total + spare)
        names = {path.name for path in folder.glob("model*")}
        many = {f"model-{number:05d}-of-{files:05d}.safetensors" for number in range(1, files + 1)} | {INDEX}
        assert names == (many if files > 1 else {"model.safetensors"})
        assert torch.equal(logits(load(folder)), logits(model))


@pytest.mark.parametrize(("most", "each"), [(3, 3), (1, 1), (0, 1)])
def test_shards_are_as_full_as_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, each: int) -> None:
    """Guards every shard, not the first alone, and tensors that are larger than a shard may be."""
    model = load(make_tiny_checkpoint(tmp_path / "model"))
    monkeypatch.setattr(weights, "_bytes", lambda tensor: 1)
    counts = [len(shard) for shard in weights._shards(model, most)]
    assert sum(counts) == len(list(model.parameters()))
    assert set(counts[:-1]) == {each}
    assert 0 < counts[-1] <= each


def test_what_transformers_saves_loads(tmp_path: Path) -> None:
    """Names or fields of the installed release."""
    folder = make_tiny_checkpoint(tmp_path / "model", layout="flat")
    Qwen2_5_VLForConditionalGeneration.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    ours, again = load(folder), load(tmp_path / "saved")
    assert again.config == ours.config
    assert torch.equal(logits(again), logits(ours))


def test_a_bfloat16_network_is_saved_as_such(tmp_path: Path) -> None:
    """A file twice as large as needed, or a configuration that says another dtype than the file."""
    model = load(make_tiny_checkpoint(tmp_path / "model"), torch.bfloat16)
    save_network(model, tmp_path / "saved")
    assert {tensor.dtype for tensor in load_file(tmp_path / "saved" / "model.safetensors").values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "saved" / "config.json").read_text())["dtype"] == "bfloat16"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
@pytest.mark.parametrize("max_shard_bytes", [10**9, 100_000])
def test_saved_files_have_the_usual_mode(tmp_path: Path, umask: int, mode: int, max_shard_bytes: int) -> None:
    """Weights that nobody but their owner can read, as safetensors leaves them."""
    model = load(make_tiny_checkpoint(tmp_path / "model"))
    before = os.umask(umask)
    try:
        save_network(model, tmp_path / "saved", max_shard_bytes=max_shard_bytes)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "saved").iterdir()} == {mode}


def test_saving_over_weights_is_refused(tmp_path: Path) -> None:
    """New shards beside an old single file, which would be the one that is read."""
    folder = make_tiny_checkpoint(tmp_path / "model")
    model = load(folder)
    with pytest.raises(OutputError, match="holds weights already"):
        save_network(model, folder, max_shard_bytes=1000)
    assert not (folder / INDEX).exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A traceback at the end of a training run."""
    model = load(make_tiny_checkpoint(tmp_path / "model"))
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        save_network(model, tmp_path / "file")


def test_pixels_of_a_checkpoint(tmp_path: Path) -> None:
    """The one file of old, and the one in which transformers 5 puts all of a processor's parts."""
    folder = make_tiny_checkpoint(tmp_path / "model")
    expected = pixels(folder)
    (folder / "processor_config.json").write_text("{}")
    assert pixels(folder) == expected, "the file of old comes first"
    path = folder / "preprocessor_config.json"
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": json.loads(path.read_text())}))
    path.unlink()
    assert pixels(folder) == expected
    (folder / "processor_config.json").unlink()
    with pytest.raises(ModelError, match=r"has no preprocessor_config\.json"):
        pixels(folder)
    Qwen2VLImageProcessorPil().save_pretrained(folder)
    assert pixels(folder) == expected
