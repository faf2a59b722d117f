"""Which frames a clip has: never one of after the end, evenly, and no more than were asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.policy import Mode, PolicyOverrides, StreamPolicy
from svlm_cli.evals.vqa.choices import Way
from svlm_cli.evals.vqa.ways import WaySetting


def setting(way: Way, *, frames: int = 64, recent: int = 4) -> WaySetting:
    return WaySetting.of(way, StreamPolicy(), frames=frames, recent_frames=recent, seed=3)


@pytest.mark.parametrize(
    ("way", "start_s", "end_s", "frames", "times_s"),
    [
        (Way.FULL, 0.0, 3.0, 64, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]),
        (Way.FULL, 0.0, 100.5, 3, [0.0, 50.0, 100.0]),
        (Way.FULL, 20.0, 30.0, 2, [20.0, 29.5]),
        (Way.FULL, 0.0, 30.0, 1, [29.5]),
        (Way.FULL, 0.0, 0.2, 64, [0.0]),
        (Way.RECENT, 0.0, 100.0, 4, [98.0, 98.5, 99.0, 99.5]),
        (Way.RECENT, 99.0, 100.0, 4, [99.0, 99.5]),
        (Way.RECENT, 0.0, 30.25, 1, [29.75]),
    ],
)
def test_the_moments_of_a_clip(way: Way, start_s: float, end_s: float, frames: int, times_s: list[float]) -> None:
    """The last frame is that which a stream of two frames a second sees last."""
    assert [*setting(way, frames=frames, recent=frames).moments(start_s, end_s)] == pytest.approx(times_s)


@given(
    st.sampled_from([Way.FULL, Way.RECENT]),
    st.floats(0, 7200),
    st.floats(0.05, 7200),
    st.integers(1, 200),
)
def test_nothing_is_seen_that_may_not_be(way: Way, start_s: float, length_s: float, frames: int) -> None:
    end_s = start_s + length_s
    moments = [*setting(way, frames=frames, recent=frames).moments(start_s, end_s)]
    assert 1 <= len(moments) <= min(frames, max(1, 2 * length_s + 1e-3))
    assert all(start_s <= one < end_s for one in moments)
    assert moments == sorted(moments)


def test_the_policies() -> None:
    """Guards the comparison: streams differ in how they forget alone, clips in how many frames they have."""
    streaming, window, full, recent = (setting(way) for way in (Way.STREAMING, Way.WINDOW, Way.FULL, Way.RECENT))
    assert streaming.policy == StreamPolicy()
    assert window.policy == StreamPolicy().changed(PolicyOverrides(mode=Mode.WINDOW))
    assert (full.policy.mode, full.policy.prompt.clip, full.policy.frames_per_chunk) == (Mode.FULL, True, 64)
    assert recent.policy.frames_per_chunk == 4
    assert (streaming.seed, full.seed) == (3, 0), "nothing is drawn for a clip"
    assert full.policy.vision.max_pixels == streaming.policy.vision.max_pixels
