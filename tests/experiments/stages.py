"""Does each part of the training help? Trains every variant, measures it in Endless Match, and writes what came of it.

    python -m tests.experiments.stages RUNS --gpus 0 1 0 1 0 1 --workers 5 --claims docs/claims

Several variants run at once, one for each entry of `--gpus`: a GPU that is named twice has two. The first two entries
should differ: they get the two models from which all others begin. What is done is not done again, and a run that was
stopped goes on, so the call may be made again until all is there. Everything of a variant is in RUNS/NAME: its recipe,
its model, its log, its results.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.version import __version__
from svlm_cli.evals.claims.results import RowResult, read_results
from svlm_cli.evals.claims.training import event_f1, training_claim
from svlm_cli.evals.claims.training_file import TRAINING_NAME, read_training
from svlm_cli.training.recipe import dump
from svlm_cli.training.replacing import replace_text
from tests.experiments.variants import BASE, BASES, VARIANTS, Variant, recipe_of

MODES = ("window-overlap", "streaming")  # rows of `svlm eval claims`, and modes of a policy


@dataclass(frozen=True, slots=True)
class Options:
    """Of the command line."""

    runs: Path
    gpus: tuple[str, ...]  # a run at a time for each; "cpu" is the CPU
    scale: float
    workers: int
    matches: int
    minutes: float
    seed: int
    stop_after_s: float
    claims: Path  # a folder


class StepError(Exception):
    """A command that failed."""


@dataclass(slots=True)
class Board:
    """Which variants are to be done, are under way, and have an end; for several threads."""

    waiting: list[Variant]
    trained: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    running: int = 0
    changes: threading.Condition = field(default_factory=threading.Condition)

    def take(self) -> Variant | None:
        """The next one whose base is there; waits for bases. None if there is none, or will be none."""
        with self.changes:
            while True:
                ready = next((one for one in self.waiting if self._is_ready(one)), None)
                if ready is not None:
                    self.waiting.remove(ready)
                    self.running += 1
                    return ready
                if not self.running:
                    return None
                self.changes.wait()

    def _is_ready(self, variant: Variant) -> bool:
        if variant in BASES:
            return True
        needed = {one.name for one in BASES} if variant.base == BASE else {variant.base}
        return needed <= self.trained

    def give_back(self, variant: Variant) -> None:
        """One that was taken too late, or stopped."""
        with self.changes:
            self.waiting.insert(0, variant)

    def note(self, variant: Variant, *, trained: bool = False, over: bool = False, failed: bool = False) -> None:
        """What has become of one."""
        with self.changes:
            if trained:
                self.trained.add(variant.name)
            if failed:
                self.failed.add(variant.name)
            self.running -= over
            self.changes.notify_all()


class Runs:
    """All that is done for the variants, each in its folder. What has been measured is told at once."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._telling = threading.Lock()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._stopping = False
        self._began_s = time.monotonic()

    def work(self, board: Board, gpu: str) -> None:
        """What one thread does."""
        while self._in_time() and (variant := board.take()) is not None:
            if not self._in_time():
                board.give_back(variant)
                board.note(variant, over=True)
                return
            try:
                self._train(variant, gpu)
                board.note(variant, trained=True)
                if variant not in BASES:
                    self._measure(variant, gpu)
            except (StepError, SvlmError, OSError, LookupError, ValueError) as error:  # the others go on
                if self._stopping:
                    board.give_back(variant)
                else:
                    board.note(variant, failed=True)
                    self._say(variant, f"failed: {error}")
            finally:
                board.note(variant, over=True)

    def stop(self) -> None:
        """Ends what is running."""
        self._stopping = True
        for child in list(self._children):
            with suppress(ProcessLookupError):
                child.terminate()

    def folder(self, variant: Variant) -> Path:
        return self._options.runs / variant.name

    def _in_time(self) -> bool:
        return not self._stopping and time.monotonic() - self._began_s < self._options.stop_after_s

    def _train(self, variant: Variant, gpu: str) -> None:
        folder, model = self.folder(variant), self.folder(variant) / "model"
        if (folder / "trained").exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        recipe = recipe_of(variant, self._base(variant), workers=self._options.workers, scale=self._options.scale)
        (folder / "recipe.toml").write_text(dump(recipe), encoding="utf-8")
        goes_on = (model / "recipe.toml").exists()
        took_s = self._svlm(
            variant, gpu, "train", folder / "recipe.toml", "--output", model, *(["--resume"] if goes_on else [])
        )
        if recipe.adapter.used:
            shutil.rmtree(folder / "merged", ignore_errors=True)
            self._svlm(variant, "", "models", "merge", model, "-o", folder / "merged")
        (folder / "trained").write_text(f"{took_s:.1f}\n")
        self._say(variant, f"trained in {took_s:.0f} s")

    def _base(self, variant: Variant) -> str:
        """The checkpoint that it begins from: of the two that see, the one that describes better."""
        if variant in BASES:
            return ""
        if variant.base != BASE:
            return str((self._options.runs / variant.base / "model").absolute())
        best = max(BASES, key=lambda one: last_line(self.folder(one))["dense"])
        return str((self.folder(best) / "model").absolute())

    def _measure(self, variant: Variant, gpu: str) -> None:
        folder, options = self.folder(variant), self._options
        merged = folder / "merged"
        model = merged if merged.exists() else folder / "model"
        rows = [word for mode in MODES for word in ("--row", mode)]
        length = ["--matches", options.matches, "--minutes", options.minutes, "--seed", options.seed]
        precision = [] if gpu == "cpu" else ["--dtype", "bfloat16"]
        took_s = self._svlm(
            variant, gpu, "eval", "claims", folder / "rows", "--model", model, *rows, *length, *precision, "--json"
        )
        self._say(variant, f"measured in {took_s:.0f} s")
        with self._telling:
            write(self._options)

    def _svlm(self, variant: Variant, gpu: str, *words: object) -> float:
        """Runs a command of svlm, whose output goes to the variant's log; how long it took."""
        command, environment = svlm_call(gpu, *words)
        began_s = time.monotonic()
        log = self.folder(variant) / "log.txt"
        if self._stopping:
            raise StepError("stopped")
        with log.open("ab") as file:
            child = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
            self._children.add(child)
            code = child.wait()
            self._children.discard(child)
        if code:
            end = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise StepError(f"svlm {words[0]} ended with {code}: {' | '.join(end)} (all of it in {log})")
        return time.monotonic() - began_s

    def _say(self, variant: Variant, text: str) -> None:
        print(f"{time.monotonic() - self._began_s:7.0f} s  {variant.name}: {text}", file=sys.stderr, flush=True)  # noqa: T201


