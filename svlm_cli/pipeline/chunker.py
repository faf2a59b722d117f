"""Groups frames into chunks: which pictures each round shows.

Picture k of a chunk is the newest frame whose time is <= its start + k / fps, at any frame rate; frames that already
come at `fps` pass through unchanged. Does not know where frames come from or who uses the chunks.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Chunk, Frame, Picture
from svlm_cli.sources.grid import ON_TIME_S, frame_rate, moment


def chunks(frames: Iterable[Frame | None], *, fps: float, chunk_seconds: float) -> Iterator[Chunk]:
    """A chunk per `chunk_seconds` of the frames' clock, each as soon as its last picture is known.

    The first chunk starts at the first frame. A frame exactly on time is used at once, without waiting for a newer one.
    A second without frames repeats the last picture. A frame with `gap_s` restarts the count; None, which says that no
    frame is coming for a while, closes the current chunk, as do a gap and the end. Such a chunk may be short: it has
    the pictures so far, and ends 1 / fps after the last of them. The caller closes `frames`.

    `UsageError` if a chunk would not hold a whole number of pictures, or if frames are not in time order.
    """
    rate = frame_rate(fps)
    size = round(fps * chunk_seconds)
    if size < 1 or abs(fps * chunk_seconds - size) > 1e-6:
        raise UsageError(
            f"{chunk_seconds:g} s at {fps:g} fps is not a whole number of pictures.", "Choose another --fps."
        )
    return _chunks(frames, rate, size)


def _chunks(frames: Iterable[Frame | None], rate: Fraction, size: int) -> Iterator[Chunk]:
    count: _Count | None = None
    last: Frame | None = None
    for frame in frames:
        if frame is None:
            if count is not None and (short := count.close()):
                yield short
            continue
        if last is not None and not frame.time_s >= last.time_s:
            raise UsageError(f"Frames must come in order of time: {frame.time_s} s came after {last.time_s} s.")
        if count is None or last is None or frame.gap_s > 0:
            if count is not None and (short := count.close()):
                yield short
            count = _Count(frame, rate, size)
        else:
            while count.next_s < frame.time_s - ON_TIME_S:
                if chunk := count.show(last):
                    yield chunk
        count.dropped += frame.dropped
        last = frame
        while count.next_s <= frame.time_s + ON_TIME_S:
            if chunk := count.show(frame):
                yield chunk
    if count is not None and (short := count.close()):
        yield short


class _Count:
    """The sampling moments from one frame on, `size` per chunk, and the chunk being filled."""

    def __init__(self, first: Frame, rate: Fraction, size: int) -> None:
        self._start_s = first.time_s
        self._rate = rate
        self._size = size
        self._index = 0  # of the next moment
        self._pictures: list[Picture] = []
        self._wall_clock_s: float | None = None
        self._container_s: float | None = None
        self._gap_s = first.gap_s
        self.dropped = 0

    @property
    def next_s(self) -> float:
        """The first moment whose picture is not known yet."""
        return moment(self._start_s, self._index, self._rate)

    def show(self, frame: Frame) -> Chunk | None:
        """Use `frame` for `next_s`. Returns the chunk if this completes it."""
        if not self._pictures:
            self._wall_clock_s = frame.wall_clock_s
            self._container_s = None if frame.container_s is None else frame.container_s + self.next_s - frame.time_s
        self._pictures.append(frame.pixels)
        self._index += 1
        return self.close() if len(self._pictures) == self._size else None

    def close(self) -> Chunk | None:
        """End the chunk early; None if it has no picture."""
        if not self._pictures:
            return None
        chunk = Chunk(
            frames=tuple(self._pictures),
            start_s=moment(self._start_s, self._index - len(self._pictures), self._rate),
            end_s=self.next_s,
            wall_clock_s=self._wall_clock_s,
            container_s=self._container_s,
            gap_s=self._gap_s,
            dropped=self.dropped,
        )
        self._pictures = []
        self._gap_s = 0.0
        self.dropped = 0
        return chunk
