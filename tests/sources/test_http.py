"""One question to a web server that may do whatever it likes: there is an answer or a reason, within seconds."""

import gc
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from svlm_cli.media.network import Login
from svlm_cli.sources import http
from svlm_cli.sources.http import Client, RefusedError
from svlm_cli.sources.nature import Nature, look
from tests.servers.passwords import digest
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
        thread.join(60)
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
    monkeypatch.setattr(http, "PATIENCE_S", 0.3)
    with socket_server(endless(piece, begin)) as url:
        began_s = time.monotonic()
        with pytest.raises(RefusedError) as caught:
            look(Client(url), NEVER)
        assert time.monotonic() - began_s < 30
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
        assert time.monotonic() - began_s < 30


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
    assert time.monotonic() - began_s < 30
    assert "does not answer" in caught.value.ending.sentence


@pytest.mark.parametrize(
    ("error", "again"), [(socket.EAI_NONAME, False), (socket.EAI_NODATA, False), (socket.EAI_AGAIN, True)]
)
def test_a_name_that_cannot_be_looked_up(monkeypatch: pytest.MonkeyPatch, error: int, again: bool) -> None:
    """One that does not exist is a slip of the pen; a name server that is away comes back."""

    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(error, "whatever it is called here")

    monkeypatch.setattr(socket, "create_connection", fails)
    with pytest.raises(RefusedError) as caught:
        look(Client("http://camera.example/a"), NEVER)
    assert caught.value.ending.again is again


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
        (Reply({"Location": "/a"}, status=302), True, "redirects without end"),
        (Reply({"Location": "file:///etc/passwd"}, status=302), False, "neither http nor https"),
        (Reply({"Location": "ftp://a/b"}, status=307), False, "neither http nor https"),
        (Reply({"Location": "data:video/mp4,a"}, status=301), False, "neither http nor https"),
        (Reply({"Location": "http://["}, status=301), True, "redirects to an invalid address"),
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
        socket_server(lambda caller: caller.sendall(b"SSH-2.0-x\r\n" if caller.recv(4096) else b"")) as url,
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


SHA_256 = 'Digest realm="a camera", nonce="{nonce}", qop="auth, auth-int", algorithm=SHA-256'
MD5 = 'Digest realm="a camera", nonce="{nonce}", qop="auth", algorithm=MD5, opaque="x"'
BARE = 'Digest realm="", nonce="{nonce}"'
BASIC = 'Basic realm="a camera"'
UNKNOWN = (
    *('Digest realm="a", nonce="b", algorithm=WHIRLPOOL', 'Digest realm="a", nonce="b", qop="auth-int"'),
    *("Digest realm=, nonce", "Digest ,=,", "Digest", "Negotiate"),
)


def test_the_server_counts_a_digest_as_the_rfc_does() -> None:
    """RFC 7616, 3.9.1: a server that is wrong in the same way as svlm would prove nothing."""
    fields = {
        "realm": "http-auth@example.org",
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "uri": "/dir/index.html",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    }
    login = "Mufasa", "Circle of Life"
    assert digest(fields | {"algorithm": "MD5"}, "GET", login) == "8ca523f5e9506fed4657c9700eebdbec"
    assert digest(fields | {"algorithm": "SHA-256"}, "GET", login).startswith(
        "753927fa0e85d155564e2e272a28d1802ca10daf"
    )


@pytest.mark.parametrize(
    ("ways", "used"),
    [
        ([BASIC], "Basic"),
        ([BARE], 'realm=""'),
        ([MD5, BASIC], "algorithm=MD5"),
        ([MD5.replace("MD5", "MD5-sess")], "algorithm=MD5-sess"),
        ([BASIC, SHA_256, MD5], "algorithm=SHA-256"),
        ([f"{SHA_256}, {MD5}, {BASIC}"], "algorithm=SHA-256"),
        ([*UNKNOWN, MD5], "algorithm=MD5"),
        ([*UNKNOWN, BASIC], "Basic"),
    ],
)
def test_a_password_is_given_as_the_server_asks_for_it(ways: list[str], used: str) -> None:
    """Nobody knows before what a camera wants: it is asked once, and told at once from then on, until it forgets."""
    login = ("me", "se:cr\u00e9t")
    with WebServer({"/a%20b": b"0123456789"}, login=login, ways=ways) as web:
        client = Client(web.url("/a%20b?c=%2F&d"), Login(*login))
        for _ in range(4):
            client.ask(lambda answer: answer.peek(1), NEVER)[0].close()
    given = [one.headers["Authorization"] for one in web.asked]
    assert given[0] is None
    assert all(used in one for one in given[1:])
    assert len(given) == (5 if used == "Basic" else 6), "a digest was asked for again, as its nonce was old"


