"""Votes to rates, counted on paper."""

from collections.abc import Iterator

import pytest

from svlm_cli.evals.judge.questions import Benchmark, Outcome, PairOrder
from svlm_cli.evals.judge.tally import Rates, rates
from svlm_cli.evals.judge.votes import Vote
from tests.evals.judge.judging import vote

A, B, TIE, MALFORMED, UNANSWERED = Outcome
COMMENTARY, LIVESPORTS = Benchmark


def both(
    ab: Outcome, ba: Outcome, *, video: str = "v0", part: str = "0", fifth: int = 0, **more: object
) -> Iterator[Vote]:
    """What came of a pair in its two orders."""
    yield vote(ab, video=video, part=part, fifth=fifth, order=PairOrder.AB, **more)  # type: ignore[arg-type]
    yield vote(ba, video=video, part=part, fifth=fifth, order=PairOrder.BA, **more)  # type: ignore[arg-type]


def of(*pairs: Iterator[Vote], benchmark: Benchmark = COMMENTARY) -> Rates:
    return rates([one for pair in pairs for one in pair], benchmark)


def test_rates_by_hand() -> None:
    """Of eight votes four are for a, and six for the text that was read first; of three whole pairs two agree."""
    found = of(
        both(A, A, part="0"),  # first, second
        both(A, B, part="1"),  # first, first
        both(B, B, part="2"),  # second, first
        both(A, MALFORMED, part="3"),  # first
        both(UNANSWERED, B, video="v1", part="0"),  # first
    )
    assert found.win_rate.value == pytest.approx(4 / 8)
    assert found.agreement.value == pytest.approx(2 / 3)
    assert found.first_place.value == pytest.approx(6 / 8)
    assert found.longer.value is None, "no text is longer than the other"


def test_the_longer_text_by_hand() -> None:
    found = of(
        both(A, A, lengths=(20, 10)), both(A, B, part="1", lengths=(5, 10)), both(A, B, part="2", lengths=(7, 7))
    )
    assert found.longer.value == pytest.approx(3 / 4)


def test_fifths_by_hand() -> None:
    pairs = [both(A, A if fifth < 3 else B, part=str(fifth), fifth=fifth) for fifth in range(5)]
    found = of(*pairs, *(both(B, B, video="v1", part=str(fifth), fifth=fifth) for fifth in range(4)))
    assert [one.value for one in found.fifths] == [0.5, 0.5, 0.5, 0.25, 0.5]
    assert found.last_minus_first.value == 0


def test_a_tie_counts_where_there_are_ties() -> None:
    """Guards wins / 2n: what is neither A nor B is a tie there, malformed or not; what was not answered is nothing."""
    pairs = [(A, TIE), (B, MALFORMED), (TIE, TIE), (A, A), (A, UNANSWERED)]
    listed = [one for number, (ab, ba) in enumerate(pairs) for one in both(ab, ba, part=str(number))]
    found = rates(listed, LIVESPORTS)
    assert found.win_rate.value == pytest.approx(4 / 9)
    assert found.agreement.value == pytest.approx(2 / 4)
    assert found.fifths == ()
    complete = rates(listed[:8], LIVESPORTS)
    assert complete.win_rate.value == pytest.approx(3 / (2 * 4))


def test_intervals_are_over_videos() -> None:
    """Guards against a thousand clips of two games, which know no more than the two games do."""
    alike = of(
        *(both(A, A, video="v0", part=str(part)) for part in range(200)),
        *(both(B, B, video="v1", part=str(part)) for part in range(200)),
    )
    assert alike.win_rate.to_json() == {"value": 0.5, "low": 0, "high": 1}
    many = of(*(both(*((A, A) if video % 2 else (B, B)), video=f"v{video}") for video in range(400)))
    assert many.win_rate.low is not None
    assert many.win_rate.high is not None
    assert 0.4 < many.win_rate.low < 0.5 < many.win_rate.high < 0.6


def test_the_same_votes_give_the_same_intervals() -> None:
    """Guards reports: in whatever order the votes came."""
    listed = [
        one
        for video in range(12)
        for part in range(1 + video**2)
        for one in both(A, (A, B)[video % 3 == 0], video=f"v{video:02}", part=str(part))
    ]
    assert rates(listed, COMMENTARY) == rates(listed[::-1], COMMENTARY)
    assert rates(listed, COMMENTARY, seed=1) != rates(listed, COMMENTARY, seed=2)


def test_one_video_has_no_interval() -> None:
    assert of(both(A, B)).win_rate.to_json() == {"value": 0.5, "low": None, "high": None}


def test_without_votes_there_is_no_rate() -> None:
    found = of(both(MALFORMED, UNANSWERED), both(MALFORMED, MALFORMED, video="v1"))
    assert (found.win_rate.value, found.agreement.value, found.first_place.value) == (None, None, None)
