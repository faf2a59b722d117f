"""A small model for anybody's video: learns to see, then to speak at length, and is measured on unseen footage.

    python -m tests.experiments.footage RUNS --photos PHOTOS --models even eyes --gpus 0 1 --steps 6000 600

PHOTOS is what `python -m tests.simulator.footage.photos PHOTOS` makes. Each model has a GPU of its own. What is done is
not done again, and a run that was stopped goes on, so the call may be made again until all is there. RUNS/MODEL/see
and RUNS/MODEL/speak have recipe, log and weights; RUNS/MODEL/footage.json is what `svlm eval footage` found.
"""

import argparse
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from svlm_cli.simulator.footage.render import MODEL_SIZE
from svlm_cli.training.log import rows_of
from svlm_cli.training.recipe import Recipe, dump, read
from tests.experiments.stages import svlm_call
from tests.experiments.variants import Changes, changed
from tests.training.recipes import SIZES

STAGES: Final = ("see", "speak")
BATCH: Final = 64  # windows per step in the first stage

# Both have 6.5 million parameters: as bfloat16, what is left for them in the package.
MODELS: Final[dict[str, Changes]] = {
    "even": {
        "model.text.hidden_size": 192,
        "model.text.intermediate_size": 512,
        "model.text.num_hidden_layers": 6,
        "model.text.num_attention_heads": 3,
        "model.text.num_key_value_heads": 1,
        "model.vision.depth": 7,
        "model.vision.fullatt_block_indexes": (2, 4, 6),
    },
    "eyes": {
        "model.text.hidden_size": 192,
        "model.text.intermediate_size": 448,
        "model.text.num_hidden_layers": 5,
        "model.text.num_attention_heads": 3,
        "model.text.num_key_value_heads": 1,
        "model.vision.depth": 9,
        "model.vision.intermediate_size": 448,
        "model.vision.fullatt_block_indexes": (2, 5, 8),
    },
}

_SEE: Final[Changes] = {
    "info.title": "svlm-footage",
    "info.summary": "Says what moves, where and which way, and what the camera does, in any video.",
    "data.seed": 1,
    "data.simulator.match_minutes": (4.0,),
    "data.simulator.windows_per_match": 28,
    "data.simulator.matches_per_block": 256,
    "data.simulator.world": "footage",
    "data.simulator.match_share": 0.05,
    "windows.seconds": 24,
    "windows.overlap_seconds": 16,  # what takes the workers' time is a footage's truth, not its windows
    "windows.context_only_share": 0.0,
    "windows.confusion": 0.3,
    "windows.fps": (),
    "windows.fps_weights": (),
    "windows.streamed": True,
    "base_stage.share": 1.0,
    "base_stage.until": 0.6,
    "base_stage.share_after": 0.3,
    "base_stage.cell_loss": 0.2,
    "base_stage.cell_share": 0.5,  # most of a step's time went to words, which were not what was missing
    "optimisation.learning_rate": 1e-3,
    "output.save_every": 500,
    "policy.vision.aspect": MODEL_SIZE[1] / MODEL_SIZE[0],
    "policy.vision.max_pixels": MODEL_SIZE[0] * MODEL_SIZE[1],
    "policy.windows.sink_tokens": 16,
    "policy.windows.vision_rounds": 8,  # what moves is seen within seconds; the words remember the rest
    "policy.windows.text_rounds": 8,
    "policy.prompt.query": "Say what happens.",
    "policy.sampling.max_new_tokens": 8,
}
_SPEAK: Final[Changes] = {
    "data.seed": 2,
    "data.simulator.match_minutes": (4.0,),
    "data.simulator.windows_per_match": 17,
    "data.simulator.matches_per_block": 256,
    "windows.seconds": 48,
    "windows.overlap_seconds": 36,
    "base_stage.share": 0.0,
    "base_stage.share_after": 0.0,
    "base_stage.cell_loss": 0.0,
    "base_stage.cell_share": 0.0,
    "optimisation.batch": 24,
    "optimisation.learning_rate": 4e-4,
}


@dataclass(frozen=True, slots=True)
class Options:
    """Of the command line."""

    runs: Path
    photos: Path | None
    steps: tuple[int, ...]  # of each stage
    workers: int
    scale: float
    matches: int
    minutes: float
    start: Path | None = None  # a model to go on from
    batch: int = BATCH


def recipe_of(model: str, stage: str, options: Options) -> Recipe:
    """The recipe of a stage; the second begins from what the first has left."""
    recipe = read(Path(__file__).parents[2] / "models" / "svlm-mini" / "recipe-1-windows.toml")
    start = options.start if stage == "see" else options.runs / model / "see"
    base = "" if start is None else str(start.absolute())
    photos = "" if options.photos is None else str((options.photos / "train").absolute())
    changes: dict[str, Any] = {**_SEE, **MODELS[model], **(_SPEAK if stage == "speak" else {})}
    changes |= {"model.base": base, "data.workers": options.workers, "data.simulator.photos": photos}
    changes["optimisation.steps"] = options.steps[STAGES.index(stage)]
    if stage == "see":
        rate = _SEE["optimisation.learning_rate"] * (options.batch / BATCH) ** 0.5
        changes |= {"optimisation.batch": options.batch, "optimisation.learning_rate": rate}
    recipe = changed(recipe, changes)
    return recipe if options.scale == 1 else _scaled(recipe, options.scale)


