"""Three commentaries with known scores. If one of them scores otherwise, the evaluation is wrong.

They need no model, so they are scored first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from svlm_cli.core.errors import SvlmError, UsageError
from svlm_cli.evals.match import tally, time_events
from svlm_cli.evals.scores import Count, Evaluation, evaluate
from svlm_cli.evals.script import Script
from svlm_cli.evals.timeliness import TimedControls, TimedCount, Timeliness, measure_timeliness

SHIFT_S: Final = 3
MOST_SHIFTED_F1: Final = 0.25
ENOUGH_EVENTS: Final = 100  # for the line above to apply: among fewer, passes may happen to repeat

_CHANCE: Final = {"speech_balanced_accuracy": 0.5}  # for a model that never speaks; agreement is the share of silence


class ControlError(SvlmError):
    """The evaluation does not measure what it should."""


@dataclass(frozen=True, slots=True)
class Controls:
    """The scores of the three controls."""

    reference: Evaluation
    shifted: Evaluation
    empty: Evaluation
    shifted_bound: float  # upper bound of its event F1, from repeated events
    timeliness: TimedControls

    def to_json(self) -> dict[str, Any]:
        """Each control's rates over all matches, without intervals."""
        rates = {
            name: {rate: estimate.value for rate, estimate in evaluation.overall.estimates().items()}
            for name, evaluation in (("reference", self.reference), ("shifted", self.shifted), ("empty", self.empty))
        }
        return {**rates, "shifted_event_f1_bound": self.shifted_bound}


def run_controls(scripts: Sequence[Script]) -> Controls:
    """Score the reference, the reference late, and silence; `ControlError` if one does not score as expected."""
    reference, timely = _scored(scripts, lambda texts: texts)
    if not reference.counts[Count.EVENTS_TRUE]:
        raise UsageError("The matches are too short: nothing is said about any event.", "Ask for more minutes.")
    shifted, late = _scored(scripts, lambda texts: (("",) * SHIFT_S + texts)[: len(texts)])
    empty, never = _scored(scripts, lambda texts: ("",) * len(texts))
    bound = _shifted_bound(scripts, shifted)
    _check_reference(reference)
    _check_shifted(shifted, bound)
    _check_empty(empty)
    timeliness = TimedControls(timely, late, never)
    _check_timeliness(timeliness)
    return Controls(reference, shifted, empty, bound, timeliness)


def _scored(
    scripts: Sequence[Script], change: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> tuple[Evaluation, Timeliness]:
    told = [(script.truth, script.read(change(script.texts))) for script in scripts]
    timed = measure_timeliness([time_events(*one) for one in told])
    return evaluate([tally(*one) for one in told]), timed


def _check_reference(found: Evaluation) -> None:
    for scores in (found.overall, *found.fifths):
        for name, estimate in scores.estimates().items():
            _require(estimate.value in (None, 1.0), "the reference against itself", name, estimate.value, "1")


def _check_shifted(found: Evaluation, bound: float) -> None:
    control = f"the reference {SHIFT_S} s late"
    value = found.overall.event_f1.value
    _require(value is not None and value <= bound, control, "event_f1", value, f"at most {bound}")
    if found.counts[Count.EVENTS_TRUE] >= ENOUGH_EVENTS:
        _require(bound <= MOST_SHIFTED_F1, control, "event_f1", value, f"at most {MOST_SHIFTED_F1}")


def _shifted_bound(scripts: Sequence[Script], shifted: Evaluation) -> float:
    """Upper bound for late words: events that the reference repeats 2 to 4 s later, of the same team."""
    again = 0
    for script in scripts:
        events = script.truth.reference.events
        told = {(one.second, one.kind, one.team) for one in events}
        again += sum(
            any((one.second + SHIFT_S + late, one.kind, one.team) in told for late in (-1, 0, 1)) for one in events
        )
    return min(2 * again / (shifted.counts[Count.EVENTS_TRUE] + shifted.counts[Count.EVENTS_SAID]), 1.0)


def _check_empty(found: Evaluation) -> None:
    for name, estimate in found.overall.estimates().items():
        if name != "speech_agreement":
            most = _CHANCE.get(name, 0.0)
            _require(
                estimate.value is None or estimate.value <= most,
                "an empty commentary",
                name,
                estimate.value,
                f"at most {most:g}",
            )


def _check_timeliness(found: TimedControls) -> None:
    """The reference is always in time, the late one late by the shift, silence never."""
    known = {"f1": 1.0, "precision": 1.0, "in_time": 1.0}
    for shares in (found.reference.overall, *found.reference.fifths):
        for name, estimate in shares.estimates().items():
            wanted = known.get(name, 0.0)
            _require(estimate.value in (None, wanted), "the reference itself", name, estimate.value, f"{wanted:g}")
    late = found.shifted.delay.median
    if found.shifted.counts[TimedCount.WANTED] >= ENOUGH_EVENTS:
        _require(late == SHIFT_S, f"the reference {SHIFT_S} s late", "a median delay of", late, f"{SHIFT_S}")
    never = found.empty.overall.never.value
    _require(never == 1, "an empty commentary", "never", never, "1")


def _require(holds: bool, control: str, name: str, value: float | None, wanted: str) -> None:
    if not holds:
        raise ControlError(
            f"A control of the evaluation failed: {control} has {name} {value}, and must have {wanted}.",
            "No score of this evaluation can be trusted until the simulator and evals/ agree again.",
        )
