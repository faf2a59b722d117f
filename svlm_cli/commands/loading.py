"""An engine for a command, with torch imported only now."""

from pathlib import Path
from typing import TYPE_CHECKING

from svlm_cli.core.policy import StreamPolicy

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine


def load(folder: Path, policy: StreamPolicy, device: str, dtype: str, streams: int) -> "Engine":
    """The checkpoint in `folder`, where and as the options say, with room for so many streams."""
    from svlm_cli.engine.device import resolve_device, resolve_dtype
    from svlm_cli.engine.engine import Engine

    where = resolve_device(device)
    return Engine.load(folder, policy, device=where, dtype=resolve_dtype(dtype, where), max_streams=streams)
