"""The rows of the paper's table: how their streams differ, how long each is measured, and the paper's result.

The paper is StreamingVLM (arXiv 2510.09608); its numbers are win rates in per cent, of which only the order is
compared. Knows neither models nor results.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode, PolicyOverrides, StreamPolicy
from svlm_cli.core.text import did_you_mean

LEVEL_POINTS: Final = 1.0  # of win rate: smaller differences are ties, since the paper gives no intervals
FULL_TOKENS: Final = 32_768  # the default cache of mode `full`: about nine minutes of a match at 2 fps

MATCHES_AT_ONCE: Final = 20  # in one batch, in every row, so that round times are comparable

_OTHERS_MINUTES: Final = 30.0


class Order(StrEnum):
    """The result of a comparison."""

    LOWER = "lower"
    HIGHER = "higher"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class Paper:
    """What the paper says about a row. Win rates are against GPT-4o-mini, in per cent."""

    rate: float | None = None
    against: str = ""  # the row it is compared with; empty for a reference row
    against_rate: float | None = None
    note: str = ""  # about these two numbers
    drift: Order | None = None  # its last fifth compared with its first
    fifths: str = ""  # the same, in the paper's numbers
    latency: str = ""
    pace: Order | None = None  # round time in its last fifth compared with its first

    @property
    def order(self) -> Order | None:
        """How it compares with `against`; None if the paper has no number."""
        if self.rate is None or self.against_rate is None:
            return None
        if abs(self.rate - self.against_rate) < LEVEL_POINTS:
            return Order.LEVEL
        return Order.LOWER if self.rate < self.against_rate else Order.HIGHER


@dataclass(frozen=True, slots=True)
class Row:
    """A row: a name, a policy change, and a model. None changes nothing."""

    name: str
    title: str
    minutes: float = _OTHERS_MINUTES  # per match, unless another length is requested
    matches: int = MATCHES_AT_ONCE  # likewise; with `minutes`, enough to keep intervals within 5 points either way
    mode: Mode = Mode.STREAMING
    vision_s: float | None = None
    sink_tokens: int | None = None
    window_tokens: int | None = None
    full_tokens: int | None = None
    no_overlap: bool = False  # uses the second model, trained on windows that do not overlap
    paper: Paper = field(default_factory=Paper)

    def policy(self, base: StreamPolicy) -> StreamPolicy:
        """Apply the row to the common base policy; `UsageError` if the round length does not suit it."""
        rounds = None if self.vision_s is None else round(self.vision_s / base.chunk_seconds)
        if rounds is not None and rounds * base.chunk_seconds != self.vision_s:
            raise UsageError(
                f"{self.name} shows the last {self.vision_s:g} s, "
                f"and the model's rounds of {base.chunk_seconds:g} s do not add up to that.",
                "Measure the other rows, naming each with --row.",
            )
        overrides = PolicyOverrides(
            mode=self.mode,
            vision_rounds=rounds,
            sink_tokens=self.sink_tokens,
            window_tokens=self.window_tokens,
            full_tokens=self.full_tokens,
        )
        return base.changed(overrides)


def _vision(seconds: float, rate: float | None, *, matches: int = MATCHES_AT_ONCE) -> Row:
    against = "" if seconds == 16 else "vision-16"
    paper = Paper(rate, against, 66.18 if against else None)
    title = f"pixels of the last {seconds:g} s" if seconds else "no pixels"
    return Row(f"vision-{seconds:g}", title, matches=matches, vision_s=seconds, paper=paper)


STREAMING: Final = Row(
    "streaming",
    "the method: sink, windows, contiguous positions",
    minutes=120.0,
    paper=Paper(
        66.18, drift=Order.LEVEL, fifths="64 to 69 throughout", latency="about 50 ms per token, flat", pace=Order.LEVEL
    ),
)

ROWS: Final = (
    STREAMING,
    Row(
        "full",
        f"full attention, until its cache of {FULL_TOKENS:,} tokens is full",
        minutes=15.0,  # it breaks after nine: three fifths
        matches=160,
        mode=Mode.FULL,
        full_tokens=FULL_TOKENS,
        paper=Paper(
            3.89,
            "streaming",
            66.18,
            drift=Order.LOWER,
            fifths="15.2, 3.1, 1.1, 0, 0",
            latency="40 ms per token, 490 ms after 200 s, then out of memory",
            pace=Order.HIGHER,
        ),
    ),
    Row(
        "window",
        "everything is forgotten at regular intervals",
        minutes=40.0,
        matches=40,
        mode=Mode.WINDOW,
        paper=Paper(23.54, "streaming", 66.18),
    ),
    Row(
        "window-overlap",
        "what streaming keeps, recomputed every round",
        mode=Mode.WINDOW_OVERLAP,
        paper=Paper(66.54, "streaming", 66.18, latency="250 to 410 ms per token"),
    ),
    Row(
        "native-positions",
        "positions that never change",
        matches=40,
        mode=Mode.NATIVE_POSITIONS,
        paper=Paper(25.09, "streaming", 66.18),
    ),
    Row("sink-0", "no sink", sink_tokens=0, paper=Paper(66.76, "streaming", 73.64, note="basketball only")),
    Row(
        "text-window-0",
        "only the sink of the previous text",
        window_tokens=0,
        paper=Paper(69.68, "streaming", 73.64, note="basketball only"),
    ),
    _vision(0, 52.90, matches=100),  # names are guessed: in most matches none is right, in others half
    _vision(1, 63.46),
    _vision(4, None),
    _vision(8, None),
    _vision(16, 66.18),
    Row(
        "no-overlap",
        "streaming, with a model trained without overlap",
        no_overlap=True,
        paper=Paper(62.51, "streaming", 66.18),
    ),
)


def find_row(name: str) -> Row:
    """The row of that name; `UsageError` if there is none."""
    for row in ROWS:
        if row.name == name:
            return row
    names = [row.name for row in ROWS]
    raise UsageError(f"There is no row {name!r}.", did_you_mean(name, names) or f"The rows are {', '.join(names)}.")


def choose_rows(names: Sequence[str], *, model: bool, no_overlap_model: bool) -> tuple[Row, ...]:
    """The rows in `names`, or all, that have a model; `UsageError` if a named one has none."""
    if not names:
        return tuple(row for row in ROWS if (no_overlap_model if row.no_overlap else model))
    wanted = {find_row(name).name for name in names}
    chosen = tuple(row for row in ROWS if row.name in wanted)
    for row in chosen:
        if not (no_overlap_model if row.no_overlap else model):
            option = "--no-overlap-model" if row.no_overlap else "--model"
            raise UsageError(f"The row {row.name} needs a model.", f"Name it with {option}.")
    return chosen


def measured_as(row: Row, base: StreamPolicy) -> Row:
    """The row whose `minutes` and `matches` apply: `streaming`, if the streams equal its own and can share a result."""
    same = not row.no_overlap and row.policy(base) == STREAMING.policy(base)
    return STREAMING if same else row
