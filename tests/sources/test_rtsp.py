"""What is said of a camera that does not take a password."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.media.network import public_name
from svlm_cli.sources.live import LiveStream
from svlm_cli.sources.opening import SourceOptions, open_source


@contextmanager
def camera(*challenges: str) -> Iterator[tuple[str, list[bytes]]]:
    """One that refuses everybody in this way: its address, and what it was asked."""
    asked: list[bytes] = []

    def answer(caller: socket.socket) -> None:
        with caller, caller.makefile("rb") as lines:
            while head := b"".join(takewhile(lambda line: line not in (b"\r\n", b""), lines)):
                asked.append(head)
                number = next(line for line in head.splitlines() if line.startswith(b"CSeq"))
                ways = [f"WWW-Authenticate: {challenge}" for challenge in challenges]
                status = "200 OK" if head.startswith(b"OPTIONS") else "401 Unauthorized"
                reply = [f"RTSP/1.0 {status}", number.decode(), *ways, "Content-Length: 0", "", ""]
                caller.sendall("\r\n".join(reply).encode())

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:  # it is over
                    return
                threading.Thread(target=answer, args=(caller,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"rtsp://me:secret@127.0.0.1:{server.getsockname()[1]}/live", asked
        server.shutdown(socket.SHUT_RDWR)


SHA_256 = 'Digest realm="x", nonce="y", algorithm=SHA-256'


@pytest.mark.parametrize(
    ("challenges", "needle"),
    [
        ((SHA_256,), "SHA-256"),
        ((SHA_256, 'Digest realm="x", nonce="y", algorithm=MD5'), "rejects the given ones"),
        ((SHA_256, 'Basic realm="x"'), "rejects the given ones"),
        (('Digest realm="x", nonce="y"',), "rejects the given ones"),
        ((), "rejects the given ones"),
    ],
)
def test_a_digest_that_ffmpeg_does_not_know_is_no_wrong_password(challenges: tuple[str, ...], needle: str) -> None:
    with (
        camera(*challenges) as (url, asked),
        open_source(url, name=public_name(url), fps=2, options=SourceOptions()) as source,
    ):
        assert isinstance(source, LiveStream)
        with pytest.raises(InputError, match=needle):
            source.check()
        with pytest.raises(InputError, match=needle):
            next(source)
    assert b"Authorization" not in asked[-1], "why, is asked without the password"
