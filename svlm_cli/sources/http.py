"""One GET to a web server, with redirects, logins and timeouts.

However slow a server is and however much it sends, the caller has the beginning of the answer, or an error, within
seconds. Follows redirects to http and https only. Built on Python's own client, because other libraries refuse
headers that many cameras send. Does not know what an answer contains.
"""

import errno
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import SplitResult, quote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import UsageError
from svlm_cli.core.version import __version__
from svlm_cli.media.network import Login, split_url
from svlm_cli.sources.authorization import Authorization
from svlm_cli.sources.connection import HINTS, Ending

PATIENCE_S = 8.0  # for an answer, with redirects and logins; less than a live source waits for a picture
_EACH_S = 5.0  # for one connection, and for each read
_LOOK_EVERY_S = 0.1  # polling interval for a stop
_MOST_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_MOST_TUNNEL_BYTES = 8192
_REDIRECTS = (301, 302, 303, 307, 308)
_SAFE = "%/:?#[]@!$&'()*+,;=~"  # characters of a URL that are not escaped

_LOGIN, _PATH, _HOST = HINTS["login"], HINTS["path"], HINTS["host"]
# For each status: the sentence after the source's name, the hint, and whether a retry may help.
_REFUSALS = {
    400: Ending("does not understand the request.", _PATH, again=False),
    401: Ending("requires a user and a password, or rejects the given ones.", _LOGIN, again=False, denied=True),
    403: Ending("does not let this user in.", _LOGIN, again=False, denied=True),
    404: Ending("does not exist there: it answers 404.", _PATH, again=False),
    405: Ending("does not understand the request.", _PATH, again=False),
    410: Ending("is not there any more: it answers 410.", _PATH, again=False),
}
_SILENT = Ending("does not answer.", _HOST)
_UNKNOWN_WAY = Ending("asks for the password in a way that svlm does not support.", again=False, denied=True)

Found = TypeVar("Found")


