"""Numbers of the footer: they must be right from the first seconds on, and fall when nothing comes any more."""

import pytest

from svlm_cli.outputs.live.meters import Minute, Rate, sparkline


def test_bursts_are_no_peaks() -> None:
    """Two frames a second come both at once; by the clock's seconds it would be 0, 2 or 4."""
    rate = Rate()
    assert rate.at(0.0) is None
    for number in range(20):
        rate.add(2, number * 1.003)
    assert rate.at(19.1) == pytest.approx(2.0, rel=0.01)


def test_a_rate_falls_when_nothing_comes() -> None:
    """A camera that is away would go on at the speed it had."""
    rate = Rate()
    for second in range(10):
        rate.add(2, second)
    falling = [rate.at(now_s) for now_s in (9.5, 12.0, 15.0, 18.0)]
    assert falling == sorted(falling, reverse=True, key=lambda value: value or 0)
    assert (falling[2] or 0) < 1.5
    assert rate.at(30.0) is None


def test_tokens_of_the_first_seconds_are_not_spread_over_ten() -> None:
    minute = Minute()
    for now_s in (0.1, 0.6, 1.1, 1.6):
        minute.add(3, now_s)
    assert minute.rate(2.2) == 6.0


def test_a_minute_forgets_what_is_older() -> None:
    minute = Minute()
    minute.add(5, 0.0)
    minute.add(7, 59.0)
    assert minute.counts(60.0) == [5, *[0] * 58, 7][1:]
    assert sum(minute.counts(1000.0)) == 0
    assert minute.rate(1000.0) == 0.0


def test_bars_are_as_high_as_the_highest() -> None:
    assert sparkline([0, 1, 4, 8], 10) == "▁▁▄█"
    assert sparkline([9, 0, 8], 2) == "▁█"
    assert sparkline([0, 0], 5) == "▁▁"
    assert sparkline([1, 2], 0) == ""
