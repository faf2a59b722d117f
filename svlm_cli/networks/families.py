"""The registry of model families, and detection of a checkpoint's family. Add new families here."""

from collections.abc import Mapping
from typing import Any, Final

from svlm_cli.checkpoints.fields import of_file
from svlm_cli.core.bounds import FieldError, shown
from svlm_cli.networks.family import Family
from svlm_cli.networks.qwen2_5_vl import shapes
from svlm_cli.networks.qwen2_5_vl.family import Qwen2_5VLFamily

FAMILIES: Final[dict[str, type[Family]]] = {one.model_type: one for one in (Qwen2_5VLFamily,)}
"""Families by `model_type`. The first is the default for networks from scratch."""

SHAPES: Final[Mapping[str, Family]] = shapes.PUBLISHED
"""Sizes of published checkpoints, by the names that benchmarks use."""

_ON_HUB: Final = {
    "Qwen/Qwen2.5-VL-3B-Instruct": "3b",
    "Qwen/Qwen2.5-VL-7B-Instruct": "7b",
    "mit-han-lab/StreamingVLM": "7b",
}


def published(hub_id: str) -> Family | None:
    """The family and sizes of a checkpoint on the hub; None if unknown."""
    shape = _ON_HUB.get(hub_id)
    return None if shape is None else SHAPES[shape]


def read_family(raw: Mapping[str, Any]) -> Family:
    """The family and sizes given by a ``config.json``. Raises `ModelError` naming the field at fault."""
    model_type = raw.get("model_type")
    if isinstance(model_type, str) and model_type in FAMILIES:
        return FAMILIES[model_type].read(raw)
    titles = " or ".join(family.title for family in FAMILIES.values())
    hint = f"Use a checkpoint of the {titles} family, with the config.json it was published with."
    with of_file("config.json", hint):
        found = "missing" if model_type is None else shown(model_type)
        raise FieldError(f"model_type is {found}, not {' or '.join(map(repr, FAMILIES))}")


def default_family() -> type[Family]:
    """The family of networks from scratch."""
    return next(iter(FAMILIES.values()))