class RefusedError(Exception):
    """There is no answer, or no usable one."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.sentence)
        self.ending = ending


class HttpResponse(Closing):
    """An answer whose headers have been read and whose body is still to come.

    A read may block; `kill`, called from any thread, ends it.
    """

    def __init__(self, connection: http.client.HTTPConnection, handle: socket.socket, url: str) -> None:
        response = connection.getresponse()
        self.url = url  # after redirects
        self.status = response.status
        self.headers = response.headers
        self._connection = connection
        self._response = response
        self._handle = handle
        self._kept = b""

    @property
    def kind(self) -> str:
        """The media type, such as ``image/jpeg``; empty if not given."""
        return self.headers.get_content_type() if "Content-Type" in self.headers else ""

    @property
    def length(self) -> int | None:
        """The announced length of the body in bytes."""
        text = self.headers.get("Content-Length", "")
        return int(text) if re.fullmatch(r"\d{1,18}", text) else None

    def peek(self, size: int) -> bytes:
        """The first bytes, at most `size`. They are read again afterwards."""
        while len(self._kept) < size and (piece := self._response.read1(size - len(self._kept))):
            self._kept += piece
        return self._kept[:size]

    def read(self, size: int) -> bytes:
        """The next bytes; empty at the end. `OSError` or `HTTPException` if the connection breaks."""
        if self._kept:
            piece, self._kept = self._kept[:size], self._kept[size:]
            return piece
        return self._response.read1(size)

    def kill(self) -> None:
        """End the connection now."""
        _shut(self._handle)

    def close(self) -> None:
        """Close the connection."""
        self.kill()
        self._response.close()
        self._connection.close()
        self._handle.close()


class Client:
    """A client that requests one address, repeatedly if need be; its login is sent to that host only."""

    def __init__(self, address: str | SourceAddress, login: Login | None = None) -> None:
        parts, own = split_url(address)
        self.url = parts._replace(fragment="").geturl()
        login = own or login
        self._authorization = None if login is None else Authorization(login)

    def ask(
        self,
        examine: Callable[[HttpResponse], Found],
        stop: threading.Event,
        *,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[HttpResponse, Found | None]:
        """GET the address, or `url`, to which it led; return the answer and what `examine` finds in it.

        The latter is None for "not modified". Raises `RefusedError` for other refusals, for no answer in time, and
        after `stop`.
        """
        call = _Call(url or self.url, self._login_for, dict(headers or {}))
        found = call.made(examine, stop)
        assert call.answer is not None
        return call.answer, found

    def _login_for(self, url: str) -> Authorization | None:
        """The login, if `url` has the host that the login is for and is no less secure."""
        given, other = _origin(self.url), _origin(url)
        upgraded = given == ("http", other[1], 80) and other == ("https", given[1], 443)
        return self._authorization if other == given or upgraded else None


class _Call:
    """One request, in a thread of its own: a name lookup may take minutes and cannot be interrupted.

    The caller may give up waiting. The thread's work is then aborted as far as possible.
    """

    def __init__(self, url: str, login_for: Callable[[str], Authorization | None], headers: Mapping[str, str]) -> None:
        self._url = url
        self._login_for = login_for
        self._headers = headers
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._given_up = False
        self._handle: socket.socket | None = None  # duplicate of the socket in use, to shut it down from another thread
        self._ending = _SILENT
        self.answer: HttpResponse | None = None

    def made(self, examine: Callable[[HttpResponse], Found], stop: threading.Event) -> Found | None:
        """Send the request; raises `RefusedError` if it fails."""
        found: list[Found] = []
        work = threading.Thread(target=self._run, args=(lambda answer: found.append(examine(answer)),), daemon=True)
        work.start()
        until_s = time.monotonic() + PATIENCE_S
        while not self._done.wait(_LOOK_EVERY_S):
            if stop.is_set() or time.monotonic() > until_s:
                break
        with self._lock:
            if self.answer is not None:
                return found[0] if found else None
            self._given_up = True
            if self._handle is not None:
                _shut(self._handle)
        raise RefusedError(self._ending)

    def _run(self, examine: Callable[[HttpResponse], None]) -> None:
        try:
            answer = self._follow()
            try:
                if answer.status != HTTPStatus.NOT_MODIFIED:
                    examine(answer)
            except BaseException:
                answer.close()
                raise
            with self._lock:
                if not self._given_up:
                    self.answer = answer
                    return
            answer.close()
        except RefusedError as error:
            self._ending = error.ending
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._ending = _ending_of(error)
        finally:
            self._done.set()

    def _follow(self) -> HttpResponse:
        """The answer after all redirects."""
        url, redirects, told = self._url, 0, False
        while True:
            answer = self._get(url)
            if answer.status == HTTPStatus.NOT_MODIFIED or 200 <= answer.status < 300:
                return answer
            with answer:
                login = self._login_for(url)
                if answer.status == HTTPStatus.UNAUTHORIZED and login is not None and not told:
                    told = login.hear(answer.headers.get_all("WWW-Authenticate", []))
                    if not told:
                        raise RefusedError(_UNKNOWN_WAY)
                    continue
                if answer.status not in _REDIRECTS or "Location" not in answer.headers:
                    raise RefusedError(_refusal(answer.status))
                url, redirects, told = _led_to(url, answer.headers["Location"]), redirects + 1, False
            if redirects > _MOST_REDIRECTS:
                raise RefusedError(Ending("redirects without end.", _PATH))

    def _get(self, url: str) -> HttpResponse:
        parts = urlsplit(url)
        target = quote(parts.path or "/", safe=_SAFE) + ("?" + quote(parts.query, safe=_SAFE)) * bool(parts.query)
        headers = {"User-Agent": f"svlm/{__version__}", "Accept": "*/*", "Connection": "close", **self._headers}
        login = self._login_for(url)
        value = None if login is None else login.header("GET", target)
        if value is not None:
            headers["Authorization"] = value
        proxy = _proxy_for(parts)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        connection = (http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection)(
            host, port
        )
        sock, handle = self._connect(proxy or parts)
        try:
            if parts.scheme == "https":
                if proxy is not None:
                    _tunnel(sock, f"{host}:{port}")
                sock = tls().wrap_socket(sock, server_hostname=host)
            elif proxy is not None:
                target = f"http://{parts.netloc}{target}"
            connection.sock = sock
            connection.request("GET", target, headers=headers)
            answer = HttpResponse(connection, handle, url)
            sock.settimeout(None)  # from here on the reader decides how long a read may take
        except BaseException:
            sock.close()
            handle.close()
            raise
        return answer

    def _connect(self, where: SplitResult) -> tuple[socket.socket, socket.socket]:
        sock = socket.create_connection((where.hostname, where.port or _PORTS[where.scheme]), timeout=_EACH_S)
        with self._lock:
            self._handle = handle = sock.dup()
            if self._given_up:
                _shut(handle)
        return sock, handle


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _led_to(url: str, location: str) -> str:
    """The target of a redirect; `RefusedError` if it is not an http(s) address."""
    try:
        target = urljoin(url, location.strip())
        if urlsplit(target).scheme not in _PORTS:
            raise RefusedError(Ending("redirects to an address that is neither http nor https.", _PATH, again=False))
        parts, _ = split_url(target)
    except (UsageError, ValueError):
        raise RefusedError(Ending("redirects to an invalid address.", _PATH)) from None
    return parts._replace(fragment="").geturl()


def _refusal(status: int) -> Ending:
    if status in _REFUSALS:
        return _REFUSALS[status]
    if status >= 500 or status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS):
        return Ending(f"cannot serve it at the moment: it answers {status}.")
    return Ending(f"answers {status}.", _PATH)


def _ending_of(error: Exception) -> Ending:
    """Why there was no answer."""
    match error:
        case socket.gaierror(errno=socket.EAI_NONAME | socket.EAI_NODATA):
            return Ending("has an unknown host name.", _HOST, again=False)
        case socket.gaierror():
            return Ending("has a host name that cannot be looked up at the moment.", _HOST)
        case ConnectionRefusedError():
            return Ending("refuses the connection: nothing serves there.", _HOST)
        case ssl.SSLError():
            return Ending("fails to set up TLS correctly.", _HOST)
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            return Ending("cannot be reached.", _HOST)
        case ConnectionError() | http.client.IncompleteRead():
            return Ending("broke off the connection.", _HOST)
        case OSError():
            return _SILENT
        case _:
            return Ending("does not answer as a web server does.", _HOST)


def tls() -> ssl.SSLContext:
    """No certificate is checked, as in ffmpeg: cameras sign their own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _proxy_for(parts: SplitResult) -> SplitResult | None:
    """The proxy that the environment names, as ffmpeg would choose it."""
    proxy = getproxies().get(parts.scheme)
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _tunnel(sock: socket.socket, where: str) -> None:
    sock.sendall(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = sock.recv(1)  # bytewise: what follows the headers is TLS
        if not piece or len(head) > _MOST_TUNNEL_BYTES:
            raise http.client.HTTPException
        head += piece
    if not re.match(rb"HTTP/1\.[01] 2\d\d\b", head):
        raise http.client.HTTPException


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # already closed
        sock.shutdown(socket.SHUT_RDWR)
