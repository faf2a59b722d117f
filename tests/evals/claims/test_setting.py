"""What makes a measurement the same, and what keeps rows out of one table."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import StreamPolicy, WindowPolicy
from svlm_cli.evals.claims.setting import fingerprint, require_comparable
from tests.evals.claims.rows import OTHER_MODEL, setting


def test_a_model_is_known_by_its_contents(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Guards a table against a model that was trained on in the same folder, and lets results travel."""
    known = fingerprint(tiny_checkpoint)
    assert len(known) == 16
    moved = copytree(tiny_checkpoint, tmp_path / "moved")
    (moved / "README.md").write_text("a card\n")
    assert fingerprint(moved) == known
    weights = moved / "model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(bytes(changed))
    assert fingerprint(moved) != known


def test_the_same_streams_are_measured_once() -> None:
    """Guards `vision-16`, which is `streaming` where the policy has that window, and only there."""
    streaming = setting("streaming")
    assert setting("vision-16").measures_the_same(streaming)
    assert not setting("vision-8").measures_the_same(streaming)
    assert not setting("vision-16", seed=1).measures_the_same(streaming)
    assert not setting("vision-16", seconds=60).measures_the_same(streaming)
    assert not setting("vision-16", matches=1).measures_the_same(streaming)
    assert not setting("no-overlap").measures_the_same(streaming), "another model"
    narrow = StreamPolicy(windows=WindowPolicy(vision_rounds=8))
    assert not setting("vision-16", base=narrow).measures_the_same(setting("streaming", base=narrow))


def test_rows_of_other_models_stay_out() -> None:
    """Guards against a table of two models under one name; `no-overlap` is another by its nature."""
    rows = {name: setting(name) for name in ("streaming", "full", "no-overlap")}
    rows["window"] = setting("window", seconds=60, seed=7, matches=1)
    require_comparable(rows)
    with pytest.raises(UsageError, match="row full has another model than the row streaming"):
        require_comparable(rows | {"full": replace(rows["full"], fingerprint=OTHER_MODEL)})
    other = StreamPolicy(windows=WindowPolicy(sink_tokens=7))
    with pytest.raises(UsageError, match="row no-overlap has a model with another policy"):
        require_comparable(rows | {"no-overlap": setting("no-overlap", base=other)})
