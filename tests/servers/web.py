"""A small web server on loopback: files, endless streams, passwords, and whatever else it is told to answer."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tests.servers.passwords import Door


@dataclass(frozen=True, slots=True)
class Reply:
    """A head, as it is written here, and pieces of a body."""

    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Callable[[], Iterator[bytes]] = lambda: iter(())
    status: int = 200


Now = bytes | int | Reply
Answer = Now | Callable[[], Iterator[bytes]] | Callable[[], Now]
"""A file, a status, a reply, which may depend on the moment, or pieces without an end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came."""

    path: str
    headers: Message


class WebServer:
    """Answers by path, or with the files of a folder as they are then. A context manager."""

    def __init__(
        self,
        answers: Mapping[str, Answer] | Path,
        *,
        login: tuple[str, str] | None = None,
        ways: Sequence[str] = ('Basic realm="camera"',),
        whole: bool = False,
        breaks: int = 0,
    ) -> None:
        self._server = _Server(answers, None if login is None else Door(login, ways))
        self._server.whole = whole  # it sends no parts of a file
        self._server.breaks = breaks  # so many parts end halfway
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def asked(self) -> list[Asked]:
        """All requests, in order."""
        return self._server.asked

    def url(self, path: str, userinfo: str = "") -> str:
        """The address of a path."""
        return f"http://{userinfo}127.0.0.1:{self._server.server_address[1]}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    whole = False
    breaks = 0

    def __init__(self, answers: Mapping[str, Answer] | Path, door: Door | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Asked] = []
        self._answers = answers
        self.door = door

    def answer(self, path: str) -> Now | Iterator[bytes]:
        """What there is under that path."""
        if not isinstance(self._answers, Path):
            answer = self._answers.get(path, 404)
            return answer() if callable(answer) else answer
        file = self._answers / path.removeprefix("/")
        return file.read_bytes() if file.is_file() else 404


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked.append(Asked(self.path, self.headers))
        door = self.server.door
        if door is not None and not door.opens(self.headers.get("Authorization", ""), self.path):
            self.send_response(401)
            for challenge in door.challenges():
                self.send_header("WWW-Authenticate", challenge)
            self.end_headers()
            return
        answer = self.server.answer(self.path.partition("?")[0])
        if isinstance(answer, bytes):
            self._send_file(answer)
        elif isinstance(answer, int):
            self.send_error(answer)
        else:
            reply = answer if isinstance(answer, Reply) else Reply(pieces=lambda: answer)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            any(not self._write(piece) for piece in reply.pieces())

    def _send_file(self, data: bytes) -> None:
        first, last = 0, len(data) - 1
        span = "" if self.server.whole else self.headers.get("Range", "").removeprefix("bytes=")
        if span:
            begin, _, end = span.partition("-")
            first, last = int(begin or 0), min(last, int(end or last))
        self.send_response(206 if span else 200)
        self.send_header("Accept-Ranges", "none" if self.server.whole else "bytes")
        self.send_header("Content-Length", str(last + 1 - first))
        if span:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        part = data[first : last + 1]
        if span and self.server.breaks:
            self.server.breaks -= 1
            part = part[: len(part) // 2]
            self.close_connection = True
        self._write(part)

    def _write(self, data: bytes) -> bool:
        try:
            self.wfile.write(data)
        except OSError:  # whoever asked has gone
            return False
        return True

    def log_message(self, *_: object) -> None:
        """Silent."""
