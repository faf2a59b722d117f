"""Tells whether a web address is a recording, which ends and is read like a file, or a live source.

The request that finds out is also the first connection: a stream is read from its answer. Only a playlist and a
recording, which ffmpeg reads in several requests, are requested again. Knows no ffmpeg.
"""

import threading
from enum import StrEnum

from svlm_cli.sources.connection import Ending
from svlm_cli.sources.feeder import PIECE_BYTES
from svlm_cli.sources.http import Client, HttpResponse, RefusedError
from svlm_cli.sources.jpeg import BEGIN
from svlm_cli.sources.playlist import Playlist, PlaylistText, read_playlist, variant_of
from svlm_cli.sources.webfeed import PNG_BEGIN

_PLAYLIST_BEGIN = b"#EXTM3U"
_MOST_PLAYLIST_BYTES = 16 * 1024 * 1024
_MOST_LINE_BYTES = 64 * 1024
_LONGEST_BYTES = 1 << 44  # longer than any recording: some endless streams announce a length
_LOOKED_AT_BYTES = 8


class Nature(StrEnum):
    """What an address leads to."""

    RECORDING = "recording"
    STREAM = "stream"
    PICTURES = "pictures"  # a stream of JPEGs
    STILL = "still"  # one picture
    PLAYLIST = "playlist"  # live, in segments that arrive in bursts, so the source's clock counts


def look(client: Client, stop: threading.Event) -> tuple[Nature, HttpResponse]:
    """What the address leads to, and the answer, whose body is unread. `RefusedError` if there is no answer."""
    answer, found = client.ask(_examine, stop)
    assert found is not None, "nothing was said of an older answer"
    nature, variant = found
    if variant is None:
        return nature, answer
    answer.close()
    inner, found = client.ask(_examine, stop, url=variant)
    inner.close()
    return (Nature.RECORDING if found is not None and found[0] is Nature.RECORDING else Nature.PLAYLIST), inner


def _examine(answer: HttpResponse) -> tuple[Nature, str | None]:
    """The nature of an answer, and the address of a variant if it is a master playlist."""
    kind = answer.kind
    if kind.startswith("multipart/"):
        return Nature.PICTURES, None
    begin = answer.peek(_LOOKED_AT_BYTES)
    if begin.startswith(_PLAYLIST_BEGIN):
        return _examine_playlist(answer)
    if kind.startswith("image/") or (begin.startswith(PNG_BEGIN) and not kind.startswith("video/")):
        return Nature.STILL, None
    if answer.length is not None and answer.length < _LONGEST_BYTES:
        return Nature.RECORDING, None
    return Nature.PICTURES if begin.startswith((b"--", BEGIN)) else Nature.STREAM, None


def _examine_playlist(answer: HttpResponse) -> tuple[Nature, str | None]:
    page = _page(answer)
    variant = variant_of(page)
    if variant is not None:
        return Nature.PLAYLIST, variant
    ends = any(line.startswith("#EXT-X-ENDLIST") for line in page.lines)
    return Nature.RECORDING if ends else Nature.PLAYLIST, None


def fetch_playlist(client: Client, stop: threading.Event) -> Playlist | Ending:
    """The current playlist, or the first variant of a master playlist; else the reason why there is none."""
    try:
        page = _fetch_page(client, stop)
        variant = variant_of(page)
        return read_playlist(page if variant is None else _fetch_page(client, stop, variant))
    except RefusedError as error:
        return error.ending


def _fetch_page(client: Client, stop: threading.Event, url: str | None = None) -> PlaylistText:
    answer, page = client.ask(_page, stop, url=url)
    answer.close()
    assert page is not None, "nothing was said of an older answer"
    return page


def _page(answer: HttpResponse) -> PlaylistText:
    """A playlist's lines; `RefusedError` if it is too long."""
    data = bytearray()
    while piece := answer.read(PIECE_BYTES):
        data += piece
        if len(data) > _MOST_PLAYLIST_BYTES or b"\n" not in data[-_MOST_LINE_BYTES:].ljust(_MOST_LINE_BYTES, b"\n"):
            raise RefusedError(Ending("sends a playlist that does not end."))
    return PlaylistText(answer.url, [line.strip() for line in data.decode(errors="replace").splitlines()])
