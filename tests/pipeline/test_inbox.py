"""What waits between decoding and the model is bounded, in bytes as well."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np
import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.types import Chunk
from svlm_cli.pipeline import inbox
from svlm_cli.pipeline.inbox import READ_AHEAD_CHUNKS, Inbox

PICTURE_BYTES = 3000


class Source:
    """Chunks of two pictures; knows how many were asked for, and whether all were taken."""

    def __init__(self, count: int, *, gaps_s: Sequence[float] = ()) -> None:
        self.count = count
        self.gaps_s = dict(enumerate(gaps_s))
        self.asked = 0
        self.grew = threading.Condition()
        self.ended = threading.Event()

    def __iter__(self) -> Iterator[Chunk]:
        for index in range(self.count):
            with self.grew:
                self.asked = index + 1
                self.grew.notify_all()
            pictures = tuple(np.zeros((10, PICTURE_BYTES // 30, 3), dtype=np.uint8) for _ in range(2))
            yield Chunk(pictures, float(index), index + 1.0, gap_s=self.gaps_s.get(index, 0.0))
        self.ended.set()

    def wait_for(self, asked: int) -> None:
        with self.grew:
            assert self.grew.wait_for(lambda: self.asked >= asked, 10)


@pytest.mark.parametrize(
    ("limit", "waiting"),
    [pytest.param(10**9, READ_AHEAD_CHUNKS, id="chunks"), pytest.param(3 * PICTURE_BYTES, 1, id="bytes")],
)
def test_no_more_waits_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch, limit: int, waiting: int) -> None:
    """Two seconds of 4K at 60 frames a second would be 3 GB."""
    monkeypatch.setattr(inbox, "READ_AHEAD_BYTES", limit)
    source = Source(8)
    box: Inbox[str] = Inbox()
    box.add("a", iter(source), lambda: None)
    try:
        for taken in range(8):
            source.wait_for(min(8, taken + waiting + 1))  # those that wait, and the one for which there is no room
            assert source.asked <= min(8, taken + waiting + 1)
            box.wait()
            chunk = box.take("a")
            assert chunk is not None
            assert chunk.start_s == taken
        box.wait()
        assert box.take("a") is None
    finally:
        box.remove("a")


def test_each_source_may_have_one_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large: nobody starves."""
    monkeypatch.setattr(inbox, "READ_AHEAD_BYTES", 1)
    box: Inbox[int] = Inbox()
    for key in range(3):
        box.add(key, iter(Source(2)), lambda: None)
    try:
        left = dict.fromkeys(range(3), 2)
        while any(left.values()):
            for key in box.wait():
                if box.take(key) is not None:
                    left[key] -= 1
    finally:
        box.remove(0, 1, 2)


def test_only_the_newest_chunk_of_a_source_that_drops_waits() -> None:
    """Guards a live source against delay, and the time that it lost before a chunk that was dropped."""
    source = Source(4, gaps_s=(0.0, 5.0, 0.0, 0.25))
    box: Inbox[str] = Inbox()
    box.add("a", iter(source), lambda: None, drops=lambda: True)
    try:
        assert source.ended.wait(60)
        assert box.wait() == ["a"]
        newest = box.take("a")
        assert newest is not None
        assert (newest.start_s, newest.dropped, newest.gap_s) == (3.0, 6, 5.25)
        box.wait()
        assert box.take("a") is None
    finally:
        box.remove("a")


@pytest.mark.parametrize("removed", [False, True], ids=["dropped", "removed"])
def test_chunks_that_are_gone_take_no_room(monkeypatch: pytest.MonkeyPatch, removed: bool) -> None:
    """Guards the sources that are left: after hours of dropping, each of them would have one chunk that waits."""
    monkeypatch.setattr(inbox, "READ_AHEAD_BYTES", 2 * 2 * PICTURE_BYTES)
    gone, left = Source(8), Source(4)
    box: Inbox[str] = Inbox()
    box.add("gone", iter(gone), lambda: None, drops=lambda: not removed)
    if removed:
        gone.wait_for(READ_AHEAD_CHUNKS + 1)
        box.remove("gone")
    else:
        assert gone.ended.wait(60)
        assert box.take("gone") is not None
    box.add("left", iter(left), lambda: None)
    try:
        left.wait_for(READ_AHEAD_CHUNKS + 1)  # two wait, and there is no room for the one asked for
    finally:
        box.remove("gone", "left")


def test_sources_are_closed_side_by_side() -> None:
    """Eight cameras that hang take a second each to be left; all of them must be left within three."""
    together = threading.Barrier(8)
    box: Inbox[int] = Inbox()

    def close() -> None:
        together.wait(60)

    for key in range(8):
        box.add(key, iter(()), close)
    box.remove(*range(8))


def test_what_is_not_read_ahead_is_read_by_who_takes_it() -> None:
    """Frames of a caller's own may come from anything that belongs to one thread: a window, a database."""
    readers: list[threading.Thread] = []

    def chunks() -> Iterator[Chunk]:
        for chunk in Source(2):
            readers.append(threading.current_thread())
            yield chunk
        raise InputError("The window is gone.")

    with closing(Inbox[str]()) as box:
        box.add("a", chunks(), lambda: None, ahead=False)
        assert readers == []
        for second in range(2):
            assert box.wait() == ["a"]
            chunk = box.take("a")
            assert chunk is not None
            assert chunk.start_s == second
        with pytest.raises(InputError):
            box.take("a")
    assert readers == [threading.current_thread()] * 2
