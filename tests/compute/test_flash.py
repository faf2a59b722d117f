"""Which attention kernel is taken, and what is said of one that cannot be."""

import pytest
import torch

from svlm_cli.compute import flash
from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.core.errors import UsageError

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def everything_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash, "installed", lambda kernel: True)


def test_a_cpu_has_its_own() -> None:
    assert flash.choose(AttentionKernel.AUTO, CPU, torch.float32) is AttentionKernel.SDPA
    assert flash.causal(AttentionKernel.SDPA, CPU, torch.float32) is None


@pytest.mark.usefixtures("everything_installed")
@pytest.mark.parametrize(
    ("capability", "dtype", "expected"),
    [
        ((9, 0), torch.bfloat16, AttentionKernel.FLASH4),
        ((8, 0), torch.bfloat16, AttentionKernel.FLASH2),
        ((9, 0), torch.float32, AttentionKernel.SDPA),
    ],
)
def test_auto_takes_the_fastest_that_runs(
    capability: tuple[int, int], dtype: torch.dtype, expected: AttentionKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards a card that is older than a kernel, and numbers that no kernel but PyTorch's takes."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert flash.choose(AttentionKernel.AUTO, GPU, dtype) is expected


@pytest.mark.parametrize("kernel", [AttentionKernel.FLASH2, AttentionKernel.FLASH4])
def test_one_that_is_missing_is_named(kernel: AttentionKernel) -> None:
    with pytest.raises(UsageError, match=f"{kernel} is not installed"):
        flash.choose(kernel, GPU, torch.bfloat16)


@pytest.mark.usefixtures("everything_installed")
def test_one_that_does_not_run_here_is_named() -> None:
    with pytest.raises(UsageError, match=r"flash4 does not run on cpu in torch\.float32"):
        flash.choose(AttentionKernel.FLASH4, CPU, torch.float32)
