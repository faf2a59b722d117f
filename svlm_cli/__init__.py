"""svlm: a command line that watches video and speaks (StreamingVLM, arXiv 2510.09608), and its use as a library."""

from importlib import import_module
from typing import TYPE_CHECKING

from svlm_cli.core.version import __version__
from svlm_cli.library import caption, load_engine

if TYPE_CHECKING:
    from svlm_cli.core.errors import (
        CapacityError,
        InputError,
        ModelError,
        OutputError,
        SvlmError,
        UsageError,
    )
    from svlm_cli.core.events import SourceStatus, State
    from svlm_cli.core.policy import Mode, StreamPolicy
    from svlm_cli.core.types import Frame, Segment
    from svlm_cli.engine.engine import Engine
    from svlm_cli.library.captions import Captions
    from svlm_cli.media.network import Transport
    from svlm_cli.pipeline.questions import Reply
    from svlm_cli.sources.credentials import Credentials
    from svlm_cli.sources.opening import SourceOptions

__all__ = [
    "CapacityError",
    "Captions",
    "Credentials",
    "Engine",
    "Frame",
    "InputError",
    "Mode",
    "ModelError",
    "OutputError",
    "Reply",
    "Segment",
    "SourceOptions",
    "SourceStatus",
    "State",
    "StreamPolicy",
    "SvlmError",
    "Transport",
    "UsageError",
    "__version__",
    "caption",
    "load_engine",
]

_HOMES = {
    "svlm_cli.core.errors": ("CapacityError", "InputError", "ModelError", "OutputError", "SvlmError", "UsageError"),
    "svlm_cli.core.policy": ("Mode", "StreamPolicy"),
    "svlm_cli.core.types": ("Frame", "Segment"),
    "svlm_cli.engine.engine": ("Engine",),
    "svlm_cli.library.captions": ("Captions",),
    "svlm_cli.media.network": ("Transport",),
    "svlm_cli.pipeline.questions": ("Reply",),
    "svlm_cli.sources.credentials": ("Credentials",),
    "svlm_cli.sources.opening": ("SourceOptions",),
    "svlm_cli.core.events": ("SourceStatus", "State"),
}


def __getattr__(name: str) -> object:
    """Import lazily: `svlm --help` needs none of these, and `Engine` imports torch."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
