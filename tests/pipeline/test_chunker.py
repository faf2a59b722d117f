"""Which pictures each round shows, for any frames that a source may give."""

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Chunk, Frame, Picture
from svlm_cli.pipeline.chunker import chunks


def picture(number: int) -> Picture:
    return np.full((1, 1, 3), number, dtype=np.uint8)


def frames_at(times_s: Sequence[float]) -> list[Frame]:
    return [Frame(picture(index), time_s) for index, time_s in enumerate(times_s)]


def shown(chunk: Chunk) -> list[int]:
    return [int(pixels[0, 0, 0]) for pixels in chunk.frames]


def oracle(times_s: Sequence[float], fps: int) -> list[int]:
    """For each moment up to the last frame: the newest frame that is not later."""
    found: list[int] = []
    while (moment_s := times_s[0] + len(found) / fps) <= times_s[-1] + 0.0005:
        found.append(max(index for index, time_s in enumerate(times_s) if time_s <= moment_s + 0.0005))
    return found


def test_frames_on_the_grid_pass_as_they_are() -> None:
    """The file reader chooses the frames itself; choosing twice must change nothing."""
    source = frames_at([10.1 + index / 2 for index in range(6)])
    found = list(chunks(source, fps=2, chunk_seconds=1))
    assert [shown(chunk) for chunk in found] == [[0, 1], [2, 3], [4, 5]]
    assert [(chunk.start_s, chunk.end_s) for chunk in found] == [(10.1, 11.1), (11.1, 12.1), (12.1, 13.1)]
    assert found[0].frames[0] is source[0].pixels


def test_thirty_a_second_become_two() -> None:
    """The published reader shows the last frame of a second twice."""
    found = list(chunks(frames_at([index / 30 for index in range(120)]), fps=2, chunk_seconds=1))
    assert [shown(chunk) for chunk in found] == [[0, 15], [30, 45], [60, 75], [90, 105]]


def test_frames_may_have_the_same_time() -> None:
    """Guards recordings whose clock stands still for a frame."""
    assert [shown(chunk) for chunk in chunks(frames_at([0.0, 0.5, 0.5, 1.0]), fps=1, chunk_seconds=1)] == [[0], [3]]


@pytest.mark.parametrize("time_s", [0.4996, 0.5004])
def test_a_frame_is_on_time_despite_a_rounded_clock(time_s: float) -> None:
    """Matroska rounds to milliseconds: a frame half a millisecond off its moment is shown then, without waiting."""
    assert [shown(chunk) for chunk in chunks(frames_at([0.0, time_s]), fps=2, chunk_seconds=1)] == [[0, 1]]


def test_a_second_without_frames_repeats_the_last_one() -> None:
    found = list(chunks(frames_at([0.0, 0.4, 3.2]), fps=2, chunk_seconds=1))
    assert [shown(chunk) for chunk in found] == [[0, 1], [1, 1], [1, 1], [1]]


def test_a_last_partial_second_is_a_round_of_its_own() -> None:
    found = list(chunks(frames_at([0.0, 0.5, 1.0]), fps=2, chunk_seconds=1))
    assert [shown(chunk) for chunk in found] == [[0, 1], [2]]
    assert (found[1].start_s, found[1].end_s) == (1.0, 1.5)


@pytest.mark.parametrize(
    ("fps", "seconds", "sizes"), [(8, 1, [8, 4]), (1, 2, [2]), (0.5, 2, [1, 1]), (2, 0.5, [1] * 3)]
)
def test_other_chunks(fps: float, seconds: float, sizes: list[int]) -> None:
    count = sum(sizes)
    found = list(chunks(frames_at([index / fps for index in range(count)]), fps=fps, chunk_seconds=seconds))
    assert [len(chunk.frames) for chunk in found] == sizes
    assert found[-1].end_s == pytest.approx(count / fps)


def test_nothing_gives_nothing() -> None:
    assert list(chunks([], fps=2, chunk_seconds=1)) == []


@given(
    steps=st.lists(st.floats(0.002, 3).map(lambda step: round(step, 3)), min_size=1, max_size=60),
    start_s=st.floats(-5, 1000).map(lambda time: round(time, 3)),
    fps=st.sampled_from([1, 2, 4, 8]),
)
def test_any_times(steps: list[float], start_s: float, fps: int) -> None:
    """Jitter, bursts, stills: the rule is the same, and no moment is lost or doubled."""
    times_s = np.round(start_s + np.cumsum([0.0, *steps]), 3).tolist()
    found = list(chunks(frames_at(times_s), fps=fps, chunk_seconds=1))
    assert [number for chunk in found for number in shown(chunk)] == oracle(times_s, fps)
    assert all(len(chunk.frames) == fps for chunk in found[:-1])
    assert [chunk.start_s for chunk in found[1:]] == [chunk.end_s for chunk in found[:-1]]


