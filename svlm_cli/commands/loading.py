"""An engine for a command that watches video, with torch imported only now."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.checkpoints.patterns import matches
from svlm_cli.commands.command import given
from svlm_cli.commands.messages import sentence
from svlm_cli.commands.options import AttentionName, DtypeName
from svlm_cli.core.policy import StreamPolicy

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.engine.engine import Engine

_WHAT_SPEAKS = (
    f"svlm: {DEFAULT_MODEL} speaks: a small model that knows only the simulated ball game that it was trained in, "
    "and invents what it says of anything else. Real footage wants a GPU and --model streamingvlm-7b."
)

_GIB = 1 << 30


class Loading(Protocol):
    """The options that decide how a model is loaded."""

    @property
    def model(self) -> str | None: ...
    @property
    def adapter(self) -> Path | None: ...
    @property
    def policy(self) -> Path | None: ...
    @property
    def device(self) -> str: ...
    @property
    def dtype(self) -> DtypeName: ...
    @property
    def attention(self) -> AttentionName: ...
    @property
    def graphs(self) -> bool: ...


class Speaking(Protocol):
    """The options that say who speaks."""

    @property
    def model(self) -> str | None: ...
    @property
    def adapter(self) -> Path | None: ...


class Naming(Speaking, Protocol):
    """The options that say which model is meant, and how it is fetched."""

    @property
    def revision(self) -> str | None: ...
    @property
    def offline(self) -> bool: ...
    @property
    def quiet(self) -> bool: ...


def checkpoint_of(asked: Naming) -> "Checkpoint":
    """The model that is asked for, fetched if need be. Raises `ModelError` and `UsageError`."""
    from svlm_cli.checkpoints.resolve import resolve

    return resolve(
        _meant(asked), revision=asked.revision, offline=asked.offline, quiet=asked.quiet, adapter=asked.adapter
    )


def speaker(asked: Speaking) -> str:
    """What the model is called in what is written. Raises `ModelError` for an adapter that is none."""
    if asked.adapter is None:
        return asked.model or DEFAULT_MODEL
    from svlm_cli.checkpoints.resolve import base_of

    return f"{base_of(asked.adapter, _meant(asked)).name} + {asked.adapter}"


def _meant(asked: Speaking) -> str | None:
    """An adapter knows its base better than a model of the configuration or the environment; one that is typed wins."""
    return asked.model if asked.adapter is None or given("model") else None


def introduction(asked: Loading, policy: StreamPolicy, context: str) -> Iterator[str]:
    """Lines about what is going to speak: the model, if nobody named it, and a context that it will not understand."""
    if asked.model is None and asked.adapter is None:
        yield _WHAT_SPEAKS
    if misunderstood := policy.prompt.misunderstood(context, matches):
        yield sentence(misunderstood)


def load(
    checkpoint: "Checkpoint",
    policy: StreamPolicy,
    asked: Loading,
    streams: int,
    tell: Callable[[str], None],
    *,
    asks: bool = False,
    answer_tokens: int = 64,
) -> "Engine":
    """The checkpoint, where and as the options say, with room for so many streams, and for a question if
    anybody `asks`.

    `tell` hears beforehand if it will hardly fit, and afterwards whose policy it has, if that is not its own.
    """
    from svlm_cli.compute.device import free_bytes, resolve_device, resolve_dtype
    from svlm_cli.compute.flash import AttentionKernel
    from svlm_cli.engine.engine import Engine
    from svlm_cli.engine.footprint import Questions

    where = resolve_device(asked.device)
    dtype = resolve_dtype(asked.dtype, where)
    room = Questions(forks=1 if asks else 0, answer_tokens=answer_tokens)
    needed = Engine.footprint(
        checkpoint.folder, policy, device=where, dtype=dtype, max_streams=streams, questions=room
    ).total
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
        adapter=checkpoint.adapter,
        max_streams=streams,
        questions=room,
        attention=AttentionKernel(asked.attention),
        graphs=asked.graphs,
    )
    if checkpoint.notice and asked.policy is None:
        tell(sentence(checkpoint.notice, "--policy FILE gives it another, a policy.toml in its folder its own."))
    return engine
