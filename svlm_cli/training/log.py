"""The log of a run: a line on stderr for people, a JSON line in a file for plots. Knows no network."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from svlm_cli.training.layout import Role
from svlm_cli.training.replacing import replace_text

Say = Callable[[str], None]

_NAMES = {
    Role.FIRST: "first_word",
    Role.SILENCE: "silence",
    Role.WORD: "words",
    Role.END: "ends",
    Role.DENSE: "dense",
    Role.ANSWER: "answers",
    Role.CELL: "cells",
}


def to_stderr(line: str) -> None:
    """Print for people."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - stdout stays empty


def to_nobody(line: str) -> None:
    """Discard, if only errors are wanted."""


Row = Mapping[str, Any]
"""A line of the log."""

Watcher = Callable[[Row], None]
"""Called with each row as it is written."""

HELD_OUT: Final = "held_out_"
"""The prefix of all figures about held-out windows."""


@dataclass(frozen=True, slots=True)
class StepCost:
    """The cost of the steps since the last logged one, over all ranks."""

    tokens: int
    waited_s: float = 0.0  # for data, averaged over ranks
    flops: float = 0.0  # of the model
    ranks: int = 1
    peak_bytes: int | None = None  # of the GPU with the highest peak


class TrainingLog:
    """Appends rows to a file, and prints a summary of each."""

    def __init__(
        self, path: Path, *, first_step: int, steps: int, say: Say = to_stderr, watchers: Sequence[Watcher] = ()
    ) -> None:
        self._path = path
        self._steps = steps
        self._say = say
        self._watchers = watchers
        self._since = time.perf_counter()
        self._step = first_step
        self._last, self._held_out = _forget_after(path, first_step)

    @property
    def learned(self) -> dict[str, float]:
        """Loss and accuracies of the last logged step, of this run or of the one it resumes.

        Includes those of the held-out windows, if there are any.
        """
        return figures_of(self._last, self._held_out)

    def note(self, step: int, figures: Row, tally: Tensor, spent: StepCost) -> None:
        """Log a step. `tally`, as in `LearningNetwork`, and the rest are sums since the last logged step."""
        now = time.perf_counter()
        took_s, self._since = now - self._since, now
        row = {**figures, **accuracies(tally)}
        row |= {
            "tokens_per_s": spent.tokens / took_s,
            "steps_per_s": (step - self._step) / took_s,
            "waited_share": spent.waited_s / took_s,
            "tflops_per_s": spent.flops / took_s / spent.ranks / 1e12,
        }
        if spent.peak_bytes is not None:
            row["peak_bytes"] = spent.peak_bytes
        self._step, self._last = step, row
        self._write({"step": step, **row})
        self._say(self._line(step, row))

    def note_held_out(self, step: int, tally: Tensor, *, best: bool) -> None:
        """Log the held-out windows after a step."""
        counts = tally.sum(0).tolist()
        row = {f"{HELD_OUT}loss": counts[1] / counts[0]}
        row |= {f"{HELD_OUT}loss_{name}": value for name, value in losses(tally).items()}
        row |= {f"{HELD_OUT}{name}": value for name, value in accuracies(tally).items()}
        self._held_out = row
        self._write({"step": step, **row})
        by_role = "  ".join(f"{name} {value:.4f}" for name, value in losses(tally).items())
        mark = "  (the best so far)" if best else ""
        self._say(f"step {step}/{self._steps}  held-out loss {row[f'{HELD_OUT}loss']:.4f}  {by_role}{mark}")

    def leave_out(self, took_s: float) -> None:
        """Exclude this much time since the last logged step from the training time."""
        self._since += took_s

    def _write(self, row: Row) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        for watch in self._watchers:
            watch(row)

    def _line(self, step: int, row: Row) -> str:
        right = "  ".join(f"{name} {row[name]:.3f}" for name in _NAMES.values() if name in row)
        memory = f"{row['peak_bytes'] / 1e9:.1f} GB  " if "peak_bytes" in row else ""
        return (
            f"step {step}/{self._steps}  loss {row['loss']:.4f}  {right}  norm {row['grad_norm']:.2f}  "
            f"lr {row['learning_rate']:.2e}  {row['tokens_per_s'] / 1000:.1f} k tokens/s  "
            f"{row['tflops_per_s']:.3g} TFLOP/s  {memory}waited {row['waited_share']:.0%}"
        )


def accuracies(tally: Tensor) -> dict[str, float]:
    """For each kind of token that occurred: the share for which the target was the likeliest."""
    rows = tally.tolist()
    return {name: rows[role][2] / rows[role][0] for role, name in _NAMES.items() if rows[role][0]}


def losses(tally: Tensor) -> dict[str, float]:
    """For each kind of token that occurred: the average loss."""
    rows = tally.tolist()
    return {name: rows[role][1] / rows[role][0] for role, name in _NAMES.items() if rows[role][0]}


def figures_of(last: Row, held_out: Row) -> dict[str, float]:
    """From the last logged step and the last held-out windows: the figures about quality, without those about speed."""
    learned = {name: last[name] for name in ("loss", *_NAMES.values()) if name in last}
    return learned | {name: value for name, value in held_out.items() if name.startswith(HELD_OUT)}


def rows_of(path: Path) -> list[dict[str, Any]]:
    """All complete rows of a log; a killed run may have left part of one."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows


def _forget_after(path: Path, step: int) -> tuple[Row, Row]:
    """Remove rows after the state that a killed run is resumed from, since these steps are repeated.

    Returns the last remaining row, and the last one of held-out windows.
    """
    if not path.is_file():
        return {}, {}
    kept = [row for row in rows_of(path) if row["step"] <= step]
    replace_text(path, "".join(json.dumps(row) + "\n" for row in kept))
    last: dict[bool, Row] = {f"{HELD_OUT}loss" in row: row for row in kept}
    return last.get(False, {}), last.get(True, {})
