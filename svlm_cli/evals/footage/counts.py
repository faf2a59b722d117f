"""Compares what was said about footage with the truth, second by second, and computes the rates.

Two speakers with time for one sentence may choose different things to say, and both be right. So both rates ask the
log. Precision: a statement holds if it could be known when its sentence began, and not for longer than a speaker may
wait. Recall: what the commentary had time to state, and should have by the rules (see `missing`). Sizes and numbers are
scored separately, where the reference makes the same statement within `TOLERANCE_S`. Knows no words.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.evals.footage.missing import missed
from svlm_cli.evals.footage.reading import Said
from svlm_cli.evals.match import matched
from svlm_cli.evals.scores import Counts, Estimate, estimate, ratio, resampled
from svlm_cli.simulator.footage.speech import CROWD, LAST_PICTURE_S, PATIENCE_S, News
from svlm_cli.simulator.footage.statements import Statement, Topic

TOLERANCE_S: Final = 1.5
EARLY_S: Final = 1.0  # a statement may begin so long before the log notes what it states: one round of a stream
TRUE, MADE, SAID, HOLDS = range(4)
_COLUMNS: Final = 4
_COUNTED: Final = {"one": 1, "two": 2, "three": 3}  # things that a statement is about


@dataclass(frozen=True, slots=True)
class FootageTruth:
    """What the commentary of some footage is held against."""

    reference: tuple[Said, ...]
    news: tuple[News, ...]  # all that could be said


class FootageRate(StrEnum):
    """Rates with an F1: topics of statements, together and separately, and the details scored separately."""

    ALL = "all"
    CUTS = "cuts"
    CAMERA = "camera"
    ENTERS = "enters"
    LEAVES = "leaves"
    MOVES = "direction"
    STOPS = "stops"
    STILL = "stillness"
    LIGHT = "light"
    WEATHER = "weather"
    PICTURE = "picture"
    HOW_MANY = "how many"
    SIZE = "size"


_OF_TOPIC: Final = {
    Topic.CUT: FootageRate.CUTS,
    Topic.CAMERA: FootageRate.CAMERA,
    Topic.ENTERS: FootageRate.ENTERS,
    Topic.LEAVES: FootageRate.LEAVES,
    Topic.MOVES: FootageRate.MOVES,
    Topic.STOPS: FootageRate.STOPS,
    Topic.STILL: FootageRate.STILL,
    Topic.LIGHT: FootageRate.LIGHT,
    Topic.WEATHER: FootageRate.WEATHER,
    Topic.PICTURE: FootageRate.PICTURE,
}
RATES: Final = tuple(FootageRate)


def tally(truth: FootageTruth, said: Sequence[Said], seconds: int) -> Counts:
    """``[seconds, R * 4]``: per rate, the news stated or missed, those stated; the statements said, those that hold.

    For `HOW_MANY` and `SIZE`: statements that the reference makes too, and those in which it is the same.
    """
    counts = np.zeros((seconds, len(RATES), _COLUMNS), np.int64)
    for one in said:
        _add(counts, one.statement, one.second, SAID)
    borne_out = list(_holding(said, truth.news))
    for one, _ in borne_out:
        _add(counts, one.statement, one.second, HOLDS)
    stated = {id(piece): _in_time(piece, one) for one, pieces in borne_out for piece in pieces}
    others = [piece for piece in truth.news if not stated.get(id(piece), False)]
    lost = {id(piece) for piece in missed(others, [one for one, _ in borne_out])}
    for piece in truth.news:
        if id(piece) in stated or id(piece) in lost:
            second = min(int(piece.from_s), seconds - 1)
            _add(counts, piece.statement, second, TRUE, *([] if id(piece) in lost else [MADE]))
    wanted, given = ([(one.second, _key(one.statement)) for one in side] for side in (truth.reference, said))
    for ours, theirs in matched(wanted, given, TOLERANCE_S):
        true, told = truth.reference[ours], said[theirs]
        for rate, asked, right in (
            (FootageRate.HOW_MANY, _is_of_things(true), true.statement.count == told.statement.count),
            (FootageRate.SIZE, bool(true.statement.size), true.statement.size == told.statement.size),
        ):
            if asked:
                counts[told.second, RATES.index(rate)] += (1, right, 1, right)
    return counts.reshape(seconds, -1)


def f1(counts: Counts) -> NDArray[np.float64]:
    """``[..., R * 4]`` -> ``[..., R]``, of recall and precision; NaN if nothing was true or said."""
    by_rate = counts.reshape(*counts.shape[:-1], len(RATES), _COLUMNS)
    true, made, said, holds = (by_rate[..., column] for column in range(_COLUMNS))
    # 2 / (true / made + said / holds), without dividing by what may be 0.
    return np.where((true + said > 0) & (made * holds == 0), 0.0, ratio(2 * made * holds, true * holds + said * made))


def scores(footages: Sequence[Counts]) -> tuple[dict[FootageRate, Estimate], list[dict[FootageRate, Estimate]]]:
    """Each rate over all footages, with its interval, and for each fifth."""
    total, drawn = resampled(footages)
    whole = _estimates(total.sum(axis=0), drawn.sum(axis=1))
    return whole, [_estimates(total[fifth], drawn[:, fifth]) for fifth in range(len(total))]


def _estimates(total: Counts, drawn: Counts) -> dict[FootageRate, Estimate]:
    values, draws = f1(total), f1(drawn)
    return {rate: estimate(float(values[index]), draws[:, index]) for index, rate in enumerate(RATES)}


def _holding(said: Sequence[Said], news: Sequence[News]) -> Iterator[tuple[Said, list[News]]]:
    """The statements that hold, in order, and what each of them states. What happened once may be stated once."""
    coming = deque(sorted(news, key=lambda one: one.from_s))
    open_: list[News] = []
    for one in sorted(said, key=lambda said: said.begun):
        seen_s = one.begun + LAST_PICTURE_S
        while coming and coming[0].from_s - EARLY_S <= seen_s:
            open_.append(coming.popleft())
        open_ = [piece for piece in open_ if piece.until_s >= seen_s]
        fit = sorted((piece for piece in open_ if _bears_out(piece, one)), key=partial(_preference, one))
        several = one.statement != CROWD and one.statement.topic is Topic.MOVES and not one.statement.what
        if len(fit) > several:  # several move in different directions
            pieces = _stated(fit, one)
            yield one, pieces
            taken = set(map(id, pieces))  # not by value: two things may do the same at the same time
            open_ = [piece for piece in open_ if id(piece) not in taken]


def _preference(said: Said, news: News) -> tuple[bool, bool, float]:
    """Of several news that bear a statement out: those of its size, those that were due, and those that end first."""
    size = said.statement.size
    return bool(size) and size != news.statement.size, news.due_s < news.from_s, news.until_s


def _stated(fit: list[News], said: Said) -> list[News]:
    """Which of the news that bear a statement out it has stated."""
    count = 1 if said.statement == CROWD else _COUNTED.get(said.statement.count)
    if count is None:
        return [piece for piece in fit if piece.from_s <= said.begun + LAST_PICTURE_S] or fit
    return fit[:count]


def _bears_out(news: News, said: Said) -> bool:
    if CROWD in (news.statement, said.statement):
        return news.statement == said.statement
    topic, what = _key(said.statement)
    return news.statement.topic is topic and ((topic is Topic.MOVES and not what) or news.statement.what == what)


def _in_time(piece: News, said: Said) -> bool:
    """Whether a state was stated when it was new; an event cannot be stated later."""
    return said.begun + LAST_PICTURE_S <= piece.from_s + PATIENCE_S


def _key(statement: Statement) -> tuple[Topic, str]:
    return statement.topic, statement.what


def _is_of_things(said: Said) -> bool:
    return said.statement.topic in {Topic.ENTERS, Topic.LEAVES, Topic.MOVES}


def _add(counts: Counts, statement: Statement, second: int, *at: int) -> None:
    for rate in (FootageRate.ALL, _OF_TOPIC[statement.topic]):
        counts[second, RATES.index(rate), list(at)] += 1
