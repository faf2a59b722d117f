"""When things were said, counted by hand."""

import pytest

from svlm_cli.evals.match import tally, time_events
from svlm_cli.evals.pairing import Moment
from svlm_cli.evals.scores import Count, evaluate
from svlm_cli.evals.timeliness import Timed, TimedCount, hold_against, measure_timeliness
from tests.evals.scripts import TEXTS, script

WANTED: list[Moment] = [(4.0, "kick"), (11.5, "pass"), (20.0, "shot"), (30.0, "goal"), (49.0, "corner")]
SAID: list[Moment] = [(4.9, "kick"), (9.0, "pass"), (26.5, "shot"), (41.0, "goal"), (49.0, "wide"), (49.5, "corner")]
# kick 0.9 late: in time; pass 2.5 early; shot 6.5 late; goal 11 s late: never, and the word belongs to nothing, as does
# wide; corner 0.5 late: in time.


def held() -> Timed:
    return hold_against(WANTED, SAID, 50)


def test_a_commentary_by_hand() -> None:
    """Guards every rate: of five things two are in time, one early, one late, one never; of six words two are stray."""
    found = measure_timeliness([held()])
    values = {name: one.value for name, one in found.overall.estimates().items()}
    assert values == pytest.approx(
        {
            "f1": 2 * 2 / (5 + 6),
            "precision": 2 / 6,
            "in_time": 0.4,
            "early": 0.2,
            "late": 0.2,
            "never": 0.2,
            "stray": 2 / 6,
        }
    )
    delays = sorted([0.9, -2.5, 6.5, 0.5])
    assert found.delay.median == pytest.approx((delays[1] + delays[2]) / 2)
    assert found.delay.p90 == pytest.approx(0.9 + 0.7 * (6.5 - 0.9))  # between the third and the fourth of four
    assert found.counts == (5, 6, 2, 1, 1)


def test_fifths_by_hand() -> None:
    """Guards where things count: with what was to be said; what belongs to nothing, where it was said."""
    counts = held().counts.reshape(5, 10, -1).sum(axis=1).tolist()
    assert counts == [[1, 1, 1, 0, 0], [2, 2, 0, 1, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 3, 1, 0, 0]]
    found = measure_timeliness([held()])
    assert [one.in_time.value for one in found.fifths] == [1, 0, 0, None, 1]
    medians, far = ([getattr(one, name) for one in found.delay_by_fifth] for name in ("median", "p90"))
    assert medians == [pytest.approx(0.9), pytest.approx(2.0), None, None, 0.5]
    assert far == [pytest.approx(0.9), pytest.approx(-2.5 + 0.9 * 9), None, None, 0.5]
    assert found.last_minus_first.in_time.value == 0


def test_intervals_are_over_commentaries() -> None:
    """Guards against minutes of one game that pass for many games: two alike leave nothing to doubt, two unlike do."""
    silent = hold_against(WANTED, [], 50)
    alike, unlike = measure_timeliness([held(), held()]), measure_timeliness([held(), silent])
    assert (alike.overall.never.low, alike.overall.never.high) == (0.2, 0.2)
    assert (unlike.overall.never.low, unlike.overall.never.value, unlike.overall.never.high) == (0.2, 0.6, 1)


def test_nothing_to_say_and_nothing_said() -> None:
    nothing = measure_timeliness([hold_against([], [], 5)])
    assert {one.value for one in nothing.overall.estimates().values()} == {None}
    silent = measure_timeliness([hold_against(WANTED, [], 50)]).overall
    assert (silent.f1.value, silent.precision.value, silent.never.value, silent.stray.value) == (0, 0, 1, None)
    babble = measure_timeliness([hold_against([], SAID, 50)]).overall
    assert (babble.f1.value, babble.never.value, babble.stray.value) == (0, None, 1)


def test_a_second_is_a_second_in_binary_as_well() -> None:
    """Guards 2.2 - 1.2, which is more than 1; and 3.0, which ends a second and does not begin one."""
    counts = hold_against([(1.2, "a"), (3.0, "b")], [(2.2, "a"), (3.0, "b")], 5).counts
    assert counts[:, TimedCount.IN_TIME].tolist() == [0, 1, 1, 0, 0]


def test_what_is_outside_counts_at_the_edge() -> None:
    """Guards the sums: what was said after the end was said."""
    counts = hold_against([(0.0, "a"), (5.0, "b")], [(6.5, "c")], 5).counts
    assert counts[:, TimedCount.WANTED].tolist() == [1, 0, 0, 0, 1]
    assert counts[:, TimedCount.SAID].tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("late", "when"), [(0, "in_time"), (1, "in_time"), (2, "late"), (-1, "in_time"), (-2, "early")]
)
def test_events_of_a_match(late: int, when: str) -> None:
    """Guards the sign, and that the F1 is the event F1: the same pairs, second by second."""
    one = script()
    texts = tuple(TEXTS[second - late] if 0 <= second - late < len(TEXTS) else "" for second in range(len(TEXTS)))
    told = one.read(texts)
    found = measure_timeliness([time_events(one.truth, told)])
    kept = len(told.events) / len(one.truth.reference.events)
    assert found.overall.estimates()[when].value == kept
    assert found.delay.median == late
    scores = evaluate([tally(one.truth, told)])
    assert found.overall.f1.value == scores.overall.event_f1.value
    assert found.counts[TimedCount.SAID] == scores.counts[Count.EVENTS_SAID]
