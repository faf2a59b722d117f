"""Follows a live HLS playlist: which segments were shown, and where to continue so that nothing is shown twice.

ffmpeg follows the playlist and logs which segments it requests; before a reconnection the reader asks here. Knows
neither how a playlist is fetched nor what its segments contain.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from svlm_cli.media.log import SegmentRequest
from svlm_cli.sources.connection import Ending
from svlm_cli.sources.http import RefusedError

_JOIN_SEGMENTS = 3  # from the end, like ffmpeg
_BEHIND_TARGETS = 3.0  # segment durations by which another server of the same stream may lag behind
_RANGE = re.compile(r"(\d+)(?:@(\d+))?")
_MAP = re.compile(r'#EXT-X-MAP:(?:.*,)?URI="([^"]*)"')
_TARGET = re.compile(r"#EXT-X-TARGETDURATION:\s*(\d{1,6})")

HAS_ENDED = Ending("has ended.", over=True)
NOTHING_NEW = Ending("shows nothing new: its playlist has stopped changing.")

Key = tuple[str, str, int]
"""A segment, independent of the server: path, query, offset."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """A playlist at one moment."""

    segments: tuple[Key, ...]
    heads: frozenset[tuple[str, str]] = frozenset()  # initialisation sections, path and query of each
    ended: bool = False
    target_s: float = 10.0  # the longest duration of a segment


@dataclass(frozen=True, slots=True)
class PlaylistText:
    """A fetched playlist: its final address and its lines."""

    url: str
    lines: Sequence[str] = field(repr=False)


def variant_of(page: PlaylistText) -> str | None:
    """The address of the first variant; None if the playlist names segments itself.

    `RefusedError` if no variant has an http(s) address.
    """
    if not any(line.startswith("#EXT-X-STREAM-INF") for line in page.lines):
        return None
    addresses = (urljoin(page.url, line) for line in page.lines if line and not line.startswith("#"))
    variant = next((one for one in addresses if urlsplit(one).scheme in ("http", "https")), None)
    if variant is None:
        raise RefusedError(Ending("is a playlist that names no address of http or https.", again=False))
    return variant


def read_playlist(page: PlaylistText) -> Playlist:
    """Parse the playlist."""
    segments, heads, ended, target_s = [], set(), False, 10.0
    offset, after = 0, 0  # of a segment that is a byte range; where the previous range ended
    for line in page.lines:
        if line.startswith("#EXT-X-BYTERANGE:") and (match := _RANGE.match(line.partition(":")[2].strip())):
            offset = after if match[2] is None else int(match[2])
            after = offset + int(match[1])
        elif match := _MAP.match(line):
            heads.add(_key(urljoin(page.url, match[1]), 0)[:2])
        elif match := _TARGET.match(line):
            target_s = float(match[1])
        elif line.startswith("#EXT-X-ENDLIST"):
            ended = True
        elif line and not line.startswith("#"):
            segments.append(_key(urljoin(page.url, line), offset))
            offset = 0
    return Playlist(tuple(segments), frozenset(heads), ended, max(0.5, target_s))


def _key(url: str, offset: int) -> Key:
    parts = urlsplit(url)
    return parts.path, parts.query, offset


class Following:
    """What has been shown of a playlist. `fetch` returns its state or the reason, and ends soon after the event."""

    def __init__(
        self,
        fetch: Callable[[threading.Event], Playlist | Ending],
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._now_s = now_s
        self._shown: tuple[tuple[Key, ...], ...] = ()  # one entry per playlist that ffmpeg reads
        self._behind: tuple[Playlist, float] | None = None  # a playlist that lags behind: as first seen, and since when

    def note(self, requests: Mapping[int, Sequence[SegmentRequest]]) -> None:
        """Record a connection's requests. All of them count as shown."""
        if requests:
            self._shown = tuple(tuple(_key(*request) for request in some) for some in requests.values())

    def go_on(self, stop: threading.Event) -> int | Ending | None:
        """The segment to start with, counted from the playlist's first; None for the default position of a live stream.

        Returns an ending if there is nothing to start with.
        """
        if not self._shown:
            return None
        playlist = self._fetch(stop)
        if isinstance(playlist, Ending):
            return playlist
        index = self._first_new(playlist)
        if index is None:
            return None
        if playlist.ended:
            return HAS_ENDED  # ffmpeg would start with the first segment again
        if index == len(playlist.segments):
            return NOTHING_NEW
        return max(index, len(playlist.segments) - _JOIN_SEGMENTS)

    def _first_new(self, playlist: Playlist) -> int | None:
        """The index of the first segment that was not shown; None if none of them was shown before."""
        listed = set(playlist.segments)
        shown = next((some for some in self._shown if listed.intersection(some)), None)
        if shown is None:
            return None
        newest = next((key for key in reversed(shown) if key[:2] not in playlist.heads), shown[-1])
        if newest in listed:
            self._behind = None
            return len(playlist.segments) - playlist.segments[::-1].index(newest)
        if self._begins_again(playlist):
            self._shown, self._behind = (), None
            return None
        return len(playlist.segments)

    def _begins_again(self, playlist: Playlist) -> bool:
        """Whether a restarted encoder reuses old names for new segments.

        The newest shown segment is not listed, though older ones are. A lagging server may look the same, but it
        catches up.
        """
        if self._behind is None:
            self._behind = playlist, self._now_s()
        first, since_s = self._behind
        return playlist != first and self._now_s() - since_s >= _BEHIND_TARGETS * playlist.target_s
