"""Ways to train, each as named changes of one recipe. Data: runs nothing."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from svlm_cli.training.parts import NetworkPart
from svlm_cli.training.recipe import Recipe, WindowLayout, read
from tests.training.recipes import SIZES

Changes = Mapping[str, Any]
"""Values of a recipe by their names in it, as in ``windows.overlap_seconds``."""

BASE: Final = "base"  # the better of the two below
OVERLAP_IN_THE_PAPER: Final = (62.51, 66.18)

_STEPS, _MORE_STEPS, _STREAM_STEPS = 1000, 150, 60
_SETS: Final = {16: 400, 64: 200, 256: 100}  # matches, and windows of each that are shuffled together
_STREAMED: Final = ("stage-1", "stage-1-again", "no-overlap", "no-overlap-again", "few-256", "few-256-no-overlap")

_SEEING: Final[Changes] = {
    "info.title": "A model that describes",
    "model.base": "",
    "data.seed": 101,
    "data.simulator.match_minutes": (60.0, 20.0),
    "data.simulator.windows_per_match": 900,
    "data.simulator.matches_per_block": 15,
    "windows.overlap_seconds": 12,
    "windows.confusion": 0.0,
    "windows.fps": (),
    "windows.fps_weights": (),
    "base_stage.share": 1.0,
    "base_stage.until": 1.0,
    "base_stage.share_after": 1.0,
    "optimisation.steps": 1500,
    "output.save_every": 300,
}
_STAGE_1: Final[Changes] = {
    "info.title": "A model that was trained in one of several ways",
    "data.seed": 201,
    "windows.confusion": 0.5,
    "base_stage.share": 0.0,
    "base_stage.share_after": 0.0,
    "optimisation.steps": _STEPS,
    "optimisation.learning_rate": 1e-3,
    "optimisation.frozen": (NetworkPart.VISION,),
    "output.save_every": 250,
}
_MORE: Final[Changes] = {
    "data.seed": 301,
    "optimisation.steps": _MORE_STEPS,
    "optimisation.learning_rate": 2e-4,
}
_CLIPS: Final[Changes] = {
    **_MORE,
    "data.simulator.match_minutes": (60.0,),
    "data.simulator.windows_per_match": 160,
    "data.simulator.matches_per_block": 42,
    "windows.clips.longest_seconds": 64,
}
_STREAMS: Final[Changes] = {
    "data.seed": 401,
    "data.simulator.match_minutes": (60.0,),
    "data.simulator.windows_per_match": 148,
    "data.simulator.matches_per_block": 7,
    "windows.streamed": True,
    "windows.seconds": 48,
    "windows.overlap_seconds": 24,
    "windows.context_only_share": 0.5,
    "optimisation.steps": _STREAM_STEPS,
    "optimisation.batch": 16,
    "optimisation.learning_rate": 4e-4,
}


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to train: the recipe of stage 1 with `changes`, from what `base` has left."""

    name: str
    title: str
    changes: Changes = field(default_factory=dict)
    base: str = BASE
    against: str = ""  # whose result its own is compared with
    repeat: bool = False
    paper: tuple[float, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """The changes as they stand in a recipe."""
        return tuple(f"{name} = {json.dumps(value)}" for name, value in self.changes.items())


def _sets() -> Iterator[Variant]:
    """Sets of matches that have an end, with their own names: each with overlap, and without it in as many steps."""
    for matches, windows in _SETS.items():
        name, those = f"few-{matches}", f"{matches} matches of 10 minutes, always with the same names"
        changes: dict[str, Any] = {
            "data.simulator.matches": matches,
            "data.simulator.match_minutes": (10.0,),
            "data.simulator.own_teams": False,
            "data.simulator.matches_per_block": matches,
            "data.simulator.windows_per_match": windows,
        }
        yield Variant(name, those, changes, against="stage-1")
        yield Variant(
            f"{name}-no-overlap",
            f"{those}, windows without overlap, same number of steps",
            changes | {"windows.overlap_seconds": 0},
            against=name,
            paper=OVERLAP_IN_THE_PAPER,
        )


def _short() -> Iterator[Variant]:
    """Windows of 8 s: borders are three times as many."""
    few = next(one for one in _sets() if one.name == "few-64")
    short = dict(few.changes) | {
        "data.simulator.windows_per_match": 400,
        "windows.seconds": 8,
        "windows.overlap_seconds": 4,
        "optimisation.batch": 128,
    }
    yield Variant("short-64", f"{few.title}, windows of 8 s that overlap by 4 s", short, against="few-64")
    yield Variant(
        "short-64-no-overlap",
        f"{few.title}, windows of 8 s without overlap, same number of steps",
        short | {"windows.overlap_seconds": 0},
        against="short-64",
        paper=OVERLAP_IN_THE_PAPER,
    )


BASES: Final = (
    Variant("base-0", "dense descriptions only"),
    Variant("base-1", "dense descriptions only, other initial weights", {"optimisation.seed": 1, "data.seed": 102}),
)

_WINDOWS: Final = (
    Variant("stage-1", f"stage 1 only: windows of 24 s that overlap by 12 s, {_STEPS:,} steps"),
    Variant("stage-1-again", "the same with other data", {"data.seed": 202}, against="stage-1", repeat=True),
    Variant(
        "no-overlap",
        "windows without overlap, unlimited matches",
        {"windows.overlap_seconds": 0},
        against="stage-1",
        paper=OVERLAP_IN_THE_PAPER,
    ),
    Variant(
        "no-overlap-again",
        "the same with other data",
        {"data.seed": 202, "windows.overlap_seconds": 0},
        against="no-overlap",
        repeat=True,
    ),
    *_sets(),
    Variant("more", f"stage 1, then {_MORE_STEPS} more steps", _MORE, "stage-1", "stage-1"),
    Variant(
        "annealing",
        f"stage 1, then {_MORE_STEPS} steps on clips of 16 to 64 s with words about visible events only",
        {**_CLIPS, "windows.clips.seen_only": True},
        "stage-1",
        "more",
    ),
    Variant(
        "annealing-memory",
        f"stage 1, then {_MORE_STEPS} steps on such clips, also with scores from memory",
        _CLIPS,
        "stage-1",
        "more",
    ),
    Variant(
        "lora",
        "LoRA of rank 64 on the language model",
        {"adapter.rank": 64, "optimisation.frozen": (), "optimisation.learning_rate": 2e-3},
        against="stage-1",
    ),
    Variant("published", "the published layout", {"windows.layout": WindowLayout.PUBLISHED}, against="stage-1"),
    *_short(),
)


def _streamed() -> Iterator[Variant]:
    """Models of plain windows that are then taught, in a few steps, to read what a stream keeps."""
    for one in _WINDOWS:
        if one.name in _STREAMED:
            yield replace(
                one,
                name=f"{one.name}-streams",
                title=f"{one.name}, then {_STREAM_STEPS} steps on streamed windows of 48 s",
                changes=_STREAMS,
                base=one.name,
                against=f"{one.against}-streams" if one.against else one.name,
            )


VARIANTS: Final = (*_WINDOWS, *_streamed())
"""Each stands after the one that it is compared with."""


def recipe_of(variant: Variant, base: str, *, workers: int, scale: float) -> Recipe:
    """The recipe of a variant, from the checkpoint `base`; a `scale` below 1 makes everything small, to try the way."""
    recipe = read(Path(__file__).parents[2] / "models" / "svlm-mini" / "recipe-1-windows.toml")
    seeing = variant in BASES
    changes = {**_SEEING, **({} if seeing else {**_STAGE_1, "model.base": base}), **variant.changes}
    recipe = changed(recipe, {**changes, "data.workers": workers})
    return recipe if scale == 1 else _scaled(recipe, scale)


def changed(part: Any, changes: Changes) -> Any:
    """A recipe, or a table of one, with other values, which are checked together."""
    values: dict[str, Any] = {}
    tables: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in changes.items():
        first, _, rest = name.partition(".")
        if rest:
            tables[first][rest] = value
        else:
            values[first] = value
    return replace(part, **values, **{name: changed(getattr(part, name), inner) for name, inner in tables.items()})


def _scaled(recipe: Recipe, scale: float) -> Recipe:
    optimisation, simulator = recipe.optimisation, recipe.data.simulator
    few = max(2, math.ceil(simulator.matches * scale)) if simulator.matches else 0
    model = replace(SIZES, base=recipe.model.base)
    return replace(
        recipe,
        model=model,
        data=replace(
            recipe.data,
            simulator=replace(simulator, match_minutes=(10.0,), matches=few, matches_per_block=2, windows_per_match=20),
        ),
        optimisation=replace(
            optimisation, steps=max(4, round(optimisation.steps * scale)), batch=2, bf16=False, compile=False
        ),
        output=replace(recipe.output, log_every=1),
    )
