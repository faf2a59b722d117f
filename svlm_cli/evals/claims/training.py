"""The claims page's section about training: how each model was trained, its scores, and the verdicts.

Two models differ if the interval of their difference, resampled over the same matches, excludes 0. All numbers and
verdicts are computed, and the output is deterministic. Measures nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from svlm_cli.core.policy import Mode
from svlm_cli.evals.claims.markdown import bullet, estimate, plain, table_line, wrapped
from svlm_cli.evals.claims.rows import Order
from svlm_cli.evals.claims.training_file import TrainingClaims
from svlm_cli.evals.claims.verdicts import LEVEL, Verdict, judge, order, over
from svlm_cli.evals.scores import Count, Counts, Estimate, Scores, rates, resampled
from svlm_cli.evals.scores import estimate as estimated

_RATES: Final = {
    "event F1": "event_f1",
    "names": "name_accuracy",
    "scores": "score_accuracy",
    "restated scores": "restated_accuracy",
    "speaking": "speech_balanced_accuracy",
}
_DECIDING: Final = ("event F1", "names", "scores", "speaking")  # the first one that differs decides
_NOTHING: Final = Estimate(0.0, 0.0, 0.0)
_MODES: Final = {
    Mode.STREAMING: "in streaming mode",
    Mode.WINDOW_OVERLAP: "if everything that a stream keeps is recomputed every second",
}


@dataclass(frozen=True, slots=True)
class TrainingDifference:
    """A model minus the one it is compared with."""

    rates: Scores
    decided_by: str  # the rate that differs; the first one if none does
    here: Order
    verdict: Verdict


def differ(ours: Counts, theirs: Counts) -> Scores:
    """Differences of rates, from counts ``[matches, minutes, C]``, resampled over the same matches."""
    total, drawn = resampled([np.concatenate(pair, axis=-1) for pair in zip(ours, theirs, strict=True)])
    values, draws = (
        rates(counts[..., : len(Count)]) - rates(counts[..., len(Count) :])
        for counts in (total.sum(axis=0), drawn.sum(axis=1))
    )
    return Scores(*(estimated(float(value), draws[:, index]) for index, value in enumerate(values)))


def compare_training(claims: TrainingClaims, name: str, mode: Mode) -> TrainingDifference | None:
    """A model compared with its reference, in one mode; None if it has no reference."""
    model = claims.models[name]
    if not model.how.against:
        return None
    other = claims.models[model.how.against]
    found = differ(model.by_minute[mode], other.by_minute[mode])
    orders = {rate: order(getattr(found, _RATES[rate]), _NOTHING) for rate in _DECIDING}
    decided_by = next((rate for rate, one in orders.items() if one is not Order.LEVEL), _DECIDING[0])
    here = orders[decided_by]
    events = tuple(over(one.by_minute[mode], claims.place.seconds).event_f1 for one in (model, other))
    return TrainingDifference(found, decided_by, here, judge(model.how.claimed.order, here, found=events))


def training_section(claims: TrainingClaims) -> Iterator[str]:
    """The paragraphs of the section."""
    yield "## Training"
    yield _introduction(claims)
    yield "\n".join(_recipes(claims))
    for mode in claims.modes:
        yield f"The models {_MODES.get(mode, f'in mode {mode}')}:"
        yield "\n".join(_table(claims, mode))
        yield "Each model minus the one that it is compared with:"
        yield "\n".join(_differences(claims, mode))
        yield "\n".join(
            bullet(f"**{plain(name)}.** {training_claim(claims, name, mode)}")
            for name, one in claims.models.items()
            if one.how.against
        )
    yield f"```sh\n# needs a GPU\n{plain(claims.place.command)}\n```"


def training_claim(claims: TrainingClaims, name: str, mode: Mode) -> str:
    """What the paper says about a way to train, what was measured here, and whether they agree."""
    how, found = claims.models[name].how, compare_training(claims, name, mode)
    if found is None:
        return "Other models are compared with this one."
    change = f"event F1 {estimate(found.rates.event_f1, signed=True)}"
    if found.decided_by != _DECIDING[0]:
        change += f", {found.decided_by} {estimate(getattr(found.rates, _RATES[found.decided_by]), signed=True)}"
    told = "no difference found" if found.here is Order.LEVEL else f"{found.here} in {found.decided_by}"
    if found.here is not Order.LEVEL and not how.repeat:
        apart = abs(getattr(found.rates, _RATES[found.decided_by]).value or 0.0)
        within = apart <= _chance(claims, mode)[found.decided_by]
        told += ", but two runs of the same recipe differ as much" if within else ""
    paper = how.claimed
    if paper.rate is None or paper.against_rate is None:
        return f"Minus {plain(how.against)}: {change}: {told}."
    said = f"The paper: {paper.rate:.2f} against {paper.against_rate:.2f}, {paper.order}."
    return f"{said} Here, minus {plain(how.against)}: {change}: {told}, **{found.verdict.value}**."


def _chance(claims: TrainingClaims, mode: Mode) -> dict[str, float]:
    """Per rate, the largest difference between two runs of one recipe; 0 if there are no such runs."""
    repeats = (compare_training(claims, name, mode) for name, model in claims.models.items() if model.how.repeat)
    found = [one.rates for one in repeats if one is not None]
    return {
        rate: max((abs(getattr(one, field).value or 0.0) for one in found), default=0.0)
        for rate, field in _RATES.items()
    }


def _introduction(claims: TrainingClaims) -> str:
    place = claims.place
    text = (
        f"Does each part of the paper's training help? All models in this section start from {plain(place.base)}. Each "
        f"commented on {place.matches} matches of {place.seconds / 60:.10g} minutes, with seeds from {place.seed}, at "
        f"{place.fps:g} frames per second ({plain(place.hardware)}, {plain(place.dtype)}, svlm {plain(place.svlm)}). "
        "95 % intervals are in brackets, by a bootstrap over matches; for a difference, each sample has the same "
        "matches for both models. Two models differ if the interval of their difference excludes 0 and the difference "
        f"is {LEVEL:g} or more."
    )
    text += " Each row is one run, and the intervals do not include the variation between runs."
    repeats = [name for name, one in claims.models.items() if one.how.repeat]
    if not repeats:
        return wrapped(text)
    named = ", ".join(map(plain, repeats))
    apart = ", ".join(f"{_chance(claims, mode)[_DECIDING[0]]:.3f} in mode {mode}" for mode in claims.modes)
    return wrapped(f"{text} {named} repeat a recipe with other data; event F1 then differs by up to {apart}.")


def _recipes(claims: TrainingClaims) -> Iterator[str]:
    yield table_line(["model", "what is different", "compared with", "steps", "windows per step", "recipe", "files"])
    yield table_line(["---"] * 7)
    for name, model in claims.models.items():
        how = model.how
        changed = ", ".join(f"`{plain(one)}`" for one in how.recipe) or "-"
        cells = [plain(how.title), plain(how.against) or "-", f"{how.steps:,}", str(how.windows), changed]
        yield table_line([plain(name), *cells, plain(how.model_files)])


def _table(claims: TrainingClaims, mode: Mode) -> Iterator[str]:
    yield table_line(["model", *_RATES])
    yield table_line(["---"] * (1 + len(_RATES)))
    for name, model in claims.models.items():
        found = over(model.by_minute[mode], claims.place.seconds)
        yield table_line([plain(name), *(estimate(getattr(found, rate)) for rate in _RATES.values())])


def _differences(claims: TrainingClaims, mode: Mode) -> Iterator[str]:
    yield table_line(["model", "minus", *_RATES])
    yield table_line(["---"] * (2 + len(_RATES)))
    for name, model in claims.models.items():
        found = compare_training(claims, name, mode)
        if found is not None:
            cells = (estimate(getattr(found.rates, rate), signed=True) for rate in _RATES.values())
            yield table_line([plain(name), plain(model.how.against), *cells])


def event_f1(claims: TrainingClaims, name: str, mode: Mode) -> Estimate:
    """Event F1 of a model in one mode."""
    return over(claims.models[name].by_minute[mode], claims.place.seconds).event_f1
