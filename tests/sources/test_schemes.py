"""Every kind of address that svlm reads is watched here, from a real server; and told of wherever kinds are listed."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path

import pytest

from svlm_cli.commands.app import main
from svlm_cli.core.errors import UsageError
from svlm_cli.media.network import SCHEMES, scheme_of
from svlm_cli.sources.opening import SourceOptions, open_source
from tests.clips import CLIP_MAKER, X264, make_clip, run_ffmpeg
from tests.conftest import ROOT
from tests.servers.rtsp import RtspServer, free_port, require_rtsp_server
from tests.servers.tls import TlsServer
from tests.servers.web import WebServer

Sender = AbstractContextManager[str]


@contextmanager
def rtsp(pictures: Path) -> Iterator[str]:
    require_rtsp_server()
    folder = pictures.parent / "pictures"
    folder.mkdir()
    run_ffmpeg("-i", pictures, "-start_number", "0", folder / "%05d.jpg")
    with RtspServer(folder) as server:
        yield server.url


@contextmanager
def http(pictures: Path) -> Iterator[str]:
    data = pictures.read_bytes()

    def endless() -> Iterator[bytes]:
        while True:
            for begin in range(0, len(data), 1316):
                yield data[begin : begin + 1316]
                time.sleep(0.01)

    with WebServer({"/a": endless}) as web:
        yield web.url("/a")


@contextmanager
def by_ffmpeg(pictures: Path, form: str, there: str, here: str) -> Iterator[str]:
    """Sent by ffmpeg, again and again."""
    protocol = here.partition(":")[0]
    if protocol not in run_ffmpeg("-protocols").decode().split():
        pytest.skip(f"this ffmpeg has no {protocol}")
    command = [CLIP_MAKER.path, "-v", "error", "-re", "-stream_loop", "-1", "-i", str(pictures), "-c", "copy"]
    command += ["-f", form, *(["-listen", "1"] if protocol == "rtmp" else []), there]
    sender = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield here
    finally:
        sender.kill()
        sender.wait()


def rtmp(pictures: Path) -> Sender:
    url = f"rtmp://127.0.0.1:{free_port()}/live/a"
    return by_ffmpeg(pictures, "flv", url, url)


def udp(pictures: Path) -> Sender:
    url = f"udp://127.0.0.1:{free_port()}"
    return by_ffmpeg(pictures, "mpegts", f"{url}?pkt_size=1316", url)


def srt(pictures: Path) -> Sender:
    url = f"srt://127.0.0.1:{free_port()}"
    return by_ffmpeg(pictures, "mpegts", f"{url}?mode=listener", url)


def with_tls(plain: Callable[[Path], Sender]) -> Callable[[Path], Sender]:
    """The same behind TLS; the scheme gets its `s`."""

    @contextmanager
    def sender(pictures: Path) -> Iterator[str]:
        with plain(pictures) as url:
            scheme, _, rest = url.partition("://")
            where, _, path = rest.partition("/")
            with TlsServer(int(where.rpartition(":")[2]), pictures.parent) as tls:
                yield f"{scheme}s://127.0.0.1:{tls.port}/{path}"

    return sender


SENDERS: dict[str, Callable[[Path], Sender]] = {
    "rtsp": rtsp,
    "rtsps": with_tls(rtsp),
    "http": http,
    "https": with_tls(http),
    "rtmp": rtmp,
    "rtmps": with_tls(rtmp),
    "udp": udp,
    "srt": srt,
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_is_watched(tmp_path: Path, scheme: str) -> None:
    """A sender that goes on for as long as the test lasts. A scheme without one here is one that nobody has tried."""
    pictures = make_clip(tmp_path / "a.ts", frames=60, encode=X264, options=("-g", "15"))
    with SENDERS[scheme](pictures) as url:
        assert scheme_of(url) == scheme
        with open_source(url, name="front", fps=4, options=SourceOptions(max_reconnects=3)) as source:
            frames = [frame for frame in islice(source, 4) if frame is not None]
    assert len(frames) == 4
    assert frames[0].pixels.shape == (120, 160, 3)


def test_it_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards a kind of address that works and that nobody can know of."""
    page = (ROOT / "docs" / "cameras.md").read_text(encoding="utf-8")
    assert [scheme for scheme in SCHEMES if f"`{scheme}://" not in page] == []
    with pytest.raises(UsageError) as caught:
        scheme_of("gopher://camera/a")
    assert f"It reads {', '.join(SCHEMES)}, and files." in str(caught.value.hint)
    assert list(SENDERS) == list(SCHEMES)
    main(["doctor"])
    (codecs,) = (line for line in capsys.readouterr().out.splitlines() if " codecs " in line)
    assert [one.needs for one in SCHEMES.values() if one.needs not in codecs] == []
