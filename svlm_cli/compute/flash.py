"""Selects the attention kernel for new tokens over a stream's keys: PyTorch's, or an installed package's.

All have the same interface, and none is imported before it is needed. Knows no cache and no stream.
"""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from svlm_cli.core.errors import UsageError

CausalAttention = Callable[[Tensor, Tensor, Tensor], Tensor]
"""One stream: its last `n` tokens ``[n, H, D]`` over its `m` keys and values ``[m, K, D]``, causal, aligned to the
bottom right -> ``[n, H, D]``."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """How a variable-length batch is packed: sequence ``i`` is rows ``cu_seqlens[i]`` to ``cu_seqlens[i + 1]``.

    `cu_seqlens` ``[b + 1]`` int32 is on the device; `max_seqlen`, an upper bound of the lengths, is on the host.
    """

    cu_seqlens: Tensor
    max_seqlen: int


VarlenAttention = Callable[[Tensor, Tensor, Tensor, Lengths, Tensor], Tensor]
"""The same for `b` streams in one call: the packed tokens ``[N, H, D]``, keys and values ``[b, C, K, D]``, the packing
of the tokens, and the number of keys per stream, ``[b]`` int32 on the device -> ``[N, H, D]``."""


@dataclass(frozen=True, slots=True)
class CausalKernels:
    """The attention function for one stream and, if the kernel has one, for a variable-length batch."""

    single: CausalAttention
    batched: VarlenAttention | None = None
    padded: bool = False
    """Whether `batched` pads to `max_seqlen`, which should then be the exact maximum and not just an upper bound."""


PackedAttention = Callable[[Tensor, Tensor, Tensor, Lengths], Tensor]
"""Queries ``[N, H, D]``, keys and values ``[N, K, D]`` of packed sequences, each attending within itself -> ``[N, H,
D]``."""

_HOPPER = (9, 0)
HALF = (torch.bfloat16, torch.float16)
# Without cuDNN, which takes 0.1 s to plan for each new number of keys, and most rounds have a new one.
_STEADY = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class AttentionKernel(StrEnum):
    """The choices of `--attention`."""

    AUTO = "auto"
    SDPA = "sdpa"
    FLASH2 = "flash2"
    FLASH4 = "flash4"


_PACKAGES = {AttentionKernel.FLASH4: "flash_attn.cute", AttentionKernel.FLASH2: "flash_attn.flash_attn_interface"}


def installed(kernel: AttentionKernel) -> bool:
    """Whether its package is installed. `usable` says whether this GPU can run it."""
    try:
        return kernel not in _PACKAGES or find_spec(_PACKAGES[kernel]) is not None
    except ModuleNotFoundError:  # the parent package may be missing too
        return False


def usable(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether it is installed and supports the device and dtype."""
    if kernel not in _PACKAGES:
        return True
    if device.type != "cuda" or dtype not in HALF or not installed(kernel):
        return False
    return kernel is not AttentionKernel.FLASH4 or torch.cuda.get_device_capability(device) >= _HOPPER


def choose(name: AttentionKernel, device: torch.device, dtype: torch.dtype) -> AttentionKernel:
    """The fastest usable kernel for `auto`, else the named one; `UsageError` if that is not usable."""
    if name is AttentionKernel.AUTO:
        return next((one for one in _PACKAGES if usable(one, device, dtype)), AttentionKernel.SDPA)
    if not usable(name, device, dtype):
        missing = "is not installed" if not installed(name) else f"does not run on {device} in {dtype}"
        raise UsageError(f"The attention kernel {name} {missing}.", "Use --attention auto, or see `svlm doctor`.")
    return name


def causal(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype) -> CausalKernels | None:
    """The functions of a usable kernel; None if PyTorch's needs a mask for a batch."""
    if device.type != "cuda" or dtype not in HALF:
        return None
    match kernel:
        case AttentionKernel.FLASH4:
            return _flash4()
        case AttentionKernel.FLASH2:
            return _flash2()
        case _:
            return CausalKernels(_sdpa)


