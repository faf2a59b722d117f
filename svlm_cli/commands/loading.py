"""The model that a command's options name: which one is meant, and an engine for it, with torch imported only now."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import typer

from svlm_cli.checkpoints import catalog, recommendation, recommendation_text
from svlm_cli.checkpoints.patterns import matches
from svlm_cli.cli.command import given
from svlm_cli.commands.options import EngineOptions, PolicyOptions
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.sentences import sentence

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.engine.engine import Engine
    from svlm_cli.engine.footprint import Questions
    from svlm_cli.engine.place import EnginePlace


class Speaking(Protocol):
    """The options that say who speaks. Each command declares them where its help shows them."""

    @property
    def model(self) -> str | None: ...
    @property
    def adapter(self) -> Path | None: ...


class Fetching(Speaking, Protocol):
    """The same, and how a model is fetched."""

    @property
    def revision(self) -> str | None: ...
    @property
    def offline(self) -> bool: ...
    @property
    def quiet(self) -> bool: ...


Asked = TypeVar("Asked", bound=Speaking)


def settled(asked: Asked, context: str = "") -> Asked:
    """`asked` with a model's name in place of `auto` and of none. Raises `ModelError` if none of those here can run."""
    options: Any = asked  # a dataclass and `PolicyOptions`, which no protocol can say
    model = settled_name(asked.model, options, asked.adapter)
    if model is None and asked.adapter is None:
        model = catalog.default_for(context)
    replaced: Asked = dataclasses.replace(options, model=model)
    return replaced


def settled_name(model: str | None, asked: PolicyOptions, adapter: Path | None = None) -> str | None:
    """The name of the model that `auto` stands for, told on stderr unless people want quiet; other names as they are.

    None where there is an adapter, which knows its base. Nothing is fetched.
    """
    if model != recommendation.AUTO:
        return model
    if adapter is not None:
        return None
    if asked.revision is not None:
        raise UsageError(
            "--model auto takes models as they are known: it has no revision.",
            "Name the model, leave out --revision, or unset SVLM_REVISION.",
        )
    choice = recommendation.choose_here(asked.device, asked.dtype, asked.fps)
    if not asked.quiet:
        typer.echo(sentence(recommendation_text.auto_line(choice)), err=True)
    return choice.taken.candidate.name


def checkpoint_of(asked: Fetching) -> "Checkpoint":
    """The model that is asked for, fetched if need be. Raises `ModelError` and `UsageError`."""
    from svlm_cli.checkpoints.resolve import resolve

    model = meant(asked.model, asked.adapter)
    return resolve(model, revision=asked.revision, offline=asked.offline, quiet=asked.quiet, adapter=asked.adapter)


def speaker(asked: Speaking) -> str:
    """What the model is called in what is written. Raises `ModelError` for an adapter that is none."""
    if asked.adapter is None:
        return asked.model or catalog.DEFAULT_MODEL
    from svlm_cli.checkpoints.resolve import base_of

    return f"{base_of(asked.adapter, meant(asked.model, asked.adapter)).name} + {asked.adapter}"


def meant(model: str | None, adapter: Path | None) -> str | None:
    """An adapter knows its base better than a model of the configuration or the environment; one that is typed wins."""
    return model if adapter is None or given("model") else None


def introduction(asked: Speaking, policy: StreamPolicy, context: str = "") -> Iterator[str]:
    """Lines about what is going to speak: the model, if nobody named it, and a context that it will not understand.

    `asked` is what the user asked for, before it is `settled`.
    """
    if asked.model is None and asked.adapter is None:
        yield f"svlm: {recommendation_text.default_line(catalog.default_for(context))}"
    if misunderstood := policy.prompt.misunderstood(context, matches):
        yield sentence(misunderstood)


def place_of(asked: EngineOptions) -> "EnginePlace":
    """Where and how the options let it run. Raises `UsageError`."""
    from svlm_cli.engine.place import EnginePlace

    return EnginePlace.of(asked.device, asked.dtype, asked.attention, graphs=asked.graphs)


def load(
    checkpoint: "Checkpoint",
    policy: StreamPolicy,
    asked: EngineOptions,
    streams: int,
    tell: Callable[[str], None],
    questions: "Questions | None" = None,
) -> "Engine":
    """The checkpoint, where and as the options say, with room for so many streams and questions.

    `tell` hears beforehand if it will hardly fit, and afterwards whose policy it has, if that is not its own.
    """
    from svlm_cli.engine.footprint import NO_QUESTIONS

    place, room = place_of(asked), questions or NO_QUESTIONS
    if shortage := place.shortage(checkpoint.folder, policy, max_streams=streams, questions=room):
        tell(shortage)
    engine = place.load(checkpoint.folder, policy, adapter=checkpoint.adapter, max_streams=streams, questions=room)
    if checkpoint.notice and asked.policy is None:
        tell(sentence(checkpoint.notice, "--policy FILE gives it another, a policy.toml in its folder its own."))
    return engine
