"""The arguments of `caption`, as one object."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING

from svlm_cli.core.types import Frame, Picture
from svlm_cli.sources.opening import SourceOptions

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """The arguments of `caption`, validated by `door.py`."""

    source: str | PathLike[str] | Iterable[Frame | Picture]
    model: "str | PathLike[str] | Engine | None"
    fps: float | None  # for bare pictures
    query: str | None
    context: str
    seed: int
    sources: SourceOptions = field(default_factory=SourceOptions)
