"""The guides of the known models: what stands in them is what was measured and what is computed."""

import json
import re
from pathlib import Path

import pytest

from svlm_cli.checkpoints import catalog, guide
from svlm_cli.checkpoints.guide import GUIDE_FILE, Guide, MeasuredSpeed, Precision, Purpose
from svlm_cli.core.errors import ModelError
from svlm_cli.core.policy import PolicyOverrides
from tests.conftest import ROOT

SHAPES = {
    "streamingvlm-7b": "7b",
    "qwen2.5-vl-7b": "7b",
    "qwen2.5-vl-3b": "3b",
    "svlm-mini": None,
    "svlm-footage": None,
}
ROWS = [(name, speed) for name in catalog.names() for speed in guide.read(catalog.find(name).folder).speed]


def test_every_known_model_has_one() -> None:
    """Guards a model that is added without the data that recommendations go by."""
    for name in catalog.names():
        found = guide.read(catalog.find(name).folder)
        assert found.purpose is not Purpose.UNKNOWN
        assert {(one.dtype, one.fps) for one in found.memory} >= {
            (dtype, fps) for dtype in (Precision.BFLOAT16, Precision.FP8, Precision.FLOAT32) for fps in (2.0, 8.0)
        }


@pytest.mark.parametrize("name", catalog.names())
def test_memory_is_what_svlm_computes(name: str) -> None:
    """Guards against tables that say "fits" by what an earlier engine took."""
    from svlm_cli.bench.subject import Subject
    from svlm_cli.compute.device import DTYPES

    entry, shape = catalog.find(name), SHAPES[name]
    subject = Subject.named(name, None, offline=True) if shape is None else Subject.random(shape)
    for row in guide.read(entry.folder).memory:
        needed = subject.footprint(
            entry.file.policy.changed(PolicyOverrides(fps=row.fps)), DTYPES[row.dtype], streams=1
        ).total
        assert row.gb == pytest.approx(needed / 1e9, abs=0.01 if needed > 1e9 else 0.001)


@pytest.mark.parametrize(("name", "speed"), ROWS, ids=lambda one: one if isinstance(one, str) else f"{one.fps:g}")
def test_speeds_are_those_of_their_source(name: str, speed: MeasuredSpeed) -> None:
    """Guards against figures that drift from the pages and files that they were taken from."""
    path = ROOT / speed.source
    if path.suffix == ".json":
        report = json.loads(path.read_text(encoding="utf-8"))
        setting, result = report["setting"], report["results"][0]
        measured = result.get("round_s_full") or result["round_s"]
        assert speed.seconds == pytest.approx(measured, abs=5e-5)
        assert (speed.hardware, speed.dtype, speed.fps) == (setting["hardware"], setting["dtype"], setting["fps"])
        assert setting["model"] == f"random {SHAPES[name]}"
        assert f"{setting['max_pixels'] // 784} tokens a frame pair" in speed.how
        assert f"{setting['tokens']} tokens said" in speed.how
    elif speed.source == "docs/claims.md":
        row = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("| streaming |"))
        assert f"| {speed.seconds * 1000:.1f} |" in row
        assert f"| {speed.hardware}, {speed.dtype} |" in row
    else:
        text = " ".join(path.read_text(encoding="utf-8").split())
        match = re.search(
            r"On 2 cores .* its 30 s took [\d.]+ to ([\d.]+) s at 2 .* and [\d.]+ to ([\d.]+) s at 8", text
        )
        assert match is not None
        slowest = {2.0: match[1], 8.0: match[2]}[speed.fps]
        assert speed.cores == 2
        assert speed.seconds == pytest.approx(float(slowest) / 30, abs=5e-4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("purpos = 'general'", "unknown key 'purpos'. Did you mean 'purpose'?"),
        ("purpose = 'fun'", "purpose must be one of"),
        ("memory = [{ dtype = 'bfloat16', fps = 2.0, gb = -1.0 }]", "gb must be above 0"),
        ("memory = 3", "memory must be a list"),
        ("=", "is not valid TOML"),
    ],
)
def test_a_broken_guide_is_named(tmp_path: Path, text: str, told: str) -> None:
    """Guards those who add a model: the file and the key are named. No guide is a guide that says nothing."""
    assert guide.read(tmp_path) == Guide()
    (tmp_path / GUIDE_FILE).write_text(text)
    with pytest.raises(ModelError) as caught:
        guide.read(tmp_path)
    assert str(tmp_path / GUIDE_FILE) in caught.value.message
    assert told in str(caught.value)