@pytest.mark.parametrize(
    ("times_s", "ready_at"), [([0, 0.5, 1.0, 1.5], [0.5, 1.5]), ([0, 0.4, 0.7, 1.4, 1.6], [0.7, 1.6])]
)
def test_a_chunk_comes_as_soon_as_its_last_picture_is_known(times_s: list[float], ready_at: list[float]) -> None:
    """Every frame of waiting is lag between the match and its commentary."""
    asked: list[float] = []

    def source() -> Iterator[Frame]:
        for frame in frames_at(times_s):
            asked.append(frame.time_s)
            yield frame

    assert [asked[-1] for _ in chunks(source(), fps=2, chunk_seconds=1)] == ready_at


def test_a_gap_closes_the_chunk_and_starts_a_new_count() -> None:
    """After a reconnection nothing is invented for the time that is lost."""
    before = frames_at([0.0, 0.5, 1.0])
    after = [Frame(picture(7), 9.3, gap_s=8.0), Frame(picture(8), 9.8), Frame(picture(9), 10.3)]
    found = list(chunks(before + after, fps=2, chunk_seconds=1))
    assert [shown(chunk) for chunk in found] == [[0, 1], [2], [7, 8], [9]]
    assert [(chunk.start_s, chunk.end_s) for chunk in found] == [(0, 1), (1, 1.5), (9.3, 10.3), (10.3, 10.8)]
    assert [chunk.gap_s for chunk in found] == [0.0, 0.0, 8.0, 0.0]


def test_a_pause_ends_the_chunk_at_once() -> None:
    """What was seen last before a camera fails would be spoken of when it is back, perhaps hours later, or never."""
    taken: list[int] = []

    def source() -> Iterator[Frame | None]:
        for index, frame in enumerate([*frames_at([0.0, 0.5, 1.0]), None, None, Frame(picture(7), 9.3, gap_s=8.0)]):
            taken.append(index)
            yield frame

    found = [(shown(chunk), taken[-1]) for chunk in chunks(source(), fps=2, chunk_seconds=1)]
    assert found == [([0, 1], 1), ([2], 3), ([7], 5)]


def test_after_a_short_pause_the_count_goes_on() -> None:
    """A camera that is back before its next frame was due has missed nothing."""
    first, second, third = frames_at([0.0, 0.5, 1.0])
    found = list(chunks([first, None, second, third], fps=2, chunk_seconds=1))
    assert [(shown(chunk), chunk.start_s, chunk.end_s) for chunk in found] == [([0], 0, 0.5), ([1, 2], 0.5, 1.5)]


def test_dropped_frames_are_counted_once_and_all() -> None:
    source = [
        Frame(picture(index), index / 4, dropped=dropped, wall_clock_s=1000 + index, gap_s=gap_s)
        for index, (dropped, gap_s) in enumerate(
            [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 2), (8, 0), (9, 0)]
        )
    ]
    found = list(chunks(source, fps=2, chunk_seconds=1))
    assert [shown(chunk) for chunk in found] == [[0, 2], [4], [6, 8]]
    assert sum(chunk.dropped for chunk in found) == sum(range(1, 10))
    assert found[0].dropped == 1 + 2 + 3
    assert [chunk.wall_clock_s for chunk in found] == [1000, 1004, 1006]


def test_a_chunk_knows_the_files_own_clock() -> None:
    """Of its first moment, also where no frame is on that very moment."""
    source = [
        Frame(picture(index), time_s, container_s=50_000 + time_s) for index, time_s in enumerate((0.0, 0.9, 1.3))
    ]
    found = list(chunks(source, fps=2, chunk_seconds=1))
    assert [chunk.container_s for chunk in found] == pytest.approx([50_000, 50_001])


def test_days_do_not_drift() -> None:
    """Adding a second and again a second ends elsewhere after a week."""
    week_s = 7 * 86_400
    still = [Frame(picture(0), 0.1), Frame(picture(1), 0.1 + week_s + 1)]
    (last,) = deque(chunks(still, fps=1, chunk_seconds=3), maxlen=1)
    assert last.start_s == 0.1 + week_s


def test_memory_does_not_grow() -> None:
    """The source may be endless: only the chunk that is being filled is held."""
    alive = 0

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def source() -> Iterator[Frame]:
        nonlocal alive
        for index in range(3000):
            alive += 1
            yield Frame(np.zeros((1, 1, 3), dtype=np.uint8).view(Counted), index / 30)

    for _ in chunks(source(), fps=2, chunk_seconds=1):
        assert alive < 10


@pytest.mark.parametrize("times_s", [[0.0, 1.0, 0.9], [0.0, float("nan")], [0.0, float("-inf")]])
def test_frames_out_of_order_are_refused(times_s: list[float]) -> None:
    with pytest.raises(UsageError, match="in order of time"):
        list(chunks(frames_at(times_s), fps=2, chunk_seconds=1))


@pytest.mark.parametrize(("fps", "seconds"), [(2.5, 1), (0.5, 1), (2, 0.0)])
def test_chunks_of_no_whole_number_of_pictures_are_refused(fps: float, seconds: float) -> None:
    with pytest.raises(UsageError, match="not a whole number of pictures"):
        chunks([], fps=fps, chunk_seconds=seconds)
