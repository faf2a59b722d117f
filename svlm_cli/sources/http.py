"""What is behind a web address: a recording, which has an end and is read like a file, or something live.

Asks once, with Python's own client, for the first kilobytes. Knows no ffmpeg.
"""

import urllib.error
import urllib.request
from enum import StrEnum
from http.client import HTTPException
from typing import IO
from urllib.parse import urljoin

from svlm_cli.core.errors import InputError
from svlm_cli.media.network import Login, public_name, split_url

_TIMEOUT_S = 5.0
_LOOKED_AT_BYTES = 256 * 1024
_DENIALS = {
    401: ("wants a user and a password, or others than it got.", "Put them into a file for --credentials."),
    403: ("does not let this user in.", "Check user and password."),
    404: ("does not exist there: it answers 404.", "Check the address."),
    410: ("is not there any more: it answers 410.", "Check the address."),
}


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
    parts, own = split_url(url)
    address = parts.geturl()
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    if login := own or login:
        manager.add_password(None, address, login.user, login.password)
    opener = urllib.request.build_opener(
        _ClosesRefusals, urllib.request.HTTPBasicAuthHandler(manager), urllib.request.HTTPDigestAuthHandler(manager)
    )
    try:
        return _look(opener, address, 0)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _DENIALS:
            sentence, hint = _DENIALS[error.code]
            raise InputError(f"{name or public_name(url)} {sentence}", hint) from None
        return Nature.LIVE
    except (OSError, ValueError, HTTPException):
        return Nature.PLAYLIST if parts.path.endswith(".m3u8") else Nature.LIVE


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
