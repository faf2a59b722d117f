"""Detects a frozen picture: a camera's encoder may hang while its connection stays up.

A real scene has sensor noise, so its pictures differ. Knows no connection.
"""

import zlib

from svlm_cli.core.types import Picture

STILL_S = 60.0
_ROWS = 4  # compares every fourth row: noise is everywhere


class Stillness:
    """Compares each picture of one source with the last, and says when to report it.

    A picture that has not changed for `still_s` is reported. After each report the limit doubles, because slides, for
    example, stand still again and again.
    """

    def __init__(self, still_s: float = STILL_S) -> None:
        self._still_s = still_s
        self._picture: Picture | None = None
        self._sum: int | None = None
        self._since_s = 0.0
        self._told = False

    def look(self, picture: Picture, time_s: float, *, first: bool) -> str:
        """A sentence to follow the source's name, or an empty string. `first`: of a connection."""
        if picture is self._picture and not first:
            return ""  # a repeated picture of ours
        self._picture = picture
        before, self._sum = self._sum, zlib.crc32(picture[::_ROWS].tobytes())
        if first or self._sum != before:
            self._since_s = time_s
            told, self._told = self._told, False
            return "shows other pictures again." if told and not first else ""
        if self._told or time_s - self._since_s < self._still_s:
            return ""
        self._told, self._still_s = True, 2 * self._still_s
        return f"has shown the same picture for {time_s - self._since_s:.0f} s."