@pytest.mark.parametrize("ways", [[], UNKNOWN])
def test_a_server_that_asks_in_no_way_that_is_known(ways: list[str]) -> None:
    with WebServer({}, login=("me", "secret"), ways=ways) as web, pytest.raises(RefusedError) as caught:
        look(Client(web.url("/a"), Login("me", "secret")), NEVER)
    assert "does not support" in caught.value.ending.sentence
    assert caught.value.ending.denied


@pytest.mark.parametrize("way", [BASIC, MD5])
def test_a_wrong_password_is_tried_once(way: str) -> None:
    """Cameras lock an account after a few."""
    with WebServer({}, login=("me", "secret"), ways=[way]) as web, pytest.raises(RefusedError) as caught:
        look(Client(web.url("/a"), Login("me", "wrong")), NEVER)
    assert caught.value.ending.denied
    assert len(web.asked) == 2


def test_a_digest_is_for_the_address_that_a_redirect_leads_to() -> None:
    answers: dict[str, Answer] = {"/here": Reply({"Location": "/a"}, status=302), "/a": b"0123456789"}
    with WebServer(answers, login=("me", "secret"), ways=[MD5]) as web:
        nature, answer = look(Client(web.url("/here"), Login("me", "secret")), NEVER)
        answer.close()
    assert nature is Nature.RECORDING


def test_a_refusal_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One without an end would fill the memory."""

    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(65536)

    monkeypatch.setattr(http, "PATIENCE_S", 100.0)
    refusals = iter([Reply({"WWW-Authenticate": BASIC}, endless, status=401), Reply({"Location": "/b"}, endless, 302)])
    answers: dict[str, Answer] = {"/a": lambda: next(refusals), "/b": b"0123456789"}
    with WebServer(answers) as web:
        began_s = time.monotonic()
        look(Client(web.url("/a"), Login("me", "secret")), NEVER)[1].close()
        assert time.monotonic() - began_s < http.PATIENCE_S / 2


def encrypted(caller: socket.socket) -> ssl.SSLSocket:
    """The caller, from a camera with a certificate of its own making."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parent.parent / "servers" / "camera.pem")
    return context.wrap_socket(caller, server_side=True)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_wait_for_more_has_no_limit_but_can_be_ended(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """Whoever reads a camera watches it; a limit of our own would end slow ones."""
    monkeypatch.setattr(http, "_EACH_S", 0.3)
    over = threading.Event()

    def answer(caller: socket.socket) -> None:
        with encrypted(caller) if scheme == "https" else caller as camera:
            camera.recv(4096)
            camera.sendall(HEAD + b"\r\nabc")
            over.wait(100)

    read: list[bytes] = []
    with socket_server(answer) as url:
        found, _ = Client(url.replace("http", scheme)).ask(lambda answer: answer.peek(1), NEVER)
        with found:
            assert found.read(3) + found.read(3) == b"abc"
            reader = threading.Thread(target=lambda: read.append(found.read(3)))
            reader.start()
            reader.join(0.6)
            assert reader.is_alive()
            found.kill()
            reader.join(60)
            assert not reader.is_alive()
            over.set()
    assert read == [b""]


def test_the_proxy_that_is_named_for_the_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no other one: ffmpeg, which reads recordings and playlists, knows nothing of `all_proxy`."""
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with WebServer({"http://camera.example/a": b"0123456789", "/a": b"0123456789"}) as web:
        look(Client(web.url("/a")), NEVER)[1].close()
        monkeypatch.setenv("http_proxy", web.url(""))
        look(Client("http://camera.example/a"), NEVER)[1].close()
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        look(Client(web.url("/a")), NEVER)[1].close()
        assert len(web.asked) == 3


def test_a_proxy_for_https(monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears the host and the port; all else is for the camera."""
    heard: list[bytes] = []

    def answer(caller: socket.socket) -> None:
        heard.append(caller.recv(4096))
        caller.sendall(HEAD + b"\r\n")
        with encrypted(caller) as camera:
            camera.recv(4096)
            camera.sendall(HEAD + b"Content-Length: 3\r\n\r\nabc")

    with socket_server(answer) as url:
        monkeypatch.setenv("https_proxy", url.removesuffix("/a"))
        monkeypatch.setenv("no_proxy", "")
        found, nature = Client("https://me:secret@camera.example/a?token").ask(lambda answer: answer.peek(3), NEVER)
        found.close()
    assert nature == b"abc"
    assert heard[0].startswith(b"CONNECT camera.example:443 HTTP/1.1\r\n")
    assert b"token" not in heard[0]
