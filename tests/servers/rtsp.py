"""The RTSP server of the tests is the one of the soak. Without its packages the tests are skipped, in CI they fail."""

import contextlib
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

import pytest

from tests.rigs.camera import PACKAGES, RtspServer, free_port, missing

__all__ = ["Recorder", "RtspServer", "free_port", "require_rtsp_server"]


def require_rtsp_server() -> None:
    """Skips the test where the packages are missing, unless REQUIRE_RTSP is set, as in CI: there it fails."""
    if reason := missing():
        if os.environ.get("REQUIRE_RTSP"):
            pytest.fail(f"the RTSP server is missing: {reason}")
        pytest.skip(f"needs Debian's {PACKAGES}: {reason}")


class Recorder:
    """Stands between a client and an RTSP server, and notes what the client asks for. A context manager.

    `hang` holds back all that the server sends from then on.
    """

    def __init__(self, server: RtspServer) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._hangs = threading.Event()
        self._sockets = [self._listener]
        self._threads: list[threading.Thread] = []
        self.requests: list[str] = []  # their first words

    @property
    def url(self) -> str:
        """The server's stream, by way of this."""
        return self._server.url.replace(str(self._server.port), str(self._listener.getsockname()[1]))

    def hears(self, request: str, count: int = 1) -> bool:
        """Whether the client has asked for it so often, or does so soon."""
        until = time.monotonic() + 60
        while self.requests.count(request) != count and time.monotonic() < until:
            time.sleep(0.01)
        return self.requests.count(request) == count

    def hang(self) -> None:
        """The server answers no more."""
        self._hangs.set()

    def _serve(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self._server.port))
            self._sockets += [client, server]
            self._run(self._ask, client, server)
            self._run(self._answer, server, client)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        while data := client.recv(65536):
            self.requests += [word.decode() for word in re.findall(rb"(?m)^([A-Z]+) rtsp://", data)]
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        while data := server.recv(65536):
            if not self._hangs.is_set():
                client.sendall(data)
        client.shutdown(socket.SHUT_WR)

    def _run(self, work: Callable[..., None], *sockets: socket.socket) -> None:
        def until_closed() -> None:
            with contextlib.suppress(OSError):
                work(*sockets)

        self._threads.append(threading.Thread(target=until_closed))
        self._threads[-1].start()

    def __enter__(self) -> Self:
        self._run(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            with contextlib.suppress(OSError):  # the other side has closed it
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()
