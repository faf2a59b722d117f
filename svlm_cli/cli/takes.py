"""A command that takes one dataclass of options. Knows no particular option."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

Asked = TypeVar("Asked")


def takes(kind: type[Asked]) -> Callable[[Callable[[Asked], None]], Callable[..., None]]:
    """Makes a function of one dataclass into one that Typer understands: each field becomes an option.

    A field that is a dataclass itself stands for its own fields.
    """
    parameters: list[inspect.Parameter] = []
    hints: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    own = get_type_hints(kind, include_extras=True)
    for name, parameter in inspect.signature(kind).parameters.items():
        if dataclasses.is_dataclass(own[name]):
            groups[name] = group = own[name]
            parameters += inspect.signature(group).parameters.values()
            hints |= get_type_hints(group, include_extras=True)
        else:
            parameters.append(parameter)
            hints[name] = own[name]

    def decorate(function: Callable[[Asked], None]) -> Callable[..., None]:
        def command(**values: Any) -> None:
            grouped = {
                name: group(**{field.name: values.pop(field.name) for field in dataclasses.fields(group)})
                for name, group in groups.items()
            }
            function(kind(**values, **grouped))

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__annotations__ = hints
        signature = inspect.Signature(sorted(parameters, key=lambda one: one.kind))  # keyword-only ones stand last
        setattr(command, "__signature__", signature)  # noqa: B010  functions declare no such attribute
        return command

    return decorate
