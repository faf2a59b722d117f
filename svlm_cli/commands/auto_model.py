"""``--model auto``: the best known model that is already here and fits, and a line that says which. Fetches nothing."""

import dataclasses
from typing import Any, Protocol, TypeVar

import typer

from svlm_cli.checkpoints import host, recommendation
from svlm_cli.checkpoints.guide import Precision
from svlm_cli.checkpoints.recommendation import AUTO, AutoChoice, Demand, gigabytes
from svlm_cli.commands.messages import sentence
from svlm_cli.commands.options import DtypeName
from svlm_cli.core.errors import UsageError


class Choosing(Protocol):
    """The options by which a model is chosen."""

    @property
    def revision(self) -> str | None: ...
    @property
    def device(self) -> str: ...
    @property
    def dtype(self) -> DtypeName: ...
    @property
    def fps(self) -> float | None: ...
    @property
    def quiet(self) -> bool: ...


class ChoosingOne(Choosing, Protocol):
    """The same, of a command that takes one model."""

    @property
    def model(self) -> str | None: ...


Asked = TypeVar("Asked", bound=ChoosingOne)


def settled(asked: Asked) -> Asked:
    """`asked` with a model's name in the place of `auto`. Raises `ModelError` if none of those here can run."""
    if asked.model != AUTO:
        return asked
    options: Any = asked  # a dataclass, which no protocol can say
    replaced: Asked = dataclasses.replace(options, model=settled_name(AUTO, asked))
    return replaced


def settled_name(model: str | None, asked: Choosing) -> str | None:
    """The name of the model that `auto` stands for, told on stderr unless people want quiet; other names as they are.

    None where there is an adapter, which knows its base.
    """
    if model != AUTO:
        return model
    if getattr(asked, "adapter", None) is not None:  # not all commands take one
        return None
    if asked.revision is not None:
        raise UsageError(
            "--model auto takes models as they are known: it has no revision.",
            "Name the model, leave out --revision, or unset SVLM_REVISION.",
        )
    on_gpu = not (there := host.look_around()).spot(asked.device).on_cpu
    usual = Precision.BFLOAT16 if on_gpu else Precision.FLOAT32  # what --dtype auto loads
    dtype = usual if asked.dtype == AUTO else Precision(asked.dtype)
    choice = recommendation.choose(there, recommendation.candidates(), Demand(asked.fps, dtype=dtype), asked.device)
    if not asked.quiet:
        typer.echo(sentence(_line(choice)), err=True)
    return choice.taken.candidate.name


def _line(choice: AutoChoice) -> str:
    taken = choice.taken
    told = f"auto takes {taken.candidate.name}: {taken.candidate.summary}"
    if taken.fits is not recommendation.Fit.YES:
        told = f"{told} {taken.why}"
    if choice.better is None:
        return told
    better = choice.better.candidate
    size = f" ({gigabytes(better.download_bytes)})" if better.download_bytes else ""
    return f"{told} A better one, {better.name}{size}, would fit: {choice.better.command}"
