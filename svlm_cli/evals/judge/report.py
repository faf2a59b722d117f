"""Turns vote files into a report: comparisons, controls, and what follows from both.

Prints nothing. Knows no judge and no judged text.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.evals.judge.questions import Benchmark, Outcome
from svlm_cli.evals.judge.tally import Rates, is_vote, rates
from svlm_cli.evals.judge.votes import Vote, VotesFile, difference
from svlm_cli.evals.resampling import FEW_VIDEOS
from svlm_cli.evals.scores import FIFTHS, Estimate

CONTROLS: Final = ("same", "reference", "empty")
HALF: Final = 0.5
_FAR: Final = 0.1  # from one half: beyond this, it is called a bias


@dataclass(frozen=True, slots=True)
class Judged:
    """One vote file, counted."""

    file: VotesFile
    rates: Rates

    @property
    def votes(self) -> tuple[Vote, ...]:
        """The votes."""
        return tuple(self.file.votes.values())

    @property
    def name(self) -> str:
        """The name of its table row."""
        run = self.file.runs[0]
        return f"{run.a_name} against {run.b_name}"

    @property
    def benchmark(self) -> Benchmark:
        """The benchmark of the votes."""
        return self.file.runs[0].setting.benchmark

    def count(self, outcome: Outcome) -> int:
        """The number of questions with this outcome."""
        return sum(one.outcome is outcome for one in self.votes)

    @property
    def counted(self) -> int:
        """The number of valid votes."""
        return sum(is_vote(one, self.benchmark) for one in self.votes)

    @property
    def videos(self) -> int:
        """The number of videos with votes."""
        return len({one.video for one in self.votes if is_vote(one, self.benchmark)})

    def characters(self) -> tuple[float, float]:
        """The mean lengths of the two texts, over all parts."""
        parts = {(one.video, one.part): one for one in self.votes}.values()
        return (
            sum(one.characters_a for one in parts) / len(parts),
            sum(one.characters_b for one in parts) / len(parts),
        )

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`."""
        last, (a, b) = self.file.runs[-1], self.characters()
        failed = len(self.votes) - self.counted
        won = self.count(Outcome.A)
        return {
            "control": last.setting.control or None,
            "a": {
                "name": last.a_name,
                "sha256": last.setting.a or None,
                "made_by": last.a_made_by or None,
                "characters": a,
            },
            "b": {
                "name": last.b_name,
                "sha256": last.setting.b or None,
                "made_by": last.b_made_by or None,
                "characters": b,
            },
            "data": {"name": last.data_name, "sha256": last.setting.data},
            "judge": {
                "model": last.setting.judge,
                "server": last.setting.server,
                "prompts_sha256": last.setting.prompts,
                "seed": self.benchmark.seed,
                "temperature_0": all(one.temperature for one in self.votes),
            },
            "versions": {
                "svlm": sorted({one.svlm for one in self.file.runs}),
                "openai": sorted({one.openai for one in self.file.runs}),
            },
            "videos": self.videos,
            "parts": last.questions // 2,
            "left_out": last.left_out,
            "questions": last.questions,
            "votes": self.counted,
            "outcomes": {one.value: self.count(one) for one in Outcome},
            "missing": last.questions - len(self.votes),
            "failed": failed,
            "win_rate_if_failures_were_lost": won / len(self.votes),
            "tokens": {
                "in": sum(one.tokens_in for one in self.votes),
                "out": sum(one.tokens_out for one in self.votes),
            },
            **self.rates.to_json(),
        }


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """Comparisons by one judge, and its controls."""

    comparisons: tuple[Judged, ...]
    controls: tuple[Judged, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The controls that are missing."""
        there = {one.file.runs[0].setting.control for one in self.controls}
        return tuple(one for one in CONTROLS if one not in there)

    @property
    def rows(self) -> tuple[Judged, ...]:
        """In table order."""
        return (*self.comparisons, *self.controls)

    def to_json(self) -> dict[str, Any]:
        """The object of ``svlm eval BENCHMARK report``."""
        return {
            "eval": str(self.rows[0].benchmark),
            "comparisons": [one.to_json() for one in self.comparisons],
            "controls": [one.to_json() for one in self.controls],
            "missing_controls": list(self.missing),
            "notes": list(self.notes()),
        }

    def tables(self) -> Iterator[tuple[list[str], list[list[str]]]]:
        """Who wins; and how far the judge can be trusted."""
        fifths = [f"fifth {one}" for one in range(1, FIFTHS + 1)] if self.rows[0].rates.fifths else []
        drift = ["last - first"] if fifths else []
        yield (
            ["", "win rate", "95 % interval", *fifths, *drift],
            [
                [
                    one.name,
                    one.rates.win_rate.number(),
                    one.rates.win_rate.interval(),
                    *(fifth.number() for fifth in one.rates.fifths),
                    *([one.rates.last_minus_first.interval(signed=True)] if fifths else []),
                ]
                for one in self.rows
            ],
        )
        headings = "votes,malformed,unanswered,missing,agreement,first place,longer wins,characters".split(",")
        yield ["", *headings], [[one.name, *_trust(one)] for one in self.rows]

    def notes(self) -> Iterator[str]:
        """Remarkable findings, one sentence each."""
        for one in self.rows:
            yield from (f"{one.name}: {note}" for note in _notes(one))
        if self.missing:
            several = "s" if len(self.missing) > 1 else ""
            yield f"Missing control{several}: {', '.join(self.missing)} (judge --control)."


def make_report(files: Sequence[VotesFile]) -> JudgeReport:
    """`UsageError` unless all are by one judge on the same data, and each control has its commentary."""
    settings = [one.runs[0].setting for one in files]
    for file, one in zip(files, settings, strict=True):
        for name in ("benchmark", "judge", "server", "prompts", "data"):
            if getattr(one, name) != getattr(settings[0], name):
                raise UsageError(
                    f"{file.path} is about {difference(settings[0], one)} than {files[0].path}.",
                    "Report each alone.",
                )
    compared = {side for one in settings if not one.control for side in (one.a, one.b)}
    seen = set()
    for file, one in zip(files, settings, strict=True):
        if one.control and compared and one.b not in compared:
            raise UsageError(f"{file.path} is a control of a commentary that no other file compares.", "Leave it out.")
        if one in seen:
            raise UsageError(f"{file.path} holds the same comparison as a file before it.", "Leave it out.")
        seen.add(one)
    judged = [Judged(one, rates(one.votes.values(), one.runs[0].setting.benchmark)) for one in files]
    if not judged:
        raise InputError("There are no votes.", "Name a file that `judge -o` wrote.")
    return JudgeReport(
        tuple(one for one in judged if not one.file.runs[0].setting.control),
        tuple(one for one in judged if one.file.runs[0].setting.control),
    )


def _notes(one: Judged) -> Iterator[str]:
    control = one.file.runs[0].setting.control
    missing = one.file.runs[-1].questions - len(one.votes)
    if missing:
        yield f"{missing} of {one.file.runs[-1].questions} questions have not been asked."
    if one.count(Outcome.UNANSWERED):
        yield f"{one.count(Outcome.UNANSWERED)} questions were not answered."
    if one.count(Outcome.MALFORMED):
        what = "count as ties" if one.benchmark.has_ties else "do not count as votes"
        yield f"{one.count(Outcome.MALFORMED)} replies are malformed and {what}."
    if one.videos == 1:
        yield "There is one video: no interval."
    elif one.videos < FEW_VIDEOS:
        yield f"There are {one.videos} videos: the interval is rough, and likely too narrow."
    yield from _control_notes(control, one.rates.win_rate) if control else _bias_notes(one.rates)


def _control_notes(control: str, win: Estimate) -> Iterator[str]:
    if win.value is None:
        return
    if control == "same" and abs(win.value - HALF) > _FAR:
        yield "the two texts are the same, and the rate is not near a half."
    if control == "reference" and win.value < HALF:
        yield "the judge prefers the commentary to the reference itself."
    if control == "empty" and win.value > _FAR:
        yield "the judge votes for an empty text."


def _bias_notes(found: Rates) -> Iterator[str]:
    first, longer, agreement = found.first_place, found.longer, found.agreement
    if _is_far(first):
        place = "first" if first.value and first.value > HALF else "second"
        yield f"position bias: {_share(first, HALF)} of the votes are for the text in the {place} place."
    if _is_far(longer):
        length = "longer" if longer.value and longer.value > HALF else "shorter"
        yield f"the {length} text won {_share(longer, HALF)} of the votes: that may be length, not quality."
    if agreement.value is not None and agreement.value <= HALF + _FAR:
        yield f"the two orders agree in {agreement.value:.0%} of the parts: about chance, or less."


def _is_far(one: Estimate) -> bool:
    """Far from one half, including its interval."""
    if one.value is None or abs(one.value - HALF) <= _FAR:
        return False
    return one.low is None or one.high is None or not one.low <= HALF <= one.high


def _share(one: Estimate, middle: float) -> str:
    value = one.value or 0.0
    return f"{max(value, 2 * middle - value):.0%}"


def _trust(one: Judged) -> Iterable[str]:
    a, b = one.characters()
    yield from (str(one.counted), str(one.count(Outcome.MALFORMED)), str(one.count(Outcome.UNANSWERED)))
    yield str(one.file.runs[-1].questions - len(one.votes))
    yield from (rate.number() for rate in (one.rates.agreement, one.rates.first_place, one.rates.longer))
    yield f"{a:.0f} / {b:.0f}"
