"""What all commands with ``--fleet`` share."""

from pathlib import Path
from typing import Protocol

from svlm_cli.commands.loading import Speaking, meant
from svlm_cli.core.errors import UsageError
from svlm_cli.fleet.messages import ModelOrder
from svlm_cli.fleet.ray_cluster import require_ray


class Computing(Speaking, Protocol):
    """The options that say who speaks, and how an engine computes."""

    @property
    def revision(self) -> str | None: ...
    @property
    def offline(self) -> bool: ...
    @property
    def device(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def attention(self) -> str: ...
    @property
    def graphs(self) -> bool: ...


def require_fleet(asked: Computing) -> None:
    """`UsageError` if there can be none: without Ray, or on one GPU of several."""
    if asked.device not in ("auto", "cpu", "cuda"):
        raise UsageError("A fleet gives each worker a GPU of its own.", "Say --device auto, cuda or cpu.")
    require_ray()


def model_order(asked: Computing, dtype: str) -> ModelOrder:
    """Which model each worker loads."""
    adapter: Path | None = asked.adapter
    return ModelOrder(
        model=meant(asked.model, adapter),
        revision=asked.revision,
        offline=asked.offline,
        adapter=adapter,
        device=asked.device,
        dtype=dtype,
        attention=asked.attention,
        graphs=asked.graphs,
    )
