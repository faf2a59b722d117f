"""What is said before a model is loaded that will not fit."""

from pathlib import Path

import pytest

from svlm_cli.checkpoints.resolve import Checkpoint, Origin
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.loading import load
from svlm_cli.compute import device
from tests.engine.conftest import small_policy


@pytest.mark.parametrize(("free", "warns"), [(1_000, True), (1 << 40, False), (None, False)])
def test_too_little_memory_is_said_beforehand(
    free: int | None, warns: bool, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards minutes of loading that end in an error of the driver's; and silence where nobody knows."""
    monkeypatch.setattr(device, "free_bytes", lambda where: free)
    told: list[str] = []
    checkpoint = Checkpoint("tiny", tiny_checkpoint, small_policy(), Origin.FOLDER)
    engine = load(checkpoint, small_policy(), CaptionOptions(), 2, told.append)
    assert len(engine.cache.lengths) == 2
    assert len(told) == warns
    if warns:
        assert "GiB of memory, and cpu has 0.0 free" in told[0]
