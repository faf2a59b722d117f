"""A stand-in for FlashAttention 2 in plain PyTorch, written from the documentation of its functions.

Query heads share KV heads in groups, causal masks are aligned to the bottom right, and a row that sees no key is 0.
"""

import math
import sys

import pytest
import torch
from torch import Tensor

from svlm_cli.compute.flash import AttentionKernel, CausalKernels, causal


def flash_attn_func(q: Tensor, k: Tensor, v: Tensor, *, causal: bool = False) -> Tensor:
    """``[b, n, H, D]`` over ``[b, m, K, D]``."""
    return flash_attn_with_kvcache(q, k, v, cache_seqlens=torch.full((len(k),), k.shape[1]).int(), causal=causal)


def flash_attn_with_kvcache(
    q: Tensor, k_cache: Tensor, v_cache: Tensor, *, cache_seqlens: Tensor, causal: bool = False
) -> Tensor:
    """``[b, n, H, D]`` over the first `cache_seqlens` ``[b]`` int32 of ``[b, C, K, D]``."""
    (b, n, heads, size), kv_heads = q.shape, k_cache.shape[2]
    assert k_cache.shape == v_cache.shape == (b, k_cache.shape[1], kv_heads, size)
    assert k_cache.stride(-1) == v_cache.stride(-1) == 1
    assert heads % kv_heads == 0
    assert cache_seqlens.shape == (b,)
    assert cache_seqlens.dtype == torch.int32
    output = torch.zeros_like(q)
    for stream, m in enumerate(cache_seqlens.tolist()):
        for row in range(n):
            seen = max(m - n + row + 1, 0) if causal else m
            for head in range(heads if seen else 0):
                kv_head = head // (heads // kv_heads)
                scores = k_cache[stream, :seen, kv_head] @ q[stream, row, head] / math.sqrt(size)
                output[stream, row, head] = scores.softmax(0) @ v_cache[stream, :seen, kv_head]
    return output


def kernels(module: object = sys.modules[__name__]) -> CausalKernels:
    """What `causal` makes of FlashAttention 2 where `module` is what is installed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "flash_attn", module)
        found = causal(AttentionKernel.FLASH2, torch.device("cuda"), torch.bfloat16)
    assert found is not None
    return found
