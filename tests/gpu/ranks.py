"""Losses of one GPU and of two, side by side: ``python -m tests.gpu.ranks [RECIPE.toml [STEPS]]``.

Both are run twice: so it is known how far apart equal runs are. The recipe is that of svlm-mini's first run, 200 steps
of it, unless another one is named.
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
    """Trains four times, prints a line for every tenth step, and how far the second half is from the first run's."""
    wanted = read(recipe).with_steps(steps)
    wanted = replace(wanted, output=replace(wanted.output, log_every=1))
    with tempfile.TemporaryDirectory() as folder:
        alone = [_start(wanted, Path(folder) / f"alone{gpu}", gpus=1, seen=str(gpu)) for gpu in (0, 1)]
        runs = dict(zip(("1", "1 again"), map(_rows, alone), strict=True))
        for name in ("2", "2 again"):
            runs[name] = _rows(_start(wanted, Path(folder) / name, gpus=2, seen="0,1"))
    print("step   " + "".join(f"loss of {name:<10}" for name in runs))  # noqa: T201
    for row in list(zip(*runs.values(), strict=True))[9::10]:
        print(f"{row[0]['step']:<7}" + "".join(f"{run['loss']:<18.5f}" for run in row))  # noqa: T201
    first = _second_half(runs["1"], "loss")
    for name, rows in runs.items():
        ours = _second_half(rows, "loss")
        apart = statistics.mean(abs(own - one) / one for own, one in zip(ours, first, strict=True))
        higher = statistics.mean(ours) / statistics.mean(first) - 1
        rate = statistics.median(_second_half(rows, "tokens_per_s")) / 1e6
        print(f"{name:8} {apart:.2%} apart from 1 in the mean, {higher:+.2%} higher; {rate:.2f} million tokens/s")  # noqa: T201


def _second_half(rows: list[dict[str, float]], name: str) -> list[float]:
    return [row[name] for row in rows[len(rows) // 2 :]]


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
