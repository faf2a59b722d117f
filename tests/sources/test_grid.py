"""The arithmetic of moments."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.errors import UsageError
from svlm_cli.sources.grid import frame_rate, moment, moments_before


def test_rates_are_what_people_mean() -> None:
    assert frame_rate(2.0) == 2
    assert frame_rate(29.97) == Fraction(2997, 100)
    assert frame_rate(1 / 3) == Fraction(1, 3)
    assert frame_rate(0.1 + 0.2) == Fraction(3, 10)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf"), 1e-9])
def test_rates_that_cannot_be(fps: float) -> None:
    with pytest.raises(UsageError, match="fps must be"):
        frame_rate(fps)


def test_a_week_does_not_drift() -> None:
    """Adding 1 / fps again and again is off by milliseconds after days."""
    rate = frame_rate(29.97)
    index = 29_97 * 6_048  # a week
    assert moment(0.0, index, rate) == 604_800.0
    assert moment(10.5, index, rate) == 604_810.5


@given(start_s=st.floats(-10, 10_000), count=st.integers(0, 100_000), rate=st.sampled_from([1, 2, 8, Fraction(1, 3)]))
def test_moments_before_an_end_are_all_of_them(start_s: float, count: int, rate: Fraction) -> None:
    """An end that falls on a moment leaves that moment out."""
    assert moments_before(start_s, moment(start_s, count, Fraction(rate)), Fraction(rate)) == count
    assert moments_before(start_s, moment(start_s, count, Fraction(rate)) + 0.01, Fraction(rate)) == count + 1
