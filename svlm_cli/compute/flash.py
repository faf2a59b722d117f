"""Which kernel computes the attention of new tokens over a stream's keys: PyTorch's own, or one that is installed.

All take and return the same; none is imported before it is asked for. Knows no cache and no stream.
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

Causal = Callable[[Tensor, Tensor, Tensor], Tensor]
"""The last `n` tokens ``[n, H, D]`` over `m` keys and values ``[m, K, D]``, each up to itself -> ``[n, H, D]``."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Of streams, or segments, whose tokens lie one after the other: where each one's begin ``[b + 1]`` int32, and the
    most.
    """

    starts: Tensor
    longest: int


Together = Callable[[Tensor, Tensor, Tensor, Lengths, Tensor], Tensor]
"""The same for `b` streams at once: all their tokens ``[N, H, D]``, keys and values ``[b, m, K, D]``, and how many keys
each one has ``[b]`` int32 -> ``[N, H, D]``."""


@dataclass(frozen=True, slots=True)
class CausalKernels:
    """What an attention kernel offers."""

    alone: Causal
    together: Together | None = None


Packed = Callable[[Tensor, Tensor, Tensor, Lengths], Tensor]
"""Queries, keys and values ``[N, H, D]`` of segments one after the other -> ``[N, H, D]``, each within itself."""

_HOPPER = (9, 0)
HALF = (torch.bfloat16, torch.float16)
# Not cuDNN's: it plans anew for every number of keys, which takes it a tenth of a second, and streams differ in that.
_STEADY = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class AttentionKernel(StrEnum):
    """As people name them."""

    AUTO = "auto"
    SDPA = "sdpa"
    FLASH2 = "flash2"
    FLASH4 = "flash4"


_PACKAGES = {AttentionKernel.FLASH4: "flash_attn.cute", AttentionKernel.FLASH2: "flash_attn.flash_attn_interface"}


def installed(kernel: AttentionKernel) -> bool:
    """Whether its package is there; whether this GPU can run it is another matter."""
    try:
        return kernel not in _PACKAGES or find_spec(_PACKAGES[kernel]) is not None
    except ModuleNotFoundError:  # not even the package that it is part of
        return False


def usable(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether it is installed and runs there."""
    if kernel not in _PACKAGES:
        return True
    if device.type != "cuda" or dtype not in HALF or not installed(kernel):
        return False
    return kernel is not AttentionKernel.FLASH4 or torch.cuda.get_device_capability(device) >= _HOPPER


def choose(name: AttentionKernel, device: torch.device, dtype: torch.dtype) -> AttentionKernel:
    """What `auto` is here: the fastest that is usable. `UsageError` for another one that is not."""
    if name is AttentionKernel.AUTO:
        return next((one for one in _PACKAGES if usable(one, device, dtype)), AttentionKernel.SDPA)
    if not usable(name, device, dtype):
        missing = "is not installed" if not installed(name) else f"does not run on {device} in {dtype}"
        raise UsageError(f"The attention kernel {name} {missing}.", "Use --attention auto, or see `svlm doctor`.")
    return name


def causal(kernel: AttentionKernel, device: torch.device, dtype: torch.dtype) -> CausalKernels | None:
    """The functions of a kernel that is usable; None where PyTorch has to be told by a mask who sees what."""
    if device.type != "cuda" or dtype not in HALF:
        return None
    if kernel is AttentionKernel.SDPA:
        return CausalKernels(_sdpa)
    if kernel is AttentionKernel.FLASH2:
        from flash_attn import flash_attn_func as flash2

        return CausalKernels(
            lambda query, keys, values: _output(flash2(query[None], keys[None], values[None], causal=True), query)
        )
    warnings.filterwarnings("ignore", module=r"cutlass\.")  # of its own making; nothing a reader of captions could do
    from flash_attn.cute import flash_attn_func as flash4
    from flash_attn.cute import flash_attn_varlen_func as flash4_of_several

    def together(query: Tensor, keys: Tensor, values: Tensor, new: Lengths, held: Tensor) -> Tensor:
        found = flash4_of_several(
            query, keys, values, cu_seqlens_q=new.starts, max_seqlen_q=new.longest, seqused_k=held, causal=True
        )
        return _output(found, query)

    def alone(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return _output(flash4(query[None], keys[None], values[None], causal=True), query)

    return CausalKernels(alone, together)


def _output(found: Tensor | tuple[Tensor, ...], query: Tensor) -> Tensor:
    """Some releases return more than the output."""
    return (found[0] if isinstance(found, tuple) else found).view_as(query)


def packed(device: torch.device, dtype: torch.dtype) -> Packed | None:
    """PyTorch's own for segments of any lengths; None where it has none."""
    if device.type != "cuda" or dtype not in HALF:
        return None
    from torch.nn.attention.varlen import varlen_attn

    def attend(query: Tensor, keys: Tensor, values: Tensor, new: Lengths) -> Tensor:
        output = varlen_attn(query, keys, values, new.starts, new.starts, new.longest, new.longest)
        assert isinstance(output, Tensor), "nothing else was asked for"
        return output

    return attend


def _sdpa(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """PyTorch's FlashAttention, asked for by name: for it alone, "causal" counts from the last key.

    Each key head is a batch of its own, so that it need not know of heads that share one.
    """
    n, heads, size = query.shape
    kinds = keys.shape[1]
    apart = query.view(n, kinds, -1, size).permute(1, 2, 0, 3)  # [K, H / K, n, D]
    shared, worth = (x.transpose(0, 1)[:, None].expand(-1, heads // kinds, -1, -1) for x in (keys, values))
    output: Tensor = torch.ops.aten._scaled_dot_product_flash_attention(apart, shared, worth, 0.0, is_causal=True)[0]  # noqa: SLF001
    return output.permute(2, 0, 1, 3).reshape(n, heads, size)


def steady() -> AbstractContextManager[None]:
    """Within it, PyTorch takes no kernel of its own that has to be prepared for every shape."""
    return sdpa_kernel(_STEADY)
