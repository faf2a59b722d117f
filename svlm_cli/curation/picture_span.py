"""Whether a video can be used for training: it exists, opens, and has pictures over a known span.

Uses training's reader and rule: the picture at a moment is the newest one until then. Knows no rows.
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

_NEAR_S: Final = 4.0  # from the end of the pictures: from there on they are decoded one by one
_FINE: Final = Fraction(10)  # sampling rate for finding the end


@dataclass(frozen=True, slots=True)
class PictureSpan:
    """Findings about a video: a problem of the whole video, or the span of its pictures."""

    fault: str = ""  # a sentence
    from_s: float = 0.0
    until_s: float = 0.0  # only as far as was asked

    def fault_of(self, first_s: float, last_s: float) -> str:
        """What a row with these first and last seconds lacks: the end of a sentence, or ""."""
        if first_s + 1 <= self.from_s:
            return f"its video has no picture at {first_s:g} s, but from {self.from_s:g} s on"
        if last_s > self.until_s:
            return f"its video has no picture at {last_s:g} s, but until about {self.until_s:.1f} s"
        return ""


def look_at(video: Path, last_s: float) -> PictureSpan:
    """Open a video, check its first picture and the last moment, and if that has none, find the last picture."""
    try:
        looker = _Looker(find_ffmpeg(), file_address(video))
        from_s = looker.first_s()
        if last_s <= from_s or looker.sees(last_s):
            return PictureSpan("", from_s, max(last_s, from_s))
        return PictureSpan("", from_s, looker.last_s(from_s, last_s))
    except InputError as error:
        return PictureSpan(error.message)


class _Looker:
    """Reads single pictures of one video."""

    def __init__(self, program: Ffmpeg, address: Address) -> None:
        self._program, self._address = program, address
        self._duration_s: float | None = None  # from the header

    def first_s(self) -> float:
        """The time of its first picture. `InputError` if there is none."""
        reading = Reading()
        with closing(self._frames(Fraction(1), None, None, reading)) as frames:
            time_s = next(frames).time_s
        self._duration_s = reading.duration_s
        return time_s

    def sees(self, time_s: float) -> bool:
        """Whether a picture is on screen then, or appears within a second."""
        with closing(self._frames(Fraction(1), time_s, time_s + 1, Reading())) as frames:
            try:
                return next(frames, None) is not None
            except InputError:  # it cannot be decoded there
                return False

    def last_s(self, seen_s: float, unseen_s: float) -> float:
        """Approximately the last moment with a picture, between one with and one without."""
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
