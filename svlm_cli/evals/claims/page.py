"""The measured rows of the claims as a Markdown page: a table, a statement per claim, and the commands used.

Every sentence is computed, and the output is deterministic. Measures nothing and draws nothing.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from svlm_cli.evals.claims.markdown import bullet, estimate, plain, table_line, wrapped
from svlm_cli.evals.claims.questions import questions_section
from svlm_cli.evals.claims.questions_file import QuestionResults
from svlm_cli.evals.claims.results import RowResult
from svlm_cli.evals.claims.rows import LEVEL_POINTS, MATCHES_AT_ONCE, ROWS, Order, Row
from svlm_cli.evals.claims.training import training_section
from svlm_cli.evals.claims.training_file import TrainingClaims
from svlm_cli.evals.claims.verdicts import LEVEL, Difference, Verdict, compare, judge_drift, judge_pace
from svlm_cli.evals.scores import Estimate, Scores

MARK: Final = "<!-- Made by `svlm eval claims --write`: changes are lost the next time. -->"
NOT_MEASURED: Final = "not measured yet"

_RATES: Final = {
    "event F1": "event_f1",
    "goal precision": "goal_precision",
    "goal recall": "goal_recall",
    "names": "name_accuracy",
    "scores": "score_accuracy",
    "restated scores": "restated_accuracy",
    "speaking": "speech_balanced_accuracy",
}
_TIMES: Final = ("ms per round", "ms, first fifth", "ms, last fifth")
_NO_DIFFERENCE: Final = "no difference found"
_PACES: Final = {Order.LOWER: "shorter", Order.HIGHER: "longer", Order.LEVEL: _NO_DIFFERENCE}
_DRIFTS: Final = {Order.LOWER: "falls", Order.HIGHER: "rises", Order.LEVEL: "no change found"}

_INTRODUCTION: Final = f"""\
The comparisons of the paper (StreamingVLM, [arXiv 2510.09608](https://arxiv.org/abs/2510.09608)), repeated where the
truth is known: in the [simulated ball game](endless-match.md), measured as described in [Evaluation](evaluation.md).
Event F1, goals, names, scores and speaking are rates from 0 to 1; names, scores and restated scores are accuracies,
speaking is a balanced accuracy. 95 % intervals are in brackets.

The paper measures something else: how often, in per cent, a judge (GPT-5) prefers a commentary on real games to that of
GPT-4o-mini. So only the order of two rows is compared with the paper, never a number. Here, two rows differ if the
intervals of their event F1 do not overlap, over the minutes for which both were measured; if these overlap, the
intervals of names, scores or speaking decide. If the paper has an order for two rows that do not differ here, it is
*not reproduced*. Round times are compared by medians over minutes. Win rates that differ by less than
{LEVEL_POINTS:g} point are a tie, and so are rates that differ by less than {LEVEL:g}.

[Judged](judged.md) makes the same comparisons by votes, in the files of the paper's benchmark.
[Experiments](experiments.md) describes how the models were trained; that of `no-overlap` has the same base as the
other. The row `window` restarts with the context and the model's own last words. In the paper it restarts with the
words of the human commentator, which no live stream has."""


def write_page(
    results: Mapping[str, RowResult],
    folder: str,
    plots: Sequence[tuple[str, str]],
    questions: QuestionResults | None = None,
    training: TrainingClaims | None = None,
) -> str:
    """The page of `results`, at least one row, measured into `folder`.

    Each plot is a title and a link. `questions` and `training` have sections of their own.
    """
    parts = [
        MARK,
        "# The paper's claims, measured",
        *map(wrapped, _INTRODUCTION.split("\n\n")),
        "\n".join(_table(results)),
        _places(results),
        "## Claim by claim",
        "\n".join(bullet(f"**{row.name}.** {claim(row, results)}") for row in ROWS),
        *(f"![{title}]({link})" for title, link in plots),
        "## How it was measured",
        f"A round is one second of video for a batch of {MATCHES_AT_ONCE} matches; further matches form other batches.",
        f"```sh\n{chr(10).join(command(result, folder) for result in results.values())}\n```",
        *(() if training is None else training_section(training)),
        *(() if questions is None else questions_section(questions, folder)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def claim(row: Row, results: Mapping[str, RowResult]) -> str:
    """What the paper says about a row, what was measured here, and whether they agree."""
    if row.name not in results:
        return f"{NOT_MEASURED.capitalize()}."
    return " ".join(
        sentence
        for sentence in (
            _order(row, results),
            _drift(row, results[row.name]),
            _end(results[row.name]),
            _pace(row, results),
        )
        if sentence
    )


def _order(row: Row, results: Mapping[str, RowResult]) -> str:
    paper, result = row.paper, results[row.name]
    if not paper.against:
        twins = (name for name, one in results.items() if one.setting.measures_the_same(result.setting))
        first = next(twins)
        same = "" if first == row.name else f" This is the measurement of {first}."
        return f"Other rows are compared with this one. Event F1 here: {estimate(result.overall.event_f1)}.{same}"
    told = "The paper has no number for it."
    if paper.rate is not None and paper.against_rate is not None:
        note = f" ({paper.note})" if paper.note else ""
        told = f"The paper: {paper.rate:.2f} against {paper.against_rate:.2f}{note}, {paper.order}."
    if paper.against not in results:
        return f"{told} Here: its reference, {paper.against}, is {NOT_MEASURED}."
    reference = results[paper.against]
    if reference.setting.measures_the_same(result.setting):
        return f"{told} Here: the model's own policy, so this is the measurement of {paper.against}."
    found = compare(row, result, reference)
    if found is None:
        return f"{told} Here: the two rows have no minute in common."
    matches = "the same matches" if found.same_matches else "other matches"
    here = f"{_difference(found.event_f1)} for {paper.against}"
    length = f"over the first {_minutes(found.seconds)} minutes of {matches}"
    order = _NO_DIFFERENCE if found.event_f1.order is Order.LEVEL else found.event_f1.order.value
    others = "".join(f"; {_difference(one)}: {one.order}" for one in found.others)
    return f"{told} Here: {here}, {length}: {order}{others}{_verdict(found.verdict, found.here)}."


def _difference(one: Difference) -> str:
    return f"{one.rate} {estimate(one.ours)} against {estimate(one.theirs)}"


def _verdict(verdict: Verdict, here: Order) -> str:
    """The text after the order, without repeating it."""
    if verdict is Verdict.NO_FIGURE:
        return ""
    caution = ", as far as these intervals can tell" if verdict is Verdict.AGREES and here is Order.LEVEL else ""
    return f", **{verdict.value}**{caution}"


def _drift(row: Row, result: RowResult) -> str:
    if row.paper.drift is None:
        return ""
    here, verdict = judge_drift(row, result)
    change = estimate(result.last_minus_first.event_f1, signed=True)
    told = f"In the fifths of the video, the paper has {row.paper.fifths}."
    return f"{told} Here, the last fifth minus the first is {change}: {_DRIFTS[here]}{_verdict(verdict, here)}."


def _end(result: RowResult) -> str:
    times = result.ended_at_s
    if not times:
        return ""
    first, last = _minutes(times[0]), _minutes(times[-1])
    when = first if first == last else f"{first} to {last}"
    return f"{len(times)} of {result.setting.matches} matches ended after {when} minutes and are silent from then on."


def _pace(row: Row, results: Mapping[str, RowResult]) -> str:
    if not row.paper.latency:
        return ""
    times = [one for one in results[row.name].round_s_by_fifth if one is not None]
    if not times:
        return ""
    fifths = ", ".join(map(_milliseconds, times))
    told = f"Time in the paper: {row.paper.latency}. Here, a round takes {fifths} ms in the fifths of the video"
    pace = judge_pace(row, results[row.name])
    if pace is None:
        return f"{told}."
    ratio = f"{times[-1] / times[0]:.2f} times as long in the last one reached as in the first"
    minutes = f"medians over minutes: {_times(pace.last)} against {_times(pace.first)} ms"
    return f"{told}, {ratio} ({minutes}): {_PACES[pace.here]}{_verdict(pace.verdict, pace.here)}."


def _table(results: Mapping[str, RowResult]) -> Iterator[str]:
    headings = ["row", "what is different", "paper", *_RATES, "event F1, last minus first fifth", *_TIMES]
    headings += ["minutes", "matches", "device"]
    yield table_line(headings)
    yield table_line(["---"] * len(headings))
    for row in ROWS:
        paper = "-" if row.paper.rate is None else f"{row.paper.rate:.2f}"
        result = results.get(row.name)
        cells = [NOT_MEASURED] if result is None else list(_cells(result))
        yield table_line([row.name, row.title, paper, *cells, *[""] * (len(headings) - 3 - len(cells))])


def _cells(result: RowResult) -> Iterator[str]:
    overall: Scores = result.overall
    rates = overall.estimates()
    yield from (estimate(rates[name]) for name in _RATES.values())
    yield estimate(result.last_minus_first.event_f1, signed=True)
    fifths = result.round_s_by_fifth
    yield from (_milliseconds(one) for one in (result.round_s, fifths[0], fifths[-1]))
    yield _minutes(result.setting.seconds)
    yield str(result.setting.matches)
    yield f"{plain(result.place.hardware)}, {plain(result.place.dtype)}"


def _places(results: Mapping[str, RowResult]) -> str:
    models = dict.fromkeys(f"{plain(one.place.model)} ({one.setting.fingerprint})" for one in results.values())
    versions = dict.fromkeys(plain(one.place.version) for one in results.values())
    what = f"Models, with the first digits of the SHA-256 of their files: {'; '.join(models)}."
    what += f" Measured by svlm {', '.join(versions)}."
    if len({one.place.hardware for one in results.values()}) > 1:
        what += " Rows were measured on different devices, and only times on the same device can be compared."
    return wrapped(what)


def command(result: RowResult, folder: str) -> str:
    """The command that measured the row."""
    setting, place = result.setting, result.place
    own_model = any(row.no_overlap for row in ROWS if row.name == setting.row)
    words = ["svlm", "eval", "claims", folder, "--row", setting.row]
    words += ["--no-overlap-model" if own_model else "--model", place.model]
    words += [
        "--matches",
        str(setting.matches),
        "--minutes",
        f"{setting.seconds / 60:.10g}",
        "--seed",
        str(setting.seed),
    ]
    words += ["--fps", f"{setting.base.vision.fps:g}", "--device", place.device, "--dtype", place.dtype]
    return shlex.join(plain(word) for word in words)


def _times(one: Estimate) -> str:
    return f"{_milliseconds(one.value)} [{_milliseconds(one.low)}, {_milliseconds(one.high)}]"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}"


def _minutes(seconds: float) -> str:
    return f"{round(seconds / 60, 1):g}"
