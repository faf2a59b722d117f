"""Where kernels are tested: on a GPU, or on a CPU in Triton's interpreter, which `TRITON_INTERPRET=1` asks for.

The interpreter runs one program of a kernel after the other. It finds wrong masks and offsets, but no races.
"""

import os
from typing import Any

import torch
from torch import Tensor

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
_FENCE = 1 << 15  # elements on either side of a tensor: more than a block of any kernel reaches past its end
_fences: list[tuple[Tensor, Tensor]] = []  # the memory before and behind each tensor, and what it was filled with


class _Interpreted(Tensor):
    """In main memory, but `ops` takes its kernel, as it does on a GPU. What kernels are given or allocate lies between
    fences, and new memory holds no numbers.
    """

    is_cuda = True

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[no-untyped-call]
        return _fenced(made) if func in (Tensor.new_empty, torch.empty_like) else made


def _fenced(like: Tensor) -> Tensor:
    """New memory of that shape and dtype, NaN where there is such a thing, between fences of the same."""
    count = like.numel()
    memory = torch.full((count + 2 * _FENCE,), float("nan") if like.is_floating_point() else 1).to(like.dtype)
    fences = torch.stack((memory[:_FENCE], memory[-_FENCE:]))
    _fences.append((memory, fences))
    return memory[_FENCE : _FENCE + count].view(like.shape).as_subclass(_Interpreted)


def on_device(x: Tensor) -> Tensor:
    """A copy of `x` on which `ops` runs its kernels."""
    return _fenced(x).copy_(x) if INTERPRETED else x.cuda()


def check_fences() -> None:
    """Whether no kernel wrote outside the tensors made since the last call."""
    made = list(_fences)
    _fences.clear()
    for memory, fences in made:
        now = torch.stack((memory[:_FENCE], memory[-_FENCE:]))
        assert torch.equal(now.view(torch.uint8), fences.view(torch.uint8)), "a kernel wrote outside its tensors"


def large(*shapes: Any) -> tuple[Any, ...]:
    """Shapes of published models, which only a GPU is given: the interpreter would take too long."""
    return () if INTERPRETED else shapes
