"""The load that a worker tells."""

import pytest

from svlm_cli.fleet.cameras.meter import LoadMeter


def _second(meter: LoadMeter, at_s: float, *, work_s: float, cameras: int = 1) -> None:
    for _ in range(cameras):
        meter.begin(at_s)
    for index in range(cameras):
        meter.end(at_s + work_s * (index + 1) / cameras)


def test_the_load_is_the_share_of_time_in_steps() -> None:
    meter = LoadMeter(0.0)
    for second in range(30):
        _second(meter, second, work_s=0.25, cameras=3)
    assert meter.load(30.0) == pytest.approx(0.25, abs=0.01)


def test_nothing_is_said_too_early() -> None:
    meter = LoadMeter(0.0)
    _second(meter, 0.0, work_s=0.9)
    assert meter.load(1.0) is None


def test_old_work_is_forgotten() -> None:
    meter = LoadMeter(0.0)
    for second in range(20):
        _second(meter, second, work_s=0.9)
    assert meter.load(40.0) == 0.0


def test_a_step_that_does_not_end_shows() -> None:
    meter = LoadMeter(0.0)
    _second(meter, 0.0, work_s=0.5)
    _second(meter, 1.0, work_s=0.3)
    meter.begin(2.0)
    assert meter.longest_s == pytest.approx(0.5)
    assert meter.running_s(7.0) == 5.0
    assert meter.load(12.0) == 1.0
    meter.end(12.0)
    assert meter.running_s(13.0) == 0.0
