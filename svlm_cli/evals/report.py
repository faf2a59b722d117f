"""An evaluation for people (rows of a table) and for programs (one JSON object). Prints nothing itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from svlm_cli.evals.controls import SHIFT_S, Controls
from svlm_cli.evals.match import KindCount, count_kinds, tally
from svlm_cli.evals.runner import Played
from svlm_cli.evals.scores import FIFTHS, Evaluation, evaluate
from svlm_cli.evals.script import Script

Table = tuple[list[str], list[list[str]]]
"""Headings, and the cells of each row."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a commentary of some matches scored, and the controls that say that this means something."""

    evaluation: Evaluation
    kinds: tuple[KindCount, ...]
    controls: Controls

    def to_json(self, setting: Mapping[str, Any], played: Played | None = None) -> dict[str, Any]:
        """The object of ``svlm eval match``. Timing is null where nothing was played."""
        return {
            "eval": "match",
            "setting": dict(setting),
            "scores": self.evaluation.to_json(),
            "kinds": [asdict(one) for one in self.kinds],
            "controls": self.controls.to_json(),
            "timing": None if played is None else asdict(played.timing),
            "ended": [] if played is None else [asdict(one) for one in played.ended],
        }

    def table(self) -> Table:
        """A row a rate: over all matches, by fifths, and how the last fifth differs from the first."""
        headings = ["", "value", "95 % interval", *(f"fifth {one}" for one in range(1, FIFTHS + 1)), "last - first"]
        fifths = [fifth.estimates() for fifth in self.evaluation.fifths]
        drift = self.evaluation.last_minus_first.estimates()
        rows = [
            [
                _words(name),
                one.number(),
                one.interval(),
                *(fifth[name].number() for fifth in fifths),
                drift[name].interval(signed=True),
            ]
            for name, one in self.evaluation.overall.estimates().items()
        ]
        return headings, rows

    def control_table(self) -> Table:
        """A row a rate: what the three controls score."""
        controls = [one.overall for one in (self.controls.reference, self.controls.shifted, self.controls.empty)]
        headings = ["controls", "reference", f"{SHIFT_S} s late", "empty"]
        rows = [
            [_words(name), *(control.estimates()[name].number() for control in controls)]
            for name in controls[0].estimates()
        ]
        return headings, rows


def score(scripts: Sequence[Script], texts: Sequence[tuple[str, ...]], controls: Controls) -> Report:
    """Score a commentary of each script, by seconds, against it."""
    told = [(script.truth, script.read(one)) for script, one in zip(scripts, texts, strict=True)]
    return Report(evaluate([tally(truth, telling) for truth, telling in told]), count_kinds(told), controls)


def _words(name: str) -> str:
    return name.replace("_", " ")
