"""How long a picture may take, by how long they took before."""

from svlm_cli.sources.pace import PicturePace


def after(*intervals_s: float) -> PicturePace:
    pace = PicturePace()
    for interval_s in intervals_s:
        pace.note(interval_s)
    return pace


def test_a_slow_camera_gets_its_time() -> None:
    """One picture in ten seconds is no stall of eight."""
    assert after(10.0).patience_s(8.0) == 30
    assert after(10.0, 0.5).patience_s(8.0) == 30, "of two, neither is known to be a break"
    assert after(10.0, 10.1, 9.9).patience_s(8.0) == 30


def test_a_fast_camera_gets_no_more_than_it_was_given() -> None:
    assert after(0.5, 0.5, 0.5).patience_s(2.0) == 2
    assert after(0.04).still_s(8.0) == 1


def test_one_break_is_not_usual() -> None:
    """Else a camera that was away for a minute would be waited for three, the next time."""
    assert after(0.5, 0.5, 60.0).patience_s(8.0) == 8
    assert after(0.5, 60.0, 60.0).patience_s(8.0) == 180, "two are"
    assert after(60.0, 60.0, *[0.5] * 8).patience_s(8.0) == 8, "what is long past is forgotten"


def test_nothing_is_known_at_first() -> None:
    assert after().usual_s is None
    assert after().patience_s(8.0) >= 12, "the second picture may come in ten seconds"
    assert after().patience_s(20.0) == after().still_s(20.0) == 20
