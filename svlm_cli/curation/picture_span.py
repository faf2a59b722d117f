"""Whether a video can be learned from: it is there, it opens, and from when to when it has pictures.

By the reader and the rule of training: at a moment is the newest picture until then. Knows no rows.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from svlm_cli.core.errors import InputError
from svlm_cli.core.types import Frame
from svlm_cli.media.ffmpeg import Address, Ffmpeg, file_address, find_ffmpeg
from svlm_cli.sources.sequential import Reading, read_in_order

_NEAR_S: Final = 4.0  # of the end of the pictures: from there on they are read
_FINE: Final = Fraction(10)  # pictures a second by which the end is found


@dataclass(frozen=True, slots=True)
class PictureSpan:
    """What was found of a video: what is wrong with all of it, or from when to when it has pictures."""

    fault: str = ""  # a sentence
    from_s: float = 0.0
    until_s: float = 0.0  # as far as anybody asked

    def fault_of(self, first_s: float, last_s: float) -> str:
        """What a row is without whose first and last second begin then: the end of a sentence, or nothing."""
        if first_s + 1 <= self.from_s:
            return f"its video has no picture at {first_s:g} s, but from {self.from_s:g} s on"
        if last_s > self.until_s:
            return f"its video has no picture at {last_s:g} s, but until about {self.until_s:.1f} s"
        return ""


def look_at(video: Path, last_s: float) -> PictureSpan:
    """Opens a video, looks at its first picture and at the last moment, and if there is none, for the end of them."""
    try:
        looker = _Looker(find_ffmpeg(), file_address(video))
        from_s = looker.first_s()
        if last_s <= from_s or looker.sees(last_s):
            return PictureSpan("", from_s, max(last_s, from_s))
        return PictureSpan("", from_s, looker.last_s(from_s, last_s))
    except InputError as error:
        return PictureSpan(error.message)


class _Looker:
    """One video, of which single pictures are read."""

    def __init__(self, program: Ffmpeg, address: Address) -> None:
        self._program, self._address = program, address
        self._duration_s: float | None = None  # as the header says

    def first_s(self) -> float:
        """When its first picture is shown. `InputError` if there is none."""
        reading = Reading()
        with closing(self._frames(Fraction(1), None, None, reading)) as frames:
            time_s = next(frames).time_s
        self._duration_s = reading.duration_s
        return time_s

    def sees(self, time_s: float) -> bool:
        """Whether a picture is on screen then, or comes within a second."""
        with closing(self._frames(Fraction(1), time_s, time_s + 1, Reading())) as frames:
            try:
                return next(frames, None) is not None
            except InputError:  # it cannot be decoded there
                return False

    def last_s(self, seen_s: float, unseen_s: float) -> float:
        """Between a moment with a picture and one without: nearly the last one with a picture."""
        guess_s = unseen_s if self._duration_s is None else self._duration_s - 1
        if seen_s < guess_s < unseen_s and self.sees(guess_s):
            seen_s = guess_s
            unseen_s = min(unseen_s, seen_s + _NEAR_S)
        while unseen_s - seen_s > _NEAR_S:
            middle_s = (seen_s + unseen_s) / 2
            if self.sees(middle_s):
                seen_s = middle_s
            else:
                unseen_s = middle_s
        with closing(self._frames(_FINE, seen_s, unseen_s, Reading())) as frames:
            return max((frame.time_s for frame in frames), default=seen_s)

    def _frames(
        self, rate: Fraction, start_s: float | None, end_s: float | None, reading: Reading
    ) -> Generator[Frame, None, None]:
        return read_in_order(self._program, self._address, rate, start_s=start_s, end_s=end_s, reading=reading)
