"""The report on commentaries of footage: tables for people, one JSON object for programs. Prints nothing.

Three controls with known scores are scored first: the reference itself, the reference late, and silence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.controls import ENOUGH_EVENTS, MOST_SHIFTED_F1, SHIFT_S, ControlError
from svlm_cli.evals.footage.counts import FootageRate, FootageTruth, scores, tally
from svlm_cli.evals.footage.reading import read
from svlm_cli.evals.report import Table
from svlm_cli.evals.scores import FIFTHS, Estimate
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.speech import News, news, texts

if TYPE_CHECKING:
    from svlm_cli.evals.runner import Played

Texts = tuple[str, ...]
"""The words of each second."""

Rates = dict[FootageRate, Estimate]


@dataclass(frozen=True, slots=True)
class FootageReport:
    """The scores of a commentary of some footage."""

    rates: Rates
    fifths: tuple[Rates, ...]  # over all footages: the first fifths, the second fifths...
    unread: int  # sentences that were not recognised
    controls: Mapping[str, Rates]

    def to_json(self, setting: Mapping[str, Any], played: "Played") -> dict[str, Any]:
        """The object of ``svlm eval footage``."""
        return {
            "eval": "footage",
            "setting": dict(setting),
            "f1": _json(self.rates),
            "f1_by_fifth": [_json(one) for one in self.fifths],
            "unread": self.unread,
            "controls": {
                name: {rate: one.value for rate, one in rates.items()} for name, rates in self.controls.items()
            },
            "timing": asdict(played.timing),
            "ended": [asdict(one) for one in played.ended],
        }

    def tables(self) -> tuple[Table, Table]:
        """One row per rate: for the commentary, with its fifths; and for the controls."""
        headings = ["F1", "value", "95 % interval", *(f"fifth {one}" for one in range(1, FIFTHS + 1))]
        rows = [
            [rate, one.number(), one.interval(), *(fifth[rate].number() for fifth in self.fifths)]
            for rate, one in self.rates.items()
        ]
        control_rows = [[rate, *(rates[rate].number() for rates in self.controls.values())] for rate in self.rates]
        return (headings, rows), (["controls", *self.controls], control_rows)


@dataclass(frozen=True, slots=True)
class FootageScript:
    """What the reference says about some footage, and all that could be said."""

    texts: Texts
    news: tuple[News, ...]

    @staticmethod
    def of(footage: EndlessFootage, seconds: int) -> "FootageScript":
        """Write the script of the first seconds."""
        return FootageScript(texts(footage, seconds), news(footage, seconds))


def score(scripts: Sequence[FootageScript], said: Sequence[Texts], controls: Mapping[str, Rates]) -> FootageReport:
    """Score a commentary of each footage against its script."""
    rates, fifths = _scored(scripts, said)
    return FootageReport(rates, tuple(fifths), sum(read(texts).unread for texts in said), controls)


def run_controls(scripts: Sequence[FootageScript]) -> dict[str, Rates]:
    """The controls' scores by name. `ControlError`; `UsageError` if there is nothing to say."""
    references = [script.texts for script in scripts]
    seconds = len(references[0])
    late = [(*("",) * SHIFT_S, *told)[:seconds] for told in references]
    known = {
        "reference": _scored(scripts, references)[0],
        f"{SHIFT_S} s late": _scored(scripts, late)[0],
        "empty": _scored(scripts, [("",) * seconds] * len(references))[0],
    }
    itself, shifted, empty = known.values()
    if itself[FootageRate.ALL].value is None:
        raise UsageError("The footage is too short: nothing is said in it.", "Ask for more minutes.")
    if any(one.value not in (None, 1.0) for one in itself.values()):
        raise ControlError("The reference itself does not score 1.")
    enough = sum(len(read(told).statements) for told in references) >= ENOUGH_EVENTS
    if enough and (shifted[FootageRate.ALL].value or 0.0) > MOST_SHIFTED_F1:
        raise ControlError(f"The reference {SHIFT_S} s late scores {shifted[FootageRate.ALL].value:.3f}.")
    if empty[FootageRate.ALL].value not in (None, 0.0):  # none: nothing was due
        raise ControlError("Silence does not score 0.")
    return known


def _scored(scripts: Sequence[FootageScript], said: Sequence[Texts]) -> tuple[Rates, list[Rates]]:
    tallies = []
    for script, told in zip(scripts, said, strict=True):
        truth = FootageTruth(read(script.texts).statements, script.news)
        tallies.append(tally(truth, read(told).statements, len(script.texts)))
    return scores(tallies)


def _json(rates: Rates) -> dict[str, Any]:
    return {rate: one.to_json() for rate, one in rates.items()}
