"""Checks ``--model_args`` of lmms-eval: model, way of looking, device. Does not import lmms-eval."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import UsageError
from svlm_cli.core.text import did_you_mean
from svlm_cli.evals.vqa.choices import Way

_MOST_FRAMES: Final = 4096
_MOST_SEED: Final = 2**63

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ModelArguments:
    """Named as typed. None is the model's own default."""

    pretrained: str  # a known model, a checkpoint folder, or OWNER/NAME on the hub
    revision: str | None = None
    way: Way = Way.STREAMING
    frames: int = 64  # for the way `full`
    recent_frames: int = 4  # for the way `recent`
    max_pixels: int | None = None  # per frame, in all ways
    fps: float | None = None  # for streams
    policy: Path | None = None  # a file with overrides of the model's own
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"
    attention: AttentionKernel = AttentionKernel.AUTO
    batch_size: int = 1  # streams at once, or clips read at once


def read_arguments(given: Mapping[str, object]) -> ModelArguments:
    """Parse arguments from lmms-eval, which has turned what looks like a number into one. Raises `UsageError`."""
    known = [one.name for one in fields(ModelArguments)]
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"There are {', '.join(known)}."
            raise UsageError(f"svlm has no model argument {shown(name)}.", hint)
    if "pretrained" not in given:
        raise UsageError(
            "The model argument pretrained is missing.", "Name a model, a checkpoint folder, or OWNER/NAME on the hub."
        )
    return ModelArguments(**{name: _READERS[name](name, value) for name, value in given.items()})


def _text(name: str, value: object) -> str:
    """A string; a folder named 7 arrives as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        raise UsageError(f"{name} must be a name, not {shown(value)}.")
    return str(value)


def _path(name: str, value: object) -> Path:
    return Path(_text(name, value))


def _number(name: str, value: object) -> float:
    """Bounds are checked by the policy."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} must be a number, not {shown(value)}.")
    return value


class _Whole:
    """An integer with bounds."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def __call__(self, name: str, value: object) -> int:
        number = int(value) if isinstance(value, str) and value.isdecimal() else value  # --batch_size is a string
        if isinstance(number, bool) or not isinstance(number, int) or not self._least <= number <= self._most:
            raise UsageError(f"{name} must be a whole number from {self._least} to {self._most}, not {shown(value)}.")
        return number


class _OneOf:
    """One of several words."""

    def __init__(self, kind: type[StrEnum]) -> None:
        self._kind = kind

    def __call__(self, name: str, value: object) -> StrEnum:
        if not isinstance(value, str) or value not in {*self._kind}:
            raise UsageError(f"{name} cannot be {shown(value)}.", f"Use {', '.join(self._kind)}.")
        return self._kind(value)


_READERS: Final[Mapping[str, Any]] = {
    "pretrained": _text,
    "revision": _text,
    "way": _OneOf(Way),
    "frames": _Whole(1, _MOST_FRAMES),
    "recent_frames": _Whole(1, _MOST_FRAMES),
    "max_pixels": _Whole(1, 100_000_000),
    "fps": _number,
    "policy": _path,
    "seed": _Whole(0, _MOST_SEED),
    "device": _text,
    "dtype": _text,
    "attention": _OneOf(AttentionKernel),
    "batch_size": _Whole(1, 4096),
}
