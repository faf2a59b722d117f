"""What becomes of cameras is counted from the right moment, under the right name."""

import math

from svlm_cli.bench.fleet.fates import CameraFates, Cause


def _speaking(count: int) -> CameraFates:
    fates = CameraFates(count)
    for camera in range(count):
        fates.speak(camera, 10.0)
    return fates


def test_the_first_cause_counts() -> None:
    """Guards a partition against looking short because a worker died after it."""
    fates = _speaking(1)
    fates.silence(0, Cause.PARTITION, 100.0)
    fates.silence(0, Cause.NODE, 105.0)
    fates.speak(0, 112.0)
    found = fates.recovery(Cause.PARTITION)
    assert (found.cameras, found.max_s, found.lost_s) == (1, 12.0, 12.0)
    assert fates.recovery(Cause.NODE).cameras == 0
    assert math.isnan(fates.recovery(Cause.NODE).p50_s)


def test_recovery_counts_from_the_failure_and_loss_from_the_last_words() -> None:
    """Guards the two against each other: leases let words go on after a supervisor has died."""
    fates = _speaking(1)
    fates.silence(0, Cause.SUPERVISOR, 108.0, failed_s=100.0)
    fates.speak(0, 113.0)
    found = fates.recovery(Cause.SUPERVISOR)
    assert (found.max_s, found.lost_s) == (13.0, 5.0)


def test_seconds_count_of_those_that_never_speak_again() -> None:
    """Guards against a fleet that looks good because what is lost is not counted."""
    fates = _speaking(3)
    fates.silence(1, Cause.NODE, 100.0)
    assert fates.settle(160.0) == 1
    assert fates.lost_s(Cause.NODE) == 60.0


def test_ranks_are_those_of_the_cameras() -> None:
    """Guards percentiles against being off by one."""
    fates = _speaking(100)
    for camera in range(100):
        fates.silence(camera, Cause.GPU, 100.0)
        fates.speak(camera, 101.0 + camera)
    found = fates.recovery(Cause.GPU)
    assert (found.p50_s, found.p95_s, found.p99_s, found.max_s) == (50.0, 95.0, 99.0, 100.0)


def test_a_second_watcher_is_seen() -> None:
    """Guards the one thing that must never happen against going unnoticed."""
    fates = CameraFates(2)
    fates.open(0)
    fates.close(0)
    fates.open(0)
    assert fates.watched_twice == 0
    fates.open(0)
    assert fates.watched_twice == 1
