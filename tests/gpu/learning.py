"""What learning takes on GPUs: memory, model FLOPs and waiting for data, beside what ``--dry-run`` says of it.

    python -m tests.gpu.random_checkpoint 7b BASE
    python -m tests.gpu.learning BASE FOLDER --gpus 2 --batch 2 --checkpointing
    python -m tests.gpu.learning BASE FOLDER --read --workers 32

Windows of 24 s at 2 frames a second and 252 tokens a pair, from 720p H.264, with three words a second. FOLDER keeps the
video. A run is stopped after its last step, before a checkpoint is written: the weights are random. With ``--read``
nothing is learned: it says how many windows a second so many workers read.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.policy import SamplingPolicy, StreamPolicy, VisionPolicy
from svlm_cli.media.ffmpeg import find_ffmpeg
from svlm_cli.networks.weights import load_family, load_preprocessor
from svlm_cli.training.annotation_recipe import AnnotationRecipe
from svlm_cli.training.data import open_data
from svlm_cli.training.layout import Layout
from svlm_cli.training.parts import AdapterRecipe, NetworkPart, Quantisation
from svlm_cli.training.recipe import (
    DataRecipe,
    ModelRecipe,
    Optimisation,
    OptimizerMoments,
    OutputRecipe,
    Recipe,
    Source,
    WindowRecipe,
    dump,
)
from tests.training.recipes import annotation_line

ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS: Final = 300
PIXELS: Final = 256 * 28 * 28
PEAK_TFLOPS: Final = 790.0  # of an H200 in bfloat16, as measured with matrices
WARM_UP: Final = 3  # steps, which compile and fill caches
READ_BATCHES: Final = 4


def main() -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--adapter", choices=["lora", "nf4"])
    parser.add_argument("--eight-bit", action="store_true", help="moments")
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--read", action="store_true")
    asked = parser.parse_args()
    if asked.read:
        asked.batch, asked.accumulate = asked.workers, 1
        _read(asked, _recipe(asked, _records(asked.folder)))
        return
    recipe = _recipe(asked, _records(asked.folder))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.toml"
        path.write_text(dump(recipe), encoding="utf-8")
        told = json.loads(_svlm("train", path, "--dry-run", "--json", "--gpus", asked.gpus))
        rows = _run(path, asked.gpus, asked.steps)
    _print(asked, told, rows)


def _records(folder: Path) -> Path:
    """An annotation file of one video, made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    video, records = folder / "720p.mp4", folder / "records.jsonl"
    if not video.exists():
        source = ["-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=30:duration={SECONDS}"]
        encode = ["-c:v", "libx264", "-preset", "veryfast", "-g", "60", "-pix_fmt", "yuv420p"]
        made = video.with_name("made.mp4")
        subprocess.run([find_ffmpeg().path, "-y", "-loglevel", "error", *source, *encode, str(made)], check=True)
        made.rename(video)
    records.write_text(annotation_line(str(video), SECONDS) + "\n", encoding="utf-8")
    return records


def _recipe(asked: argparse.Namespace, records: Path) -> Recipe:
    recipe = Recipe(
        model=ModelRecipe(base=str(asked.base.absolute())),
        data=DataRecipe(
            source=Source.ANNOTATIONS, workers=asked.workers, annotations=AnnotationRecipe(files=(str(records),))
        ),
        windows=WindowRecipe(),
        optimisation=Optimisation(
            steps=1000,
            batch=asked.batch,
            accumulate=asked.accumulate,
            learning_rate=1e-5,
            compile=asked.compile,
            checkpointing=asked.checkpointing,
            moments=OptimizerMoments.BITS8 if asked.eight_bit else OptimizerMoments.FLOAT32,
            frozen=() if asked.adapter else (NetworkPart.VISION,),
        ),
        output=OutputRecipe(save_every=100_000),
        policy=StreamPolicy(
            vision=VisionPolicy(min_pixels=PIXELS // 2, max_pixels=PIXELS), sampling=SamplingPolicy(max_new_tokens=40)
        ),
    )
    if asked.adapter:
        quantize = Quantisation.NF4 if asked.adapter == "nf4" else Quantisation.NONE
        recipe = replace(recipe, adapter=AdapterRecipe(rank=64, quantize=quantize))
    return recipe


def _svlm(*arguments: object) -> str:
    command = [sys.executable, "-m", "svlm_cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _run(path: Path, gpus: int, steps: int) -> list[dict[str, Any]]:
    """The log of the first steps."""
    log = path.with_suffix("") / "log.jsonl"
    command = [sys.executable, "-m", "svlm_cli", "train", str(path), *(["--gpus", str(gpus)] if gpus > 1 else [])]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
        while process.poll() is None:
            time.sleep(0.2)
            rows = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
            if len(rows) >= steps:
                os.killpg(process.pid, signal.SIGINT)
                break
    return [json.loads(row) for row in log.read_text(encoding="utf-8").splitlines()[:steps]]


def _read(asked: argparse.Namespace, recipe: Recipe) -> None:
    family = load_family(asked.base)
    layout = Layout(asked.base, recipe.policy, family)
    with closing(open_data(recipe, layout, load_preprocessor(asked.base, family), print)) as data:
        batches = data.batches(0)
        next(batches)  # by then the next two are being read
        begun = time.perf_counter()
        for _ in range(READ_BATCHES):
            next(batches)
        passed_s = time.perf_counter() - begun
    windows = READ_BATCHES * asked.batch
    print(f"{asked.workers} workers: {windows} windows in {passed_s:.1f} s, {windows / passed_s:.1f} a second")  # noqa: T201


def _print(asked: argparse.Namespace, told: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    measured = rows[WARM_UP:] or rows
    steps_per_s = statistics.median(row["steps_per_s"] for row in measured)
    tflops = told["flops_per_step"] * steps_per_s / asked.gpus / 1e12
    logged = statistics.median(row["tflops_per_s"] for row in measured)
    waited = statistics.mean(row["waited_share"] for row in measured)
    told_gb, peak = told["peak_bytes"] / 1e9, max(row.get("peak_bytes") or 0 for row in rows) / 1e9
    lines = {
        "run": " ".join(sys.argv[3:]),
        "window": f"{told['window']['tokens']:,.0f} tokens, {told['window']['visual']:,.0f} of them visual",
        "step": f"{1 / steps_per_s:.3f} s, {told['windows_per_step']} windows, waited {waited:.1%}",
        "model TFLOP/s a GPU": f"{logged:.4g}, {logged / PEAK_TFLOPS:.1%} of {PEAK_TFLOPS:g}; --dry-run: {tflops:.4g}",
        "peak GB a GPU": f"{peak:.2f}, told {told_gb:.2f} ({told_gb / peak - 1:+.1%})"
        if peak
        else f"told {told_gb:.2f}",
        "loss": " ".join(f"{row['loss']:.3f}" for row in rows),
    }
    for name, value in lines.items():
        print(f"{name:<22}{value}")  # noqa: T201


if __name__ == "__main__":
    main()
