"""Selects the attention kernel for new tokens over a stream's keys: PyTorch's own, or an installed one.

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
"""One stream: its last `n` tokens ``[n, H, D]`` over its `m` keys and values ``[m, K, D]``, each token over the keys up
to its own -> ``[n, H, D]``."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """How a variable-length batch is packed: sequence ``i`` is rows ``cu_seqlens[i]`` to ``cu_seqlens[i + 1]``.

    `cu_seqlens` ``[b + 1]`` int32 is on the device, `max_seqlen`, which no sequence exceeds, on the host.
    """

    cu_seqlens: Tensor
    max_seqlen: int


VarlenAttention = Callable[[Tensor, Tensor, Tensor, Lengths, Tensor], Tensor]
"""The same for `b` streams in one call: the packed tokens of all ``[N, H, D]``, keys and values ``[b, C, K, D]``, how
tokens are packed, and how many of its `C` keys each stream has, ``[b]`` int32 on the device -> ``[N, H, D]``."""


@dataclass(frozen=True, slots=True)
class CausalKernels:
    """The attention kernel for one stream and, if it has one, for a variable-length batch."""

    single: CausalAttention
    batched: VarlenAttention | None = None
    padded: bool = False
    """Whether `batched` pads to `max_seqlen`, which should then be the longest sequence and no upper bound of it."""


PackedAttention = Callable[[Tensor, Tensor, Tensor, Lengths], Tensor]
"""Queries ``[N, H, D]``, keys and values ``[N, K, D]`` of packed sequences, each of which attends within itself ->
``[N, H, D]``."""

_HOPPER = (9, 0)
HALF = (torch.bfloat16, torch.float16)
# Without cuDNN's, which plans for a tenth of a second whenever the number of keys is new, as it is in most rounds.
_STEADY = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class AttentionKernel(StrEnum):
    """The choices of `--attention`."""

    AUTO = "auto"
    SDPA = "sdpa"
    FLASH2 = "flash2"
    FLASH4 = "flash4"


_PACKAGES = {AttentionKernel.FLASH4: "flash_attn.cute", AttentionKernel.FLASH2: "flash_attn.flash_attn_interface"}


def installed(kernel: AttentionKernel) -> bool:
    """Whether its package is installed. Whether this GPU can run it is for `usable` to say."""
    try:
        return kernel not in _PACKAGES or find_spec(_PACKAGES[kernel]) is not None
    except ModuleNotFoundError:  # the parent package is missing too
        return False


def usable(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether it is installed and runs on that device in that dtype."""
    if kernel not in _PACKAGES:
        return True
    if device.type != "cuda" or dtype not in HALF or not installed(kernel):
        return False
    return kernel is not AttentionKernel.FLASH4 or torch.cuda.get_device_capability(device) >= _HOPPER


def choose(name: AttentionKernel, device: torch.device, dtype: torch.dtype) -> AttentionKernel:
    """For `auto` the fastest usable kernel, else the one named; `UsageError` if that is not usable."""
    if name is AttentionKernel.AUTO:
        return next((one for one in _PACKAGES if usable(one, device, dtype)), AttentionKernel.SDPA)
    if not usable(name, device, dtype):
        missing = "is not installed" if not installed(name) else f"does not run on {device} in {dtype}"
        raise UsageError(f"The attention kernel {name} {missing}.", "Use --attention auto, or see `svlm doctor`.")
    return name


def causal(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype) -> CausalKernels | None:
    """The functions of a usable kernel; None where PyTorch needs a mask for the batch."""
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
    warnings.filterwarnings("ignore", module=r"cutlass\.")  # about its own code: users can do nothing about it
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
    """FlashAttention 2. Over a cache it takes a padded batch alone. It aligns causal masks to the bottom right, so with
    padding on the left every token sees the keys that it should.
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
    """How `count` packed tokens become a batch ``[b * max_seqlen]`` padded on the left, and back.

    Returns the token that fills each place of the batch, with any token as padding, and the place of each token.
    Nothing is copied to the host.
    """
    ends, longest, device = new.cu_seqlens[1:], new.max_seqlen, new.cu_seqlens.device
    fill = (ends[:, None] - longest + torch.arange(longest, device=device)).clamp_(min=0).flatten()
    token = torch.arange(count, device=device, dtype=ends.dtype)
    stream = torch.searchsorted(ends, token, right=True)
    return fill, (stream + 1) * longest - ends.index_select(0, stream) + token


def _sdpa(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """PyTorch's FlashAttention, called by name: of its kernels, this one alone aligns causal masks to the bottom right.

    Each KV head becomes a batch of its own, so that no kernel needs to know of grouped heads.
    """
    n, heads, size = query.shape
    kv_heads = keys.shape[1]
    grouped = query.view(n, kv_heads, -1, size).permute(1, 2, 0, 3)  # [K, H / K, n, D]
    keys, values = (x.transpose(0, 1)[:, None].expand(-1, heads // kv_heads, -1, -1) for x in (keys, values))
    output: Tensor = torch.ops.aten._scaled_dot_product_flash_attention(grouped, keys, values, 0.0, is_causal=True)[0]  # noqa: SLF001
    return output.permute(2, 0, 1, 3).reshape(n, heads, size)


def _output(output: Tensor | tuple[Tensor, ...], query: Tensor) -> Tensor:
    """Some releases return more than the output."""
    return (output[0] if isinstance(output, tuple) else output).reshape_as(query)


def packed(device: torch.device, dtype: torch.dtype) -> PackedAttention | None:
    """PyTorch's own kernel for packed sequences; None where it has none."""
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
    """A causal kernel for packed sequences that gradients go through; None where there is none."""
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
        shared = query.shape[1] // keys.shape[1]  # query heads to a KV head, which not all releases know of
        keys, values = (x.repeat_interleave(shared, dim=1) if shared > 1 else x for x in (keys, values))
        output = varlen_attn(query, keys, values, starts, starts, longest, longest, window_size=(-1, 0))
        return _output(output, query)

    return attend_by_torch


def steady() -> AbstractContextManager[None]:
    """A context in which PyTorch avoids kernels that need a new plan for every shape."""
    return sdpa_kernel(_STEADY)