def svlm_call(gpu: str, *words: object) -> tuple[list[str], dict[str, str]]:
    """A command of svlm on a GPU, on the CPU ("cpu"), or with no say in that (""): its arguments and environment."""
    device = [] if not gpu else ["--device", "cpu" if gpu == "cpu" else "cuda"]
    environment = os.environ | ({"CUDA_VISIBLE_DEVICES": gpu} if gpu not in ("", "cpu") else {})
    return [sys.executable, "-m", "svlm_cli", *map(str, words), *device], environment


def last_line(folder: Path) -> dict[str, Any]:
    """What a run logged last."""
    lines = (folder / "model" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    last: dict[str, Any] = json.loads(lines[-1])
    return last


def write(options: Options) -> bool:
    """All that has been measured; False if nothing has."""
    told = gather(options)
    if told is None:
        return False
    options.claims.mkdir(parents=True, exist_ok=True)
    replace_text(options.claims / TRAINING_NAME, json.dumps(told, separators=(",", ":")) + "\n")
    return True


def gather(options: Options) -> dict[str, Any] | None:
    """The same, as the claims' page wants it; None if nothing has been measured."""
    found: dict[str, tuple[Variant, dict[str, RowResult]]] = {}
    for variant in VARIANTS:
        rows = read_results(options.runs / variant.name / "rows")
        if all(mode in rows for mode in MODES) and (not variant.against or variant.against in found):
            found[variant.name] = variant, rows
    if not found:
        return None
    first = next(iter(found.values()))[1][MODES[0]]
    place = {
        "base": "one model, which was trained to describe every second, but not on commentary",
        "command": f"python -m tests.experiments.stages runs --gpus {' '.join(options.gpus)}",
        "svlm": __version__,
        "hardware": first.place.hardware,
        "dtype": first.place.dtype,
        "matches": first.setting.matches,
        "seconds": first.setting.seconds,
        "seed": first.setting.seed,
        "fps": first.setting.base.vision.fps,
    }
    return {"place": place, "modes": list(MODES), "models": [_row(options, *one) for one in found.values()]}


def _row(options: Options, variant: Variant, rows: dict[str, RowResult]) -> dict[str, Any]:
    optimisation = recipe_of(variant, "base", workers=0, scale=options.scale).optimisation
    return {
        "name": variant.name,
        "title": variant.title,
        "against": variant.against,
        "repeat": variant.repeat,
        "paper": list(variant.paper),
        "recipe": list(variant.told),
        "steps": optimisation.steps,
        "windows": optimisation.batch * optimisation.accumulate,
        "model_files": rows[MODES[0]].setting.fingerprint,
        "by_minute": {mode: rows[mode].by_minute.tolist() for mode in MODES},
    }


def tell(options: Options) -> None:
    """A short table: what each variant scored, how it was learned, and what that decides."""
    claims = read_training(options.claims)
    assert claims is not None, "it has just been written"
    for name, model in claims.models.items():
        last, took = last_line(options.runs / name), (options.runs / name / "trained").read_text().strip()
        print(f"{name}: loss {last['loss']:.4f}, {last['steps_per_s']:.1f} steps/s, {took} s")  # noqa: T201
        for mode in claims.modes:
            found = event_f1(claims, name, mode)
            claim = training_claim(claims, name, mode) if model.how.against else ""
            print(f"  {mode:16}{found.number()} ({found.interval()})  {claim}")  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="a folder for all that is made")
    parser.add_argument("--gpus", nargs="+", default=["cpu"], help="a variant at a time for each; cpu: the CPU")
    parser.add_argument("--only", nargs="+", default=[], help="these variants, and all that they rest on")
    parser.add_argument("--scale", type=float, default=1.0, help="below 1: few steps of tiny models, to try the way")
    parser.add_argument("--workers", type=int, default=7, help="processes that make windows, for each variant")
    parser.add_argument("--matches", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first match that is told")
    parser.add_argument("--stop-after", type=float, default=1e9, metavar="S", help="begins no variant after that")
    parser.add_argument("--claims", type=Path, help=f"where {TRAINING_NAME} goes; default: RUNS")
    asked = parser.parse_args(arguments)
    options = Options(
        runs=asked.runs,
        gpus=tuple(asked.gpus),
        scale=asked.scale,
        workers=asked.workers,
        matches=asked.matches,
        minutes=asked.minutes,
        seed=asked.seed,
        stop_after_s=asked.stop_after,
        claims=asked.claims or asked.runs,
    )
    board, runs = Board(chosen(asked.only)), Runs(options)
    signal.signal(signal.SIGTERM, _interrupt)
    _run_all([partial(runs.work, board, gpu) for gpu in options.gpus], runs)
    if write(options):
        tell(options)
    left = [one.name for one in board.waiting]
    print(f"failed: {sorted(board.failed) or 'none'}; left: {left or 'none'}", file=sys.stderr)  # noqa: T201
    return 1 if board.failed or left else 0


def chosen(names: Sequence[str]) -> list[Variant]:
    """Those of that name with all that they begin from and are compared with, or all; bases first."""
    wanted = set(names or (one.name for one in VARIANTS))
    unknown = wanted - {one.name for one in VARIANTS}
    if unknown:
        raise SystemExit(f"There is no variant {', '.join(sorted(unknown))}.")
    for one in reversed(VARIANTS):  # each stands after what it rests on
        if one.name in wanted:
            wanted |= {one.base, one.against}
    return [*BASES, *(one for one in VARIANTS if one.name in wanted)]


def _interrupt(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # `timeout` sends it twice
    raise KeyboardInterrupt


def _run_all(works: Sequence[Callable[[], None]], runs: Runs) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        runs.stop()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
