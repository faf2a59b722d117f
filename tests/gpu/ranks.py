"""Losses of one GPU and of two, side by side: ``python -m tests.gpu.ranks [RECIPE.toml [STEPS]]``.

One GPU trains twice, each time on another one of the two: so it is known how far apart equal runs are. The recipe is
that of svlm-mini's first run, 200 steps of it, unless another one is named.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from svlm_cli.training.recipe import Recipe, dump, read

ROOT = Path(__file__).resolve().parents[2]


def main(recipe: Path = ROOT / "models" / "svlm-mini" / "recipe-1-windows.toml", steps: int = 200) -> None:
    """Trains three times, and prints a line for every tenth step."""
    wanted = read(recipe).with_steps(steps)
    wanted = replace(wanted, output=replace(wanted.output, log_every=1))
    with tempfile.TemporaryDirectory() as folder:
        alone = [_start(wanted, Path(folder) / f"alone{gpu}", gpus=1, seen=str(gpu)) for gpu in (0, 1)]
        rows = [_rows(run) for run in alone]
        rows.append(_rows(_start(wanted, Path(folder) / "both", gpus=2, seen="0,1")))
    print("step   loss of 1    1 again      2            norm of 1    1 again      2            k tokens/s of 1, 2")  # noqa: T201
    for row in list(zip(*rows, strict=True))[9::10]:
        losses = "".join(f"{run['loss']:<13.5f}" for run in row)
        norms = "".join(f"{run['grad_norm']:<13.4f}" for run in row)
        rates = f"{row[0]['tokens_per_s'] / 1e3:<10.1f}{row[2]['tokens_per_s'] / 1e3:.1f}"
        print(f"{row[0]['step']:<7}{losses}{norms}{rates}")  # noqa: T201
    for name, other in (("1 again", rows[1]), ("2", rows[2])):
        apart = [abs(one["loss"] - row["loss"]) / one["loss"] for one, row in zip(rows[0], other, strict=True)]
        print(f"loss of {name}, from 1: {statistics.mean(apart):.2%} apart in the mean, {max(apart):.2%} at most")  # noqa: T201


def _start(recipe: Recipe, folder: Path, *, gpus: int, seen: str) -> tuple[subprocess.Popen[bytes], Path]:
    path = folder.with_suffix(".toml")
    path.write_text(dump(recipe), encoding="utf-8")
    command = [sys.executable, "-m", "svlm_cli", "train", str(path), "--output", str(folder), "--gpus", str(gpus)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "CUDA_VISIBLE_DEVICES": seen}), folder


def _rows(run: tuple[subprocess.Popen[bytes], Path]) -> list[dict[str, float]]:
    process, folder = run
    if process.wait():
        raise SystemExit(f"the run in {folder.name} failed")
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((Path, int), sys.argv[1:], strict=False)))
