"""An engine for ``svlm caption``, with torch imported only now."""

from pathlib import Path
from typing import TYPE_CHECKING

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.core.policy import StreamPolicy

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine

WHAT_SPEAKS = (
    f"svlm: {DEFAULT_MODEL} speaks: a small model that knows only the simulated ball game that it was trained in. "
    "Real footage wants --model streamingvlm-7b."
)


def load(folder: Path, policy: StreamPolicy, asked: CaptionOptions, streams: int) -> "Engine":
    """The checkpoint in `folder`, where and as the options say, with room for so many streams."""
    from svlm_cli.engine.device import resolve_device, resolve_dtype
    from svlm_cli.engine.engine import Engine

    where = resolve_device(asked.device)
    return Engine.load(folder, policy, device=where, dtype=resolve_dtype(asked.dtype, where), max_streams=streams)