def _flash4() -> CausalKernels:
    """FlashAttention 4."""
    warnings.filterwarnings("ignore", module=r"cutlass\.")  # about its own code, so not for users
    from flash_attn.cute import flash_attn_func, flash_attn_varlen_func

    def single(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return _output(flash_attn_func(query[None], keys[None], values[None], causal=True), query)

    def batched(query: Tensor, keys: Tensor, values: Tensor, new: Lengths, held: Tensor) -> Tensor:
        output = flash_attn_varlen_func(
            query, keys, values, cu_seqlens_q=new.cu_seqlens, max_seqlen_q=new.max_seqlen, seqused_k=held, causal=True
        )
        return _output(output, query)

    return CausalKernels(single, batched)


def _flash2() -> CausalKernels:
    """FlashAttention 2. With a cache it supports only padded batches.

    Its causal masks are aligned to the bottom right, so with padding on the left every token sees the right keys.
    """
    from flash_attn import flash_attn_func, flash_attn_with_kvcache

    def single(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return _output(flash_attn_func(query[None], keys[None], values[None], causal=True), query)

    def batched(query: Tensor, keys: Tensor, values: Tensor, new: Lengths, held: Tensor) -> Tensor:
        padded = len(query) < len(held) * new.max_seqlen
        fill, real = _left_padding(new, len(query)) if padded else (None, None)
        rows = query if fill is None else query.index_select(0, fill)
        batch = rows.view(len(held), new.max_seqlen, *rows.shape[1:])
        output = _output(flash_attn_with_kvcache(batch, keys, values, cache_seqlens=held, causal=True), rows)
        return output if real is None else output.index_select(0, real)

    return CausalKernels(single, batched, padded=True)


def _left_padding(new: Lengths, count: int) -> tuple[Tensor, Tensor]:
    """Maps `count` packed tokens to a batch ``[b * max_seqlen]`` with left padding, and back.

    Returns the token at each place of the batch, where padding may be any token, and the place of each token. Never
    copies to the host.
    """
    ends, longest, device = new.cu_seqlens[1:], new.max_seqlen, new.cu_seqlens.device
    fill = (ends[:, None] - longest + torch.arange(longest, device=device)).clamp_(min=0).flatten()
    token = torch.arange(count, device=device, dtype=ends.dtype)
    stream = torch.searchsorted(ends, token, right=True)
    return fill, (stream + 1) * longest - ends.index_select(0, stream) + token


def _sdpa(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """PyTorch's FlashAttention, called directly: the only one of its kernels that aligns causal masks bottom right.

    Each KV head becomes a batch element, so that kernels need not support grouped heads.
    """
    n, heads, size = query.shape
    kv_heads = keys.shape[1]
    grouped = query.view(n, kv_heads, -1, size).permute(1, 2, 0, 3)  # [K, H / K, n, D]
    keys, values = (x.transpose(0, 1)[:, None].expand(-1, heads // kv_heads, -1, -1) for x in (keys, values))
    output: Tensor = torch.ops.aten._scaled_dot_product_flash_attention(grouped, keys, values, 0.0, is_causal=True)[0]  # noqa: SLF001
    return output.permute(2, 0, 1, 3).reshape(n, heads, size)


def _output(output: Tensor | tuple[Tensor, ...], query: Tensor) -> Tensor:
    """The output alone: some releases return more."""
    return (output[0] if isinstance(output, tuple) else output).reshape_as(query)


def packed(device: torch.device, dtype: torch.dtype) -> PackedAttention | None:
    """PyTorch's own kernel for packed sequences; None if it has none."""
    if device.type != "cuda" or dtype not in HALF:
        return None
    from torch.nn.attention.varlen import varlen_attn

    def attend(query: Tensor, keys: Tensor, values: Tensor, lengths: Lengths) -> Tensor:
        starts, longest = lengths.cu_seqlens, lengths.max_seqlen
        output = varlen_attn(query, keys, values, starts, starts, longest, longest)
        assert isinstance(output, Tensor), "nothing else was asked for"
        return output

    return attend


def learning(device: torch.device, dtype: torch.dtype) -> PackedAttention | None:
    """A causal, differentiable kernel for packed sequences; None if there is none."""
    if device.type != "cuda" or dtype not in HALF:
        return None
    if usable(AttentionKernel.FLASH2, device, dtype):
        from flash_attn import flash_attn_varlen_func as flash

        def attend(query: Tensor, keys: Tensor, values: Tensor, lengths: Lengths) -> Tensor:
            starts, longest = lengths.cu_seqlens, lengths.max_seqlen
            return _output(flash(query, keys, values, starts, starts, longest, longest, causal=True), query)

        return attend
    from torch.nn.attention.varlen import varlen_attn

    def attend_by_torch(query: Tensor, keys: Tensor, values: Tensor, lengths: Lengths) -> Tensor:
        starts, longest = lengths.cu_seqlens, lengths.max_seqlen
        shared = query.shape[1] // keys.shape[1]  # query heads per KV head: some releases do not support grouped heads
        keys, values = (x.repeat_interleave(shared, dim=1) if shared > 1 else x for x in (keys, values))
        output = varlen_attn(query, keys, values, starts, starts, longest, longest, window_size=(-1, 0))
        return _output(output, query)

    return attend_by_torch


def steady() -> AbstractContextManager[None]:
    """A context in which PyTorch avoids kernels that plan anew for every shape."""
    return sdpa_kernel(_STEADY)
