"""Where the engine runs when there are several processes."""

import pytest
import torch

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.lmms.engines import device_of


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.parametrize(
    ("name", "rank", "device"),
    [
        ("auto", None, "cuda"),
        ("auto", 0, "cuda:0"),
        ("auto", 1, "cuda:1"),
        ("cuda", 1, "cuda:1"),
        ("cuda:0", 1, "cuda:0"),
        ("cpu", 1, "cpu"),
    ],
)
def test_each_process_has_a_gpu_of_its_own(two_gpus: None, name: str, rank: int | None, device: str) -> None:
    """Guards against all processes on the first GPU; one that was named by its number is taken."""
    assert device_of(name, rank) == torch.device(device)


def test_more_processes_than_gpus_are_told(two_gpus: None) -> None:
    with pytest.raises(UsageError, match="Device cuda:2 does not exist here"):
        device_of("auto", 2)
