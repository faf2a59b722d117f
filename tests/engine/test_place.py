"""Where an engine runs, and what is said before a model is loaded that will not fit."""

from pathlib import Path

import pytest
import torch

from svlm_cli.compute import device
from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.core.errors import UsageError
from svlm_cli.engine.place import EnginePlace
from tests.engine.conftest import small_policy


@pytest.mark.parametrize(("free", "warns"), [(1_000, True), (1 << 40, False), (None, False)])
def test_too_little_memory_is_said_beforehand(
    free: int | None, warns: bool, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards minutes of loading that end in an error of the driver's; and silence where nobody knows."""
    monkeypatch.setattr(device, "free_bytes", lambda where: free)
    place = EnginePlace.of("cpu")
    told = place.shortage(tiny_checkpoint, small_policy(), max_streams=2)
    assert bool(told) == warns
    if warns:
        assert "GiB of memory, and cpu has 0.0 free" in told
    engine = place.load(tiny_checkpoint, small_policy(), max_streams=2)
    assert len(engine.cache.lengths) == 2


def test_names_of_options_become_what_torch_knows() -> None:
    """Guards against an option that nothing comes of."""
    place = EnginePlace.of("cpu", "bfloat16", "sdpa", graphs=False)
    assert place == EnginePlace(torch.device("cpu"), torch.bfloat16, AttentionKernel.SDPA, graphs=False)
    assert EnginePlace.of("cpu").dtype_name == "float32"
    with pytest.raises(UsageError, match="tpu"):
        EnginePlace.of("tpu")
