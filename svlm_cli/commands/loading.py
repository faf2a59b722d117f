"""An engine for ``svlm caption``, with torch imported only now."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.checkpoints.patterns import matches
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.messages import sentence
from svlm_cli.core.policy import StreamPolicy

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.engine.engine import Engine

_WHAT_SPEAKS = (
    f"svlm: {DEFAULT_MODEL} speaks: a small model that knows only the simulated ball game that it was trained in. "
    "Real footage wants --model streamingvlm-7b."
)

_GIB = 1 << 30


def introduction(asked: CaptionOptions, policy: StreamPolicy, context: str) -> Iterator[str]:
    """Lines about what is going to speak: the model, if nobody named it, and a context that it will not understand."""
    if asked.model is None:
        yield _WHAT_SPEAKS
    if misunderstood := policy.prompt.misunderstood(context, matches):
        yield sentence(misunderstood)


def load(
    checkpoint: "Checkpoint",
    policy: StreamPolicy,
    asked: CaptionOptions,
    streams: int,
    tell: Callable[[str], None],
) -> "Engine":
    """The checkpoint, where and as the options say, with room for so many streams.

    `tell` hears beforehand if it will hardly fit, and afterwards whose policy it has, if that is not its own.
    """
    from svlm_cli.compute.device import free_bytes, resolve_device, resolve_dtype
    from svlm_cli.compute.flash import AttentionKernel
    from svlm_cli.engine.engine import Engine

    where = resolve_device(asked.device)
    dtype = resolve_dtype(asked.dtype, where)
    needed = Engine.footprint(checkpoint.folder, policy, device=where, dtype=dtype, max_streams=streams).total
    free = free_bytes(where)
    if free is not None and needed > free:
        tell(
            f"svlm: this needs about {needed / _GIB:.1f} GiB of memory, and {where} has {free / _GIB:.1f} free. "
            "Fewer --jobs, a lower --fps or --dtype fp8 need less."
        )
    engine = Engine.load(
        checkpoint.folder,
        policy,
        device=where,
        dtype=dtype,
        max_streams=streams,
        attention=AttentionKernel(asked.attention),
        graphs=asked.graphs,
    )
    if checkpoint.notice and asked.policy is None:
        tell(sentence(checkpoint.notice, "--policy FILE gives it another."))
    return engine
