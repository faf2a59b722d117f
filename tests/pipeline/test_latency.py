"""Durations that are counted, not kept."""

import random

import pytest

from svlm_cli.pipeline.latency import Latency


def test_quantiles_are_those_of_the_durations() -> None:
    """To within the width of a class."""
    chance = random.Random(0)
    durations = sorted(chance.lognormvariate(-1, 1) for _ in range(20_000))
    latency = Latency()
    for duration in durations:
        latency.add(duration)
    for share in (0.5, 0.9, 0.99):
        assert latency.quantile(share) == pytest.approx(durations[round(share * len(durations)) - 1], rel=0.03)
    assert latency.longest_s == durations[-1]
    assert len(latency._counts) < 300, "a stream of weeks must not fill the memory"


def test_nothing_and_zero() -> None:
    latency = Latency()
    assert latency.quantile(0.5) == 0
    latency.add(0.0)
    assert latency.quantile(0.5) == 0
