"""One question to a web server that may do whatever it likes: there is an answer or a reason, within seconds."""

import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from svlm_cli.media.network import Login
from svlm_cli.sources import http
from svlm_cli.sources.authorization import Authorization
from svlm_cli.sources.http import Client, RefusedError
from svlm_cli.sources.nature import Nature, look
from tests.servers.rtsp import free_port
from tests.servers.web import Answer, Reply, WebServer

NEVER = threading.Event()
MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n"


@contextmanager
def socket_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that is no web server; its address. Each caller gets `answer`, until the context is left."""
    left = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while not left.is_set():
                caller, _ = server.accept()
                with caller, suppress(OSError):  # it has hung up
                    answer(caller)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        yield f"http://127.0.0.1:{port}/a"
        left.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join(10)
        assert not thread.is_alive(), "the caller has hung up"


def endless(piece: bytes, begin: bytes = b"") -> Callable[[socket.socket], None]:
    def answer(caller: socket.socket) -> None:
        caller.sendall(begin)
        while True:
            caller.sendall(piece)
            time.sleep(0.01)

    return answer


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"", b"H"),
        (HEAD, b"X"),
        (HEAD, b"A: b\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HEAD + b"\r\n#EXTM3U\n", b"#"),
        (HEAD + b"\r\n#EXTM3U\n", b"#EXTINF:1,\na.ts\n"),
    ],
    ids=["no line", "no head", "headers", "continues", "no newline", "no end"],
)
def test_an_answer_without_an_end(monkeypatch: pytest.MonkeyPatch, begin: bytes, piece: bytes) -> None:
    """A time limit for each read is none for all of them: a byte a second would hold a camera for ever."""
    monkeypatch.setattr(http, "PATIENCE_S", 0.5)
    with socket_server(endless(piece, begin)) as url:
        began_s = time.monotonic()
        with pytest.raises(RefusedError) as caught:
            look(Client(url), NEVER)
        assert time.monotonic() - began_s < 5
        assert caught.value.ending.again


@pytest.mark.parametrize("piece", [b"#" * 70_000, b"#EXTINF:1,\na.ts\n" * 60_000])
def test_more_of_a_playlist_than_there_can_be(piece: bytes) -> None:
    """Gigabytes before the first line ends, or lines by the million, must not be kept."""
    with socket_server(endless(piece, HEAD + b"\r\n#EXTM3U")) as url, pytest.raises(RefusedError) as caught:
        look(Client(url), NEVER)
    assert "does not end" in caught.value.ending.sentence


def test_a_stop_ends_a_question_at_once() -> None:
    stop = threading.Event()
    with socket_server(endless(b"X", HEAD)) as url:
        threading.Timer(0.2, stop.set).start()
        began_s = time.monotonic()
        with pytest.raises(RefusedError):
            look(Client(url), stop)
        assert time.monotonic() - began_s < 3


def test_a_name_that_takes_minutes_to_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can end that, so nobody may wait for it."""
    over = threading.Event()

    def slow(*_: object, **__: object) -> None:
        over.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "create_connection", slow)
    monkeypatch.setattr(http, "PATIENCE_S", 0.3)
    began_s = time.monotonic()
    with pytest.raises(RefusedError) as caught:
        look(Client("http://camera.example/a"), NEVER)
    over.set()
    assert time.monotonic() - began_s < 5
    assert "does not answer" in caught.value.ending.sentence


@pytest.mark.parametrize(
    ("answer", "again", "needle"),
    [
        (401, False, "password"),
        (403, False, "user"),
        (404, False, "404"),
        (410, False, "410"),
        (429, True, "429"),
        (500, True, "moment"),
        (503, True, "moment"),
        (418, True, "418"),
        (Reply({"Location": "/a"}, status=302), True, "without an end"),
        (Reply({"Location": "file:///etc/passwd"}, status=302), False, "neither http nor https"),
        (Reply({"Location": "ftp://a/b"}, status=307), False, "neither http nor https"),
        (Reply({"Location": "data:video/mp4,a"}, status=301), False, "neither http nor https"),
        (Reply({"Location": "http://["}, status=301), True, "no address"),
    ],
)
def test_refusals(answer: int | Reply, again: bool, needle: str) -> None:
    """Temporary trouble is never taken for permanent."""
    with WebServer({"/a": answer}) as web, pytest.raises(RefusedError) as caught:
        look(Client(web.url("/a")), NEVER)
    assert needle in caught.value.ending.sentence
    assert caught.value.ending.again is again
    gc.collect()  # complains of an answer that nobody closed


