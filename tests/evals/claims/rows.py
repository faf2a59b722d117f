"""Rows of the claims that nobody has measured: so many events of ten are right in each minute of each match."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from svlm_cli.core.policy import StreamPolicy, WindowPolicy
from svlm_cli.evals.claims.results import Environment, RowResult
from svlm_cli.evals.claims.rows import find_row
from svlm_cli.evals.claims.setting import RowSetting
from svlm_cli.evals.runner import Ended, RoundTimings
from svlm_cli.evals.scores import Count, evaluate

EVENTS = 10  # a minute, in the reference as in what is said
MODEL, OTHER_MODEL = "0123456789abcdef", "fedcba9876543210"
PLACE = Environment("my-model", "cpu", "cpu", "float32", "0.1.0")


def setting(
    row: str, *, seconds: int = 300, matches: int = 4, seed: int = 0, base: StreamPolicy | None = None
) -> RowSetting:
    """Of the streaming policy with windows of 16 rounds, unless `base` says otherwise."""
    one = find_row(row)
    start = base or StreamPolicy(windows=WindowPolicy(vision_rounds=16))
    fingerprint = OTHER_MODEL if one.no_overlap else MODEL
    return RowSetting(row, fingerprint, matches, seconds, seed, start, one.policy(start))


def result(
    row: str,
    right: Sequence[int],
    *,
    matches: int = 4,
    seed: int = 0,
    base: StreamPolicy | None = None,
    ended_at_s: Sequence[float] = (),
    round_s: Sequence[float | None] = (0.010, 0.011, 0.012, 0.013, 0.020),
) -> RowResult:
    """A row of as many minutes as `right` says of how many events of ten were right; every other match has one more."""
    counts = np.zeros((matches, len(right), len(Count)), np.int64)
    counts[..., [Count.EVENTS_TRUE, Count.EVENTS_SAID]] = EVENTS
    for match in range(matches):
        counts[match, :, Count.EVENTS_HIT] = np.minimum(np.array(right) + match % 2, EVENTS)
    if not any(right):
        counts[..., Count.EVENTS_HIT] = 0
    spread = np.zeros((matches, len(right) * 60, len(Count)), np.int64)
    spread[:, ::60] = counts
    timing = RoundTimings(
        rounds=len(right) * 60,
        round_s_median=0.012,
        round_s_p99=0.02,
        round_s_by_fifth=tuple(round_s),
        round_s_by_minute=tuple(0.01 + 0.001 * minute for minute in range(len(right))),
        tokens_per_round=3.0,
        wait_s_median=0.0,
    )
    report = {
        "eval": "match",
        "scores": evaluate(list(spread)).to_json(),
        "timing": asdict(timing),
        "ended": [asdict(Ended(seed + index, at_s, "full")) for index, at_s in enumerate(ended_at_s)],
    }
    wanted = setting(row, seconds=len(right) * 60, matches=matches, seed=seed, base=base)
    return RowResult(wanted, PLACE, report, counts)


def renamed(one: RowResult, model: str) -> RowResult:
    """The same of a model with another name."""
    return replace(one, place=replace(one.place, model=model))


def with_rates(one: RowResult, *, names: int, scores: int) -> RowResult:
    """The same, with so many of ten names, and of ten scores, right in each minute of each match."""
    counts = one.by_minute.copy()
    counts[..., [Count.NAMES_TRUE, Count.NAMES_SAID, Count.SCORES_TRUE, Count.SCORES_SAID]] = EVENTS
    counts[..., Count.NAMES_HIT], counts[..., Count.SCORES_RIGHT] = names, scores
    return replace(one, by_minute=counts)


def flat(text: str) -> str:
    """A page as one line, since its paragraphs are wrapped."""
    return " ".join(text.split())
