"""Where and how an engine runs: device, number format, kernels; and an engine of a checkpoint folder there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from svlm_cli.compute import device as devices
from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import NO_QUESTIONS, Questions

_GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class EnginePlace:
    """A device, the number format of the weights there, and how it computes."""

    device: torch.device
    dtype: torch.dtype
    attention: AttentionKernel = AttentionKernel.AUTO
    graphs: bool = True

    @classmethod
    def of(
        cls, device: str = "auto", dtype: str = "auto", attention: str = AttentionKernel.AUTO, *, graphs: bool = True
    ) -> "EnginePlace":
        """As options name it. `UsageError` for what this machine does not have."""
        where = devices.resolve_device(device)
        return cls(where, devices.resolve_dtype(dtype, where), AttentionKernel(attention), graphs)

    @property
    def dtype_name(self) -> str:
        """As `--dtype` names it."""
        return devices.dtype_name(self.dtype)

    def shortage(
        self, folder: Path, policy: StreamPolicy, *, max_streams: int = 1, questions: Questions = NO_QUESTIONS
    ) -> str:
        """A sentence if an engine with these arguments will hardly fit into the memory that is free; else empty."""
        needed = Engine.footprint(
            folder, policy, device=self.device, dtype=self.dtype, max_streams=max_streams, questions=questions
        ).total
        free = devices.free_bytes(self.device)
        if free is None or needed <= free:
            return ""
        return (
            f"svlm: this needs about {needed / _GIB:.1f} GiB of memory, and {self.device} has {free / _GIB:.1f} free. "
            "Fewer --jobs, a lower --fps or --dtype fp8 need less."
        )

    def load(
        self,
        folder: Path,
        policy: StreamPolicy,
        *,
        adapter: Path | None = None,
        max_streams: int = 1,
        questions: Questions = NO_QUESTIONS,
    ) -> Engine:
        """An engine for the checkpoint in `folder`, with an adapter's folder merged into it. See `Engine.load`."""
        return Engine.load(
            folder,
            policy,
            device=self.device,
            dtype=self.dtype,
            adapter=adapter,
            max_streams=max_streams,
            questions=questions,
            attention=self.attention,
            graphs=self.graphs,
        )