def test_nobody_there_and_nobody_who_speaks_http() -> None:
    with pytest.raises(RefusedError) as caught:
        look(Client(f"http://127.0.0.1:{free_port()}/a"), NEVER)
    assert "refuses the connection" in caught.value.ending.sentence
    with (
        socket_server(lambda caller: caller.sendall(b"SSH-2.0-x\r\n")) as url,
        pytest.raises(RefusedError) as caught,
    ):
        look(Client(url), NEVER)
    assert "as a web server does" in caught.value.ending.sentence


@pytest.mark.parametrize(
    "variant", ["file:///etc/passwd", "ftp://a/b.m3u8", "data:,a", "pipe:0", "crypto+file:/a", "concat:/a|/b", "fd:0"]
)
def test_a_master_playlist_leads_to_the_web_alone(variant: str) -> None:
    """It is looked at before ffmpeg is: a FIFO would be waited for."""
    with WebServer({"/m": MASTER.format(variant).encode()}) as web, pytest.raises(RefusedError) as caught:
        look(Client(web.url("/m")), NEVER)
    assert "no address of http" in caught.value.ending.sentence


def test_a_variant_that_redirects_to_a_file() -> None:
    answers: dict[str, Answer] = {
        "/m": MASTER.format("v").encode(),
        "/v": Reply({"Location": "file:///etc/passwd"}, status=302),
    }
    with WebServer(answers) as web, pytest.raises(RefusedError) as caught:
        look(Client(web.url("/m")), NEVER)
    assert "neither http nor https" in caught.value.ending.sentence


def test_a_login_is_for_one_host() -> None:
    """A redirect or a playlist must not send it to another one."""
    login = Login("me", "secret")
    with WebServer({"/v": b"#EXTM3U\n"}, login=("me", "secret")) as other:
        master = MASTER.format(other.url("/v")).encode()
        answers: dict[str, Answer] = {
            "/here": Reply({"Location": "/a"}, status=302),
            "/a": b"0123456789",
            "/away": Reply({"Location": other.url("/v")}, status=302),
            "/m": master,
        }
        with WebServer(answers, login=("me", "secret")) as web:
            nature, answer = look(Client(web.url("/here"), login), NEVER)
            answer.close()
            assert nature is Nature.RECORDING
            for path in ("/away", "/m"):
                with pytest.raises(RefusedError) as caught:
                    look(Client(web.url(path), login), NEVER)
                assert "password" in caught.value.ending.sentence
    assert [one.headers["Authorization"] for one in other.asked] == [None, None]


def test_a_digest_as_in_the_rfc(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7616, 3.9.1: what cameras ask for, and by SHA-256 what ffmpeg cannot answer."""
    own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr("svlm_cli.sources.authorization.secrets.token_hex", lambda _: own)
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    expected = {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }
    for algorithm, response in expected.items():
        authorization = Authorization(Login("Mufasa", "Circle of Life"))
        assert authorization.header("GET", "/dir/index.html") is None
        assert authorization.hear([challenge.format(algorithm), 'Basic realm="x"'])
        header = authorization.header("GET", "/dir/index.html") or ""
        assert f'response="{response}"' in header
        assert f"algorithm={algorithm}" in header
        assert "nc=00000001" in header
        assert "nc=00000002" in (authorization.header("GET", "/dir/index.html") or "")


def test_the_strongest_way_that_both_know() -> None:
    authorization = Authorization(Login("me", "secret"))
    ways = [f'Digest realm="a", nonce="b", algorithm={name}' for name in ("SHA-256", "MD5", "WHIRLPOOL")]
    assert authorization.hear([", ".join(ways), 'Basic realm="x"'])
    assert "algorithm=SHA-256" in (authorization.header("GET", "/") or "")
    for way in ('Digest realm="a", nonce="b", algorithm=WHIRLPOOL', "Negotiate", "Digest realm=, nonce", "Digest ,=,"):
        assert not authorization.hear([way])
    assert authorization.hear(['Basic realm="x"'])
    assert authorization.header("GET", "/") == "Basic bWU6c2VjcmV0"
