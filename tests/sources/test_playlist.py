"""Where a playlist is gone on with, so that nothing is shown twice."""

import threading
from collections.abc import Sequence

import pytest

from svlm_cli.media.log import Log
from svlm_cli.sources.connection import Ending
from svlm_cli.sources.playlist import (
    HAS_ENDED,
    NOTHING_NEW,
    Following,
    Playlist,
    PlaylistText,
    read_playlist,
    variant_of,
)

URL = "http://host/live/a.m3u8?token=1"


def playlist(names: Sequence[str], *more: str) -> Playlist:
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", *(line for name in names for line in ("#EXTINF:2.0,", name))]
    return read_playlist(PlaylistText(URL, [*lines, *more]))


def numbered(first: int, last: int) -> list[str]:
    return [f"a{number}.ts" for number in range(first, last + 1)]


def requests(*names: str) -> Log:
    """What ffmpeg says that it asked for; sound of its own has another playlist."""
    log = Log()
    for name in names:
        log.feed(f"[hls @ 0x1] [verbose] HLS request for url 'http://host/live/{name}', offset 0, playlist 1")
        log.feed(f"[hls @ 0x1] [verbose] HLS request for url 'http://host/sound/{name}', offset 0, playlist 0")
    return log


class Server:
    """A server of a playlist, and a clock."""

    def __init__(self, shown: Sequence[str], now: Playlist | Ending) -> None:
        self.now: Playlist | Ending = now
        self.time_s = 0.0
        self.following = Following(lambda _: self.now, now_s=lambda: self.time_s)
        self.following.note(requests(*shown).requests)

    def go_on(self) -> int | Ending | None:
        return self.following.go_on(threading.Event())


@pytest.mark.parametrize(
    ("shown", "listed", "ended", "goes_on"),
    [
        ((3, 7), (3, 7), False, NOTHING_NEW),
        ((3, 7), (3, 7), True, HAS_ENDED),
        ((3, 7), (3, 8), False, 5),
        ((3, 7), (5, 9), False, 3),
        ((0, 2), (0, 9), False, 7),  # as near to the present as those who join
        ((3, 7), (20, 24), False, None),
        ((20, 24), (0, 2), False, None),  # an encoder that was started again
        ((3, 7), (2, 6), False, NOTHING_NEW),  # a server that is behind
        ((3, 7), (2, 6), True, HAS_ENDED),
    ],
)
def test_where_it_goes_on(
    shown: tuple[int, int], listed: tuple[int, int], ended: bool, goes_on: int | Ending | None
) -> None:
    server = Server(numbered(*shown), playlist(numbered(*listed), *["#EXT-X-ENDLIST"] * ended))
    assert server.go_on() == goes_on


def test_nothing_was_shown_yet() -> None:
    """Nobody is asked: ffmpeg joins where it likes."""
    assert Server([], NOTHING_NEW).go_on() is None
    assert Server(["a1.ts"], Ending("does not answer.")).go_on() == Ending("does not answer.")


def test_an_encoder_that_starts_again_with_the_same_names() -> None:
    """Its segments are called as those that were shown, and are others: what grows and does not catch up is new."""
    server = Server(numbered(0, 9), playlist(numbered(0, 0)))
    assert server.go_on() == NOTHING_NEW
    server.time_s, server.now = 4.0, playlist(numbered(0, 2))
    assert server.go_on() == NOTHING_NEW, "another server may be behind by so much"
    server.time_s = 6.0
    assert server.go_on() is None
    stands = Server(numbered(0, 9), playlist(numbered(0, 2)))
    for stands.time_s in (0.0, 3600.0):
        assert stands.go_on() == NOTHING_NEW, "what does not grow is old"


def test_names_that_come_again_and_again() -> None:
    """An encoder with a ring of five files: the newest that was shown counts, not that one was shown before."""
    server = Server(["a3.ts", "a4.ts", "a0.ts", "a1.ts"], playlist(["a4.ts", "a0.ts", "a1.ts", "a2.ts", "a3.ts"]))
    assert server.go_on() == 3


def test_parts_of_a_file_and_what_comes_before_them() -> None:
    """fMP4: all segments may have one name, and ffmpeg asks for the head of each file as for a segment."""
    lines = ['#EXT-X-MAP:URI="head.mp4"', "#EXT-X-BYTERANGE:100@50", "a.mp4", "#EXT-X-BYTERANGE:70", "a.mp4"]
    found = read_playlist(PlaylistText(URL, lines))
    assert found.segments == (("/live/a.mp4", "", 50), ("/live/a.mp4", "", 150))
    log = Log()
    for name, offset in (("a.mp4", 50), ("head.mp4", 0)):
        log.feed(f"[hls @ 0x1] [verbose] HLS request for url 'http://host/live/{name}', offset {offset}, playlist 0")
    following = Following(lambda _: found)
    following.note(log.requests)
    assert following.go_on(threading.Event()) == 1


def test_a_playlist_of_playlists() -> None:
    page = PlaylistText(
        URL, ["#EXTM3U", "#EXT-X-STREAM-INF:BANDWIDTH=1", "low/b.m3u8", "#EXT-X-STREAM-INF:BANDWIDTH=2", "c"]
    )
    assert variant_of(page) == "http://host/live/low/b.m3u8"
    assert variant_of(PlaylistText(URL, ["#EXTM3U", "a.ts"])) is None


def test_what_is_remembered_is_bounded() -> None:
    """Of days of segments."""
    log = requests(*numbered(0, 1000))
    assert {len(some) for some in log.requests.values()} == {32}
    for number in range(1000):
        log.feed(f"[hls @ 0x1] [verbose] HLS request for url 'http://a/b', offset 0, playlist {number}")
    assert len(log.requests) == 32
