"""An evaluation as tables for people and as one JSON object for programs. Prints nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from svlm_cli.evals.controls import SHIFT_S, Controls
from svlm_cli.evals.match import KindCount, count_kinds, tally, time_events
from svlm_cli.evals.scores import FIFTHS, Evaluation, Scores, evaluate
from svlm_cli.evals.script import Script
from svlm_cli.evals.timeliness import Delay, TimedControls, TimedShares, Timeliness, measure_timeliness

if TYPE_CHECKING:
    from svlm_cli.evals.runner import Played

Table = tuple[list[str], list[list[str]]]
"""Column headings, and the cells of each row."""

_HEADINGS: Final = ("value", "95 % interval", *(f"fifth {one}" for one in range(1, FIFTHS + 1)), "last - first")
_QUANTILES: Final[tuple[tuple[str, Callable[[Delay], float | None]], ...]] = (
    ("delay, median", lambda delay: delay.median),
    ("delay, 90 %", lambda delay: delay.p90),
)


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The scores of a commentary of some matches, and of the controls that validate them."""

    evaluation: Evaluation
    kinds: tuple[KindCount, ...]
    controls: Controls
    timeliness: Timeliness

    def to_json(self, setting: Mapping[str, Any], played: "Played | None" = None) -> dict[str, Any]:
        """The object of ``svlm eval match``. Timing is null if nothing was played."""
        return {
            "eval": "match",
            "setting": dict(setting),
            "scores": self.evaluation.to_json(),
            "kinds": [asdict(one) for one in self.kinds],
            "controls": self.controls.to_json(),
            "timeliness": {**self.timeliness.to_json(), "controls": self.controls.timeliness.to_json()},
            "timing": None if played is None else asdict(played.timing),
            "ended": [] if played is None else [asdict(one) for one in played.ended],
        }

    def table(self) -> Table:
        """One row per rate: over all matches, by fifths, and the difference of the last fifth from the first."""
        found = self.evaluation
        rows = _rows(found.overall, found.fifths, found.last_minus_first)
        return ["", *_HEADINGS], rows

    def control_table(self) -> Table:
        """One row per rate: the three controls."""
        controls = [one.overall for one in (self.controls.reference, self.controls.shifted, self.controls.empty)]
        headings = ["controls", "reference", f"{SHIFT_S} s late", "empty"]
        rows = [
            [_words(name), *(control.estimates()[name].number() for control in controls)]
            for name in controls[0].estimates()
        ]
        return headings, rows

    def timeliness_tables(self) -> tuple[Table, Table]:
        """The timeliness of events, for the commentary and for the controls."""
        return timeliness_tables(self.timeliness, self.controls.timeliness, f"{SHIFT_S} s")


def score(scripts: Sequence[Script], texts: Sequence[tuple[str, ...]], controls: Controls) -> EvaluationReport:
    """Score a commentary of each script, given by second, against it."""
    told = [(script.truth, script.read(one)) for script, one in zip(scripts, texts, strict=True)]
    timed = measure_timeliness([time_events(truth, telling) for truth, telling in told])
    scores = evaluate([tally(truth, telling) for truth, telling in told])
    return EvaluationReport(scores, count_kinds(told), controls, timed)


def timeliness_tables(found: Timeliness, controls: TimedControls, shift: str) -> tuple[Table, Table]:
    """A row per rate and per quantile of the delay, for the commentary and for the controls."""
    rows = _rows(found.overall, found.fifths, found.last_minus_first)
    for name, quantile in _QUANTILES:
        rows.append(
            [name, _delay(quantile(found.delay)), "", *(_delay(quantile(one)) for one in found.delay_by_fifth), ""]
        )
    known = [controls.reference, controls.shifted, controls.empty]
    control_rows = [
        [_words(name), *(control.overall.estimates()[name].number() for control in known)]
        for name in found.overall.estimates()
    ]
    control_rows += [[name, *(_delay(quantile(control.delay)) for control in known)] for name, quantile in _QUANTILES]
    return (["timeliness", *_HEADINGS], rows), (["controls", "reference", f"{shift} late", "empty"], control_rows)


def _rows(
    overall: Scores | TimedShares, fifths: Sequence[Scores | TimedShares], drift: Scores | TimedShares
) -> list[list[str]]:
    by_fifth, last_minus_first = [one.estimates() for one in fifths], drift.estimates()
    return [
        [
            _words(name),
            one.number(),
            one.interval(),
            *(fifth[name].number() for fifth in by_fifth),
            last_minus_first[name].interval(signed=True),
        ]
        for name, one in overall.estimates().items()
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _delay(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f} s"