def _scaled(recipe: Recipe, scale: float) -> Recipe:
    """Few steps of a tiny model, to try the way."""
    simulator = replace(recipe.data.simulator, matches_per_block=2)
    optimisation = recipe.optimisation
    steps = max(2, round(optimisation.steps * scale))
    return replace(
        recipe,
        model=replace(SIZES, base=recipe.model.base, vocabulary=768),
        data=replace(recipe.data, simulator=simulator),
        optimisation=replace(optimisation, steps=steps, batch=2, bf16=False, compile=False),
        output=replace(recipe.output, log_every=1),
    )


def run(model: str, gpu: str, options: Options) -> None:
    """Trains and measures one model."""
    folder = options.runs / model
    folder.mkdir(parents=True, exist_ok=True)
    for stage in STAGES:
        target, recipe_file = folder / stage, folder / f"{stage}.toml"
        if (folder / f"{stage}.done").exists():
            continue
        goes_on = (target / "recipe.toml").exists()
        recipe_file.write_text(dump(recipe_of(model, stage, options)), encoding="utf-8")
        if _svlm(folder, gpu, "train", recipe_file, "--output", target, *(["--resume"] if goes_on else [])):
            return
        (folder / f"{stage}.done").touch()
    if (folder / "footage.json").exists():
        return
    photos = [] if options.photos is None else ["--photos", options.photos / "held-out"]
    length = ["--matches", options.matches, "--minutes", options.minutes, "--seed", 100_000]
    precision = [] if gpu == "cpu" else ["--dtype", "bfloat16"]
    report, target = folder / "footage.part", folder / STAGES[-1]
    if not _svlm(folder, gpu, "eval", "footage", "--model", target, *photos, *length, *precision, "--json", to=report):
        report.rename(folder / "footage.json")


def _svlm(folder: Path, gpu: str, *words: object, to: Path | None = None) -> int:
    """Runs a command of svlm; what it says goes to a log, or what it prints to a file."""
    command, environment = svlm_call(gpu, *words)
    with (folder / "log.txt").open("ab") as log, (to or folder / "log.txt").open("ab" if to is None else "wb") as out:
        code = subprocess.run(command, stdout=out, stderr=log, env=environment, check=False).returncode
    if code:
        print(f"svlm {words[0]} ended with {code}: see {folder / 'log.txt'}", file=sys.stderr)  # noqa: T201
    return code


def tell(model: str, options: Options) -> None:
    """How each stage ended, and what was found."""
    folder = options.runs / model
    for stage in STAGES:
        log = folder / stage / "log.jsonl"
        if log.exists():
            last = [row for row in rows_of(log) if "loss" in row][-1]
            print(f"{model} {stage}: {json.dumps(last)}")  # noqa: T201
    if (folder / "footage.json").exists():
        f1 = json.loads((folder / "footage.json").read_text(encoding="utf-8"))["f1"]
        values = {topic: one["value"] and round(one["value"], 3) for topic, one in f1.items()}
        print(f"{model} F1: {json.dumps(values)}")  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="a folder for all that is made")
    parser.add_argument("--photos", type=Path, help="a folder with train and held-out; default: patterns alone")
    parser.add_argument("--models", nargs="+", default=["even"], choices=sorted(MODELS))
    parser.add_argument("--start", type=Path, help="a model of this kind to go on from; default: from scratch")
    parser.add_argument("--gpus", nargs="+", default=["cpu"], help="one for each model; cpu: the CPU")
    parser.add_argument("--steps", nargs=2, type=int, default=(6000, 600), help="to see, and to speak")
    parser.add_argument(
        "--batch", type=int, default=BATCH, help="windows per step, to see; learns faster with its root"
    )
    parser.add_argument("--workers", type=int, default=12, help="processes that make windows, for each model")
    parser.add_argument("--scale", type=float, default=1.0, help="below 1: few steps of tiny models, to try the way")
    parser.add_argument("--matches", type=int, default=20, help="stretches of footage to measure with")
    parser.add_argument("--minutes", type=float, default=10.0, help="of each")
    asked = parser.parse_args(arguments)
    if len(asked.gpus) != len(asked.models):
        parser.error("--gpus needs one entry for each of --models")
    options = Options(
        asked.runs,
        asked.photos,
        tuple(asked.steps),
        asked.workers,
        asked.scale,
        asked.matches,
        asked.minutes,
        asked.start,
        asked.batch,
    )
    works = [partial(run, model, gpu, options) for model, gpu in zip(asked.models, asked.gpus, strict=True)]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model in asked.models:
        tell(model, options)
    return 0 if all((options.runs / model / "footage.json").exists() for model in asked.models) else 1


if __name__ == "__main__":
    sys.exit(main())
