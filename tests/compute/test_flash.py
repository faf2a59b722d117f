"""Which attention kernel is taken, what is said of one that cannot be, and how FlashAttention 2 is called."""

from itertools import accumulate
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from svlm_cli.compute import flash
from svlm_cli.compute.attention import attend, causal_mask
from svlm_cli.compute.flash import AttentionKernel, Lengths
from svlm_cli.core.errors import UsageError
from tests.compute import flash2

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


def masked(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The last tokens ``[n, H, D]`` of a stream over all its keys ``[m, K, D]``, by PyTorch with a mask."""
    n, m = len(query), len(keys)
    mask = causal_mask(torch.arange(m - n, m)[None], m, query.dtype)
    return attend(query, keys.transpose(0, 1)[None], values.transpose(0, 1)[None], mask)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 9), (5, 5), (4, 11)])
@pytest.mark.parametrize(("heads", "kv_heads"), [(6, 2), (3, 3), (4, 1)])
def test_flash2_of_one_stream(n: int, m: int, heads: int, kv_heads: int) -> None:
    """Guards masks that count from the first key, and query heads that take another group's KV head."""
    random = torch.Generator().manual_seed(0)
    query = torch.randn(n, heads, 8, generator=random)
    keys, values = torch.randn(2, m, kv_heads, 8, generator=random)
    found = flash2.kernels().single(query, keys, values)
    torch.testing.assert_close(found, masked(query, keys, values))


@pytest.mark.parametrize(
    ("new", "held"),
    [((3, 3), (9, 3)), ((1, 5, 2), (1, 5, 12)), ((4, 1), (4, 7)), ((2, 7, 7), (12, 7, 8)), ((6,), (11,))],
    ids=["as many tokens each", "different numbers", "the longest first", "the longest twice", "one stream"],
)
@pytest.mark.parametrize(("heads", "kv_heads"), [(6, 2), (3, 3), (4, 1)])
def test_flash2_of_several_streams(new: tuple[int, ...], held: tuple[int, ...], heads: int, kv_heads: int) -> None:
    """Guards padding that reaches a stream's own tokens, tokens of another stream, and what a slot held before."""
    random = torch.Generator().manual_seed(0)
    query = torch.randn(sum(new), heads, 8, generator=random)
    keys, values = torch.randn(2, len(new) + 2, 12, kv_heads, 8, generator=random)[:, 1:-1]
    for stream, length in enumerate(held):
        keys[stream, length:] = values[stream, length:] = float("nan")
    starts, lengths = torch.tensor([*accumulate(new, initial=0)]).int(), torch.tensor(held).int()
    batched = flash2.kernels().batched
    assert batched is not None
    found = batched(query, keys, values, Lengths(starts, max(new)), lengths)
    each = zip(torch.split(query, list(new)), keys, values, held, strict=True)
    torch.testing.assert_close(found, torch.cat([masked(one, k[:m], v[:m]) for one, k, v, m in each]))


@pytest.mark.parametrize("count", [6, 9])
def test_flash2_asks_the_device_for_no_length(count: int) -> None:
    """Guards the overlap of host and GPU. Tensors without numbers, of which nothing can be read."""
    silent = SimpleNamespace(flash_attn_func=None, flash_attn_with_kvcache=lambda q, *_, **__: torch.empty_like(q))
    batched = flash2.kernels(silent).batched
    assert batched is not None
    with torch.device("meta"):
        query, pool, lengths = torch.empty(count, 4, 8), torch.empty(3, 12, 2, 8), torch.empty(3, dtype=torch.int32)
        found = batched(query, pool, pool, Lengths(torch.empty(4, dtype=torch.int32), 3), lengths)
    assert found.shape == query.shape
