"""Feeds a web address to ffmpeg: a stream as it arrives, or one picture, fetched again and again.

One connection to the server at a time. ffmpeg never learns the address. Knows no live source: a feeder is one of its
connections.
"""

import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from typing import BinaryIO, Protocol

from svlm_cli.media.ffmpeg import FORMATS, Address
from svlm_cli.sources.connection import Ending
from svlm_cli.sources.feeder import PIECE_BYTES, Feeder
from svlm_cli.sources.http import Client, HttpResponse, RefusedError
from svlm_cli.sources.jpeg import BEGIN, MOST_BYTES, JpegReader

PNG_BEGIN = b"\x89PNG\r\n\x1a\n"
_PNG_BLOCK_BYTES = 4096
_QUICK = (("probesize", "32"), ("analyzeduration", "0"))
_CAREFUL = (("probesize", "1000000"), ("analyzeduration", "1000000"))


class _Pieces(Protocol):
    """The data of one connection, and why it ended."""

    ending: Ending | None

    def read(self, stop: threading.Event) -> Iterator[bytes]:
        """Yield the data; end soon after `stop` and `kill`."""
        ...

    def kill(self) -> None:
        """End a wait, from any thread."""
        ...


class WebFeeder(Feeder):
    """Feeds one connection into ffmpeg. `ending` says why it ended, if the server is the reason."""

    def __init__(self, pieces: _Pieces, target: BinaryIO) -> None:
        self._web = pieces
        super().__init__(pieces.read, target, name="svlm-web")

    @property
    def ending(self) -> Ending | None:
        """Why there is no more; None if ffmpeg knows."""
        return self._web.ending

    def close(self) -> None:
        """Close the connection."""
        self._stop.set()
        self._web.kill()
        super().close()


class WebStream:
    """An endless stream. Its first connection is `answer`, which is open already."""

    def __init__(self, client: Client, answer: HttpResponse, *, pictures: bool) -> None:
        self._client = client
        self._first: HttpResponse | None = answer
        self._pictures = pictures  # motion JPEG

    def address(self, name: str) -> Address:
        """The address that ffmpeg reads it as."""
        return _fed(name, "mpjpeg", _QUICK) if self._pictures else _fed(name, FORMATS, _CAREFUL)

    def __call__(self, target: BinaryIO) -> WebFeeder:
        """Open a connection and feed it to ffmpeg's standard input."""
        answer, self._first = self._first, None
        return WebFeeder(_Stream(self._client, answer, pictures=self._pictures), target)


class _Stream:
    def __init__(self, client: Client, answer: HttpResponse | None, *, pictures: bool) -> None:
        self.ending: Ending | None = None
        self._client = client
        self._answer = answer
        self._cut: Callable[[bytes], Iterator[bytes]] = JpegReader().read if pictures else _uncut

    def read(self, stop: threading.Event) -> Iterator[bytes]:
        try:
            if self._answer is None:
                self._answer, _ = self._client.ask(lambda answer: None, stop)
            with self._answer as answer, suppress(OSError, ValueError, HTTPException):  # the connection broke
                while not stop.is_set() and (piece := answer.read(PIECE_BYTES)):
                    for part in self._cut(piece):
                        yield part if self._cut is _uncut else _framed(part)
        except RefusedError as error:
            self.ending = error.ending

    def kill(self) -> None:
        if self._answer is not None:
            self._answer.kill()


class WebStill:
    """One picture, fetched again every `every_s` and shown `fps` times per second in between, as on a screen.

    So its words come at once: nothing waits for the next fetch.
    """

    def __init__(self, client: Client, answer: HttpResponse, *, every_s: float, fps: float) -> None:
        self._client = client
        self._format = "png_pipe" if answer.peek(len(PNG_BEGIN)) == PNG_BEGIN else "mpjpeg"
        self._every_s = every_s
        self._step_s = min(every_s, 1 / fps)

    def address(self, name: str) -> Address:
        """The address that ffmpeg reads it as."""
        return _fed(name, self._format, _QUICK)

    def __call__(self, target: BinaryIO) -> WebFeeder:
        """Fetch the picture until something fails."""
        return WebFeeder(_Still(self._client, self._format, self._every_s, self._step_s), target)


class _Still:
    def __init__(self, client: Client, format_: str, every_s: float, step_s: float) -> None:
        self.ending: Ending | None = None
        self._client = client
        self._format = format_
        self._every_s = every_s
        self._step_s = step_s

    def read(self, stop: threading.Event) -> Iterator[bytes]:
        picture = b""
        known: dict[str, str] = {}  # validators, so that the server does not send the same picture again
        try:
            while not stop.is_set():
                due_s = time.monotonic() + self._every_s
                answer, found = self._client.ask(self._whole, stop, headers=known)
                with answer:
                    if found is not None:
                        picture, known = found, _validators(answer)
                yield from self._show(picture, due_s, stop)
        except RefusedError as error:
            self.ending = error.ending

    def _show(self, picture: bytes, until_s: float, stop: threading.Event) -> Iterator[bytes]:
        while not stop.is_set():
            yield _padded(picture) if self._format == "png_pipe" else _framed(picture)
            left_s = until_s - time.monotonic()
            stop.wait(max(0.0, min(self._step_s, left_s)))
            if left_s <= self._step_s:
                return

    def _whole(self, answer: HttpResponse) -> bytes:
        data = bytearray()
        with suppress(ValueError):
            while piece := answer.read(PIECE_BYTES):
                data += piece
                if len(data) > MOST_BYTES:
                    raise RefusedError(Ending(f"sends a picture of more than {MOST_BYTES // 2**20} MB."))
        if not data.startswith(PNG_BEGIN if self._format == "png_pipe" else BEGIN):
            raise RefusedError(Ending("sends something other than the picture that it sent first."))
        return bytes(data)

    def kill(self) -> None:
        """Nothing to do: `Client.ask` watches `stop` itself."""


def _fed(name: str, formats: str, options: tuple[tuple[str, str], ...]) -> Address:
    single = () if formats is FORMATS else (("f", formats),)
    return Address(url="pipe:0", name=name, protocols="pipe,fd", formats=formats, fed=True, options=(*single, *options))


def _uncut(piece: bytes) -> Iterator[bytes]:
    yield piece


def _framed(picture: bytes) -> bytes:
    """A part of motion JPEG with its length, so that ffmpeg need not wait for the start of the next part."""
    return b"--svlm\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(picture), picture)


def _padded(picture: bytes) -> bytes:
    """Pad a PNG to whole blocks with an empty chunk before its last one: ffmpeg waits until a block is full."""
    end = picture.rfind(b"IEND") - 4
    if end < 0:
        return picture  # truncated
    blank = bytes(-(len(picture) + 12) % _PNG_BLOCK_BYTES)
    chunk = len(blank).to_bytes(4) + b"zzZz" + blank + zlib.crc32(b"zzZz" + blank).to_bytes(4)
    return picture[:end] + chunk + picture[end:]


def _validators(answer: HttpResponse) -> dict[str, str]:
    """Headers for the next request, so that an unchanged picture is not sent again."""
    names = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
    return {said: answer.headers[name] for name, said in names.items() if name in answer.headers}
