"""Options that belong together, as one dataclass in a command's signature.

A field of the dataclass is declared as a parameter would be: ``name: Annotated[TYPE, typer.Option(...)] = DEFAULT``.
Knows no option.
"""

import dataclasses
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameters that are dataclasses become an option for each of their fields."""
    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        kind = parameter.annotation
        if not (inspect.isclass(kind) and dataclasses.is_dataclass(kind)):
            parameters.append(parameter)
            continue
        groups[parameter.name] = kind
        parameters += inspect.signature(kind, eval_str=True).parameters.values()

    @wraps(command)
    def call(**values: Any) -> None:
        filled = {
            name: kind(**{field.name: values.pop(field.name) for field in dataclasses.fields(kind)})
            for name, kind in groups.items()
        }
        command(**values, **filled)

    ordered = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    vars(call)["__signature__"] = signature.replace(parameters=ordered)
    call.__annotations__ = {one.name: one.annotation for one in ordered} | {"return": None}
    del vars(call)["__wrapped__"]  # whoever looks for the signature must not look behind it
    return call
