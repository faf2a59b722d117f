"""Losses of one GPU and of two, side by side: ``python -m tests.gpu.ranks [RECIPE.toml [STEPS]]``.

The recipe is that of svlm-mini's first run, 60 steps of it, unless another one is named.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from svlm_cli.training.recipe import Recipe, dump, read

ROOT = Path(__file__).resolve().parents[2]


def main(recipe: Path = ROOT / "models" / "svlm-mini" / "recipe-1-windows.toml", steps: int = 60) -> None:
    """Trains twice, and prints a line a step."""
    wanted = read(recipe).with_steps(steps)
    wanted = replace(wanted, output=replace(wanted.output, log_every=1))
    with tempfile.TemporaryDirectory() as folder:
        rows = [_run(wanted, Path(folder) / str(gpus), gpus) for gpus in (1, 2)]
    print("step   loss of 1   of 2       apart      norm of 1   of 2       k tokens/s of 1   of 2")  # noqa: T201
    for one, two in zip(*rows, strict=True):
        losses = f"{one['loss']:<12.5f}{two['loss']:<11.5f}{abs(one['loss'] - two['loss']):<11.1e}"
        norms = f"{one['grad_norm']:<12.4f}{two['grad_norm']:<11.4f}"
        print(f"{one['step']:<7}{losses}{norms}{one['tokens_per_s'] / 1e3:<18.1f}{two['tokens_per_s'] / 1e3:.1f}")  # noqa: T201


def _run(recipe: Recipe, folder: Path, gpus: int) -> list[dict[str, float]]:
    path = folder.with_suffix(".toml")
    path.write_text(dump(recipe), encoding="utf-8")
    command = [sys.executable, "-m", "svlm_cli", "train", str(path), "--output", str(folder), "--gpus", str(gpus)]
    subprocess.run(command, cwd=ROOT, check=True)
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((Path, int), sys.argv[1:], strict=False)))
