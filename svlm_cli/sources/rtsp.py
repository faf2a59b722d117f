"""Explains why an RTSP camera rejects a login: ffmpeg reports a digest it does not support as a wrong password.

Asks the camera only after it has refused, and without the password. Knows nothing of its video.
"""

import socket
import time
from contextlib import suppress
from urllib.parse import SplitResult

from svlm_cli.core.address import SourceAddress
from svlm_cli.media.network import split_url
from svlm_cli.sources.authorization import algorithms
from svlm_cli.sources.connection import Ending
from svlm_cli.sources.http import tls

_PORTS = {"rtsp": 554, "rtsps": 322}
_PATIENCE_S = 2.0
_MOST_BYTES = 16 * 1024
_KNOWN = ("BASIC", "MD5", "MD5-SESS")  # supported by every ffmpeg


def explained(address: str | SourceAddress, ending: Ending) -> Ending:
    """The ending of a connection; one about the login also says which digest the camera asks for."""
    parts, _ = split_url(address)
    if not ending.denied or parts.scheme not in _PORTS:
        return ending
    asked: list[str] = []
    with suppress(OSError, ValueError):
        asked = algorithms(_challenges(parts))
    if not asked or any(way in _KNOWN for way in asked):
        return ending
    return Ending(
        "asks for the password by SHA-256, which not every ffmpeg supports.",
        "Check user and password, set the camera to MD5, or connect through go2rtc.",
        again=False,
        denied=True,
    )


def _challenges(parts: SplitResult) -> list[str]:
    """The camera's challenges to an unauthenticated DESCRIBE."""
    until_s = time.monotonic() + _PATIENCE_S
    where = (parts.hostname, parts.port or _PORTS[parts.scheme])
    with socket.create_connection(where, timeout=_PATIENCE_S) as plain:
        sock = tls().wrap_socket(plain, server_hostname=parts.hostname) if parts.scheme == "rtsps" else plain
        with sock:
            question = f"DESCRIBE {parts._replace(scheme='rtsp').geturl()} RTSP/1.0\r\nCSeq: 1\r\n\r\n"
            sock.sendall(question.encode())
            head = b""
            while b"\r\n\r\n" not in head and len(head) < _MOST_BYTES and (left_s := until_s - time.monotonic()) > 0:
                sock.settimeout(left_s)
                piece = sock.recv(4096)
                if not piece:
                    break
                head += piece
    fields = (line.partition(":") for line in head.decode(errors="replace").splitlines())
    return [value.strip() for name, _, value in fields if name.lower() == "www-authenticate"]
