"""What is behind a web address: a recording, which has an end and is read like a file, or something live.

Asks once, with Python's own client, for the first kilobytes. Knows no ffmpeg.
"""

import threading
import urllib.error
import urllib.request
from enum import StrEnum
from http.client import HTTPException
from typing import IO
from urllib.parse import urljoin

from svlm_cli.core.errors import InputError
from svlm_cli.media.network import Login, public_name, split_url
from svlm_cli.sources.connection import Ending
from svlm_cli.sources.playlist import Page, Playlist, read_playlist, variant_of

_TIMEOUT_S = 5.0
_LOOKED_AT_BYTES = 256 * 1024
_MOST_PLAYLIST_BYTES = 16 * 1024 * 1024
_LOOK_EVERY_S = 0.1  # for a stop
_DENIALS = {
    401: ("wants a user and a password, or others than it got.", "Put them into a file for --credentials."),
    403: ("does not let this user in.", "Check user and password."),
    404: ("does not exist there: it answers 404.", "Check the address."),
    410: ("is not there any more: it answers 410.", "Check the address."),
}


_SILENT = Ending("does not answer.", "Check the host and the port of the address, and the network.")


class _ClosesRefusals(urllib.request.BaseHandler):
    """Python's own handlers ask again with a password, and leave the first answer open."""

    handler_order = 400  # before theirs

    def http_error_401(self, _request: object, answer: IO[bytes], *_: object) -> None:
        answer.close()


class Nature(StrEnum):
    """What an address leads to."""

    RECORDING = "recording"
    LIVE = "live"
    PLAYLIST = "playlist"  # live, in segments that come at once, so its own clock says when


def look(url: str, login: Login | None = None, *, name: str = "") -> Nature:
    """What the address leads to; live if nobody answers, so that it is tried again later.

    `InputError` if the answer is that there is nothing, or not for us.
    """
    opener, address = _opener(url, login)
    try:
        return _look(opener, address, 0)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _DENIALS:
            sentence, hint = _DENIALS[error.code]
            raise InputError(f"{name or public_name(url)} {sentence}", hint) from None
        return Nature.LIVE
    except (OSError, ValueError, HTTPException):
        return nature_by_name(url)


def nature_by_name(url: str) -> Nature:
    """What an address leads to, if nobody answers."""
    parts, _ = split_url(url)
    return Nature.PLAYLIST if parts.path.endswith(".m3u8") else Nature.LIVE


def _opener(url: str, login: Login | None) -> tuple[urllib.request.OpenerDirector, str]:
    """Who asks, and the address without its login."""
    parts, own = split_url(url)
    address = parts.geturl()
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    if login := own or login:
        manager.add_password(None, address, login.user, login.password)
    handlers = (urllib.request.HTTPBasicAuthHandler(manager), urllib.request.HTTPDigestAuthHandler(manager))
    return urllib.request.build_opener(_ClosesRefusals, *handlers), address


def fetch_playlist(url: str, login: Login | None, stop: threading.Event) -> Playlist | Ending:
    """The playlist there, or the first of those that it names; the reason why there is none."""
    found: list[Playlist | Ending] = []
    worker = threading.Thread(target=lambda: found.append(_fetch(url, login)), name="svlm-playlist", daemon=True)
    worker.start()
    while worker.is_alive() and not stop.is_set():
        worker.join(_LOOK_EVERY_S)
    return found[0] if found else _SILENT


def _fetch(url: str, login: Login | None) -> Playlist | Ending:
    opener, address = _opener(url, login)
    try:
        page = _page(opener, address)
        variant = variant_of(page)
        return read_playlist(page if variant is None else _page(opener, variant))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _DENIALS:
            return Ending(*_DENIALS[error.code], again=False, denied=error.code in (401, 403))
        return Ending("cannot serve it at the moment.")
    except (OSError, ValueError, HTTPException):
        return _SILENT


def _page(opener: urllib.request.OpenerDirector, address: str) -> Page:
    with opener.open(address, timeout=_TIMEOUT_S) as answer:
        text = answer.read(_MOST_PLAYLIST_BYTES).decode(errors="replace")
        return Page(answer.url, [line.strip() for line in text.splitlines()])


def _look(opener: urllib.request.OpenerDirector, address: str, depth: int) -> Nature:
    with opener.open(address, timeout=_TIMEOUT_S) as answer:
        start = answer.read(7)
        if start != b"#EXTM3U":
            return Nature.LIVE if answer.headers.get("Content-Length") is None else Nature.RECORDING
        lines = (start + answer.read(_LOOKED_AT_BYTES)).decode(errors="replace").splitlines()
        where = answer.url
    if any(line.startswith("#EXT-X-STREAM-INF") for line in lines) and depth == 0:
        variant = next((line.strip() for line in lines if line.strip() and not line.startswith("#")), None)
        if variant is not None:
            return _look(opener, urljoin(where, variant), depth + 1)
    return Nature.RECORDING if any(line.startswith("#EXT-X-ENDLIST") for line in lines) else Nature.PLAYLIST
