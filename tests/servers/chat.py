"""A server on loopback that speaks the chat-completions protocol, with troubles on request. Knows no question."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Messages = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Trouble:
    """What to do instead of an answer, ``times`` times."""

    status: int = 0  # answer with this status...
    headers: dict[str, str] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)  # ...and this in the body
    cut: bool = False  # or announce a whole answer and hang up in its middle
    finish: str = ""  # or answer with this reason for the end
    refusal: str = ""  # or with this in place of an answer
    body: bytes | None = None  # or with this
    times: int = 1_000_000


@dataclass(slots=True)
class ChatOnLoopback:
    """What it answers, how it is to fail, and what it was asked."""

    answer: Callable[[Messages], str]
    delay_s: float = 0.0
    takes_temperature: bool = True
    base_url: str = ""
    troubles: list[Trouble] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    times_s: list[float] = field(default_factory=list)

    def trouble(self) -> Trouble | None:
        """What this request runs into."""
        for one in self.troubles:
            if one.times > 0:
                one.times -= 1
                return one
        return None


@contextmanager
def serving(chat: ChatOnLoopback, port: int = 0) -> Iterator[None]:
    """It is running; without a port, on any that is free."""
    handler = type("Handler", (_Handler,), {"chat": chat, "lock": threading.Lock()})
    with _Server(("127.0.0.1", port), handler) as server:
        chat.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error of this server's."""


class _Handler(BaseHTTPRequestHandler):
    chat: ChatOnLoopback
    lock: threading.Lock

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.chat.requests.append(asked)
            self.chat.times_s.append(time.monotonic())
            self.chat.keys.add(self.headers.get("Authorization", ""))
            trouble = self.chat.trouble()
        if self.path != "/v1/chat/completions":
            self._send(HTTPStatus.NOT_FOUND, {"error": {"message": "no such address"}})
        elif not self.chat.takes_temperature and "temperature" in asked:
            message = "Unsupported value: 'temperature' does not support 0 with this model."
            self._send(HTTPStatus.BAD_REQUEST, {"error": {"message": message, "param": "temperature"}})
        elif trouble is not None and trouble.status:
            self._send(trouble.status, {"error": trouble.error}, trouble.headers)
        else:
            time.sleep(self.chat.delay_s)
            self._answer(asked, trouble or Trouble())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gave it
        """Tests have no use for an access log."""

    def _answer(self, asked: dict[str, Any], trouble: Trouble) -> None:
        message: dict[str, Any] = {"role": "assistant", "content": self.chat.answer(asked["messages"])}
        if trouble.refusal:
            message |= {"content": None, "refusal": trouble.refusal}
        completion = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": trouble.finish or "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101},
        }
        body = json.dumps(completion).encode() if trouble.body is None else trouble.body
        self._send(HTTPStatus.OK, body, cut=trouble.cut)

    def _send(self, status: int, body: object, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(data[: len(data) // 2] if cut else data)
        except OSError:  # the client has left
            cut = True
        self.close_connection = cut
