"""What a run says of itself: a line on stderr for people, a JSON line in a file for plots. Knows no network."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from svlm_cli.training.layout import Role

Say = Callable[[str], None]

_NAMES = {
    Role.FIRST: "first_word",
    Role.SILENCE: "silence",
    Role.WORD: "words",
    Role.END: "ends",
    Role.DENSE: "dense",
    Role.ANSWER: "answers",
}


def to_stderr(line: str) -> None:
    """Where people look."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - stdout stays empty


def to_nobody(line: str) -> None:
    """For who wants errors alone."""


class TrainingLog:
    """Appends to a file, and says the same in short."""

    def __init__(self, path: Path, *, first_step: int, steps: int, say: Say = to_stderr) -> None:
        self._path = path
        self._steps = steps
        self._say = say
        self._since = time.perf_counter()
        self._step = first_step
        self._last = _forget_after(path, first_step)

    @property
    def learned(self) -> dict[str, float]:
        """Loss and shares of right tokens of the last logged step, be it of this run or of the one it goes on with."""
        return {name: self._last[name] for name in ("loss", *_NAMES.values()) if name in self._last}

    def note(self, step: int, figures: dict[str, float], tally: Tensor, *, tokens: int, waited_s: float) -> None:
        """A logged step. `tally` is that of `LearningNetwork`, summed since the last one, as are the rest."""
        now = time.perf_counter()
        took_s, self._since = now - self._since, now
        row = {**figures, **accuracies(tally)}
        row |= {
            "tokens_per_s": tokens / took_s,
            "steps_per_s": (step - self._step) / took_s,
            "waited_share": waited_s / took_s,
        }
        self._step, self._last = step, row
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **row}) + "\n")
        self._say(self._line(step, row))

    def _line(self, step: int, row: dict[str, Any]) -> str:
        right = "  ".join(f"{name} {row[name]:.3f}" for name in _NAMES.values() if name in row)
        return (
            f"step {step}/{self._steps}  loss {row['loss']:.4f}  {right}  norm {row['grad_norm']:.2f}  "
            f"lr {row['learning_rate']:.2e}  {row['tokens_per_s'] / 1000:.1f} k tokens/s  "
            f"waited {row['waited_share']:.0%}"
        )


def accuracies(tally: Tensor) -> dict[str, float]:
    """Of each kind of token that occurred: the share that the network found likeliest."""
    rows = tally.tolist()
    return {name: rows[role][2] / rows[role][0] for role, name in _NAMES.items() if rows[role][0]}


def _forget_after(path: Path, step: int) -> dict[str, float]:
    """What a run that was killed logged after the state that it is resumed from happens again. The last row kept."""
    if not path.is_file():
        return {}
    kept, last = [], {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            if row["step"] <= step:
                kept.append(line + "\n")
                last = row
        except (ValueError, KeyError, TypeError, RecursionError):  # the line that it died in
            continue
    path.write_text("".join(kept), encoding="utf-8")
    return last
