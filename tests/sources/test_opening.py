"""What a name leads to: recordings on the web, playlists, endless streams, and what none of them may reach."""

import gc
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.events import SourceStatus, State
from svlm_cli.core.types import Frame
from svlm_cli.media.network import Login, network_address, public_name
from svlm_cli.sources.credentials import Credentials
from svlm_cli.sources.files import FrameStream
from svlm_cli.sources.http import Client
from svlm_cli.sources.live import LiveOptions, LiveStream
from svlm_cli.sources.nature import Nature, look
from svlm_cli.sources.opening import SourceOptions, open_source
from svlm_cli.sources.web import WebSource
from tests.clips import CLIP_MAKER, X264, make_clip, numbers, run_ffmpeg
from tests.servers.rtsp import free_port
from tests.servers.web import WebServer
from tests.sources.live import Watched

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n"
END = "#EXT-X-ENDLIST\n"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds, with its index at its end."""
    return make_clip(tmp_path_factory.mktemp("web") / "clip.mp4", frames=60).read_bytes()


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds as a transport stream."""
    path = tmp_path_factory.mktemp("web") / "clip.ts"
    return make_clip(path, frames=60, encode=X264, options=("-g", "15")).read_bytes()


def open_it(url: str, **options: object) -> FrameStream | LiveStream | WebSource:
    return open_source(url, name=public_name(url), fps=2, options=SourceOptions(**options))  # type: ignore[arg-type]


def frames_of(url: str, **options: object) -> list[Frame]:
    """Those of a recording."""
    with open_it(url, **options) as source:
        assert isinstance(source, WebSource)
        found = [frame for frame in source if frame is not None]
        assert isinstance(source.opened, FrameStream)
        assert not source.opened.truncated
        return found


def nature_of(url: str) -> Nature:
    nature, answer = look(Client(url), threading.Event())
    answer.close()
    return nature


def test_a_recording_on_the_web_is_read_like_a_file(clip: bytes) -> None:
    """From its first picture to its last, at the reader's pace, though its index comes last."""
    with WebServer({"/a.mp4": clip}) as web:
        found = frames_of(web.url("/a.mp4"))
        assert numbers(frame.pixels for frame in found) == [0, 15, 30, 45]
        assert [frame.time_s for frame in found] == [0, 0.5, 1, 1.5]


def test_a_server_that_sends_no_parts(tmp_path: Path) -> None:
    """Python's own `http.server`, for one: an MP4 with its index last cannot be read from it, unless it is small."""
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360:d=4", *X264, tmp_path / "a.mp4")
    with WebServer(tmp_path, whole=True) as web, pytest.raises(InputError, match="does not send parts"):
        frames_of(web.url("/a.mp4"))


def test_a_recording_on_the_web_goes_on_after_a_break(tmp_path: Path) -> None:
    """Connections break in an hour of reading: the captions would end there."""
    path = tmp_path / "a.mp4"
    make_clip(path, frames=300, encode=X264, options=("-g", "15", "-movflags", "+faststart"))
    with WebServer({"/a.mp4": path.read_bytes()}, breaks=1) as web:
        assert numbers(frame.pixels for frame in frames_of(web.url("/a.mp4"))) == list(range(0, 300, 15))


def test_a_part_of_a_recording_on_the_web(clip: bytes) -> None:
    with WebServer({"/a.mp4": clip}) as web:
        found = frames_of(web.url("/a.mp4"), start_s=1.0, end_s=1.6)
        assert numbers(frame.pixels for frame in found) == [30, 45]


def test_a_playlist_with_an_end_is_a_recording(stream: bytes) -> None:
    answers = {"/a.m3u8": (PLAYLIST + END).format("a.ts").encode(), "/a.ts": stream}
    with WebServer(answers) as web:
        assert len(frames_of(web.url("/a.m3u8"))) == 4


def test_a_playlist_without_an_end_is_live_and_shown_at_its_pace(tmp_path: Path) -> None:
    """Segments come at once: without its own clock, two seconds would be one picture."""
    command = [CLIP_MAKER.path, "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10"]
    command += [*X264, "-g", "10", "-f", "hls", "-hls_time", "1", str(tmp_path / "a.m3u8")]
    sender = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        while not (tmp_path / "a.m3u8").exists():
            time.sleep(0.1)
        with WebServer(tmp_path) as web:
            assert nature_of(web.url("/a.m3u8")) is Nature.PLAYLIST
            options = SourceOptions().live(Nature.PLAYLIST)
            with Watched(network_address(web.url("/a.m3u8")), fps=4, options=options) as camera:
                camera.wait_for_frames(13)
                assert [frame.time_s for frame in camera.frames[:13]] == [index / 4 for index in range(13)]
                assert camera.stream.now_s() >= 3
    finally:
        sender.kill()
        sender.wait()


def test_a_master_playlist_leads_to_one(stream: bytes) -> None:
    master = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow/a.m3u8\n"
    answers = {"/m.m3u8": master, "/low/a.m3u8": (PLAYLIST + END).format("a.ts").encode(), "/low/a.ts": stream}
    with WebServer(answers) as web:
        assert nature_of(web.url("/m.m3u8")) is Nature.RECORDING


def test_the_first_key_frame_is_shown(tmp_path: Path) -> None:
    """It is among what ffmpeg reads to know the stream: thrown away, the next one is awaited, for ten seconds here."""
    path = tmp_path / "a.ts"
    stream = make_clip(path, frames=300, encode=X264, options=("-g", "300")).read_bytes()

    def once() -> Iterator[bytes]:
        for begin in range(0, len(stream), 1316):
            yield stream[begin : begin + 1316]
            time.sleep(4 * 1316 / len(stream))
        time.sleep(10)

    with WebServer({"/live": once}) as web, Watched(network_address(web.url("/live"))) as camera:
        camera.wait_for_frames(3)


def test_what_has_no_length_is_live(stream: bytes) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            for begin in range(0, len(stream), 1316):
                yield stream[begin : begin + 1316]
                time.sleep(0.01)

    with WebServer({"/live": endless}) as web:
        assert nature_of(web.url("/live")) is Nature.STREAM
        with open_it(web.url("/live")) as source:
            assert len(list(islice(source, 3))) == 3


@pytest.mark.parametrize(("status", "needle"), [(404, "404"), (403, "user"), (410, "410")])
def test_a_refusal_is_told_at_once(status: int, needle: str) -> None:
    with WebServer({"/a.mp4": status}) as web:
        with open_it(web.url("/a.mp4")) as source, pytest.raises(InputError, match=needle):
            next(source)
        with open_it(web.url("/a.mp4")) as source:
            assert isinstance(source, WebSource)
            with pytest.raises(InputError, match=needle):
                source.check()


def test_a_password_for_the_web(clip: bytes) -> None:
    with WebServer({"/a.mp4": clip}, login=("me", "se:cret")) as web:
        with pytest.raises(InputError, match="password") as caught:
            frames_of(web.url("/a.mp4", "me:wrong@"))
        assert "wrong" not in str(caught.value)
        credentials = Credentials(environment={"SVLM_USER": "me", "SVLM_PASSWORD": "se:cret"})
        assert len(frames_of(web.url("/a.mp4"), credentials=credentials)) == 4
    gc.collect()  # complains of an answer that nobody closed, the refusal that came first


@pytest.mark.parametrize("script", [PLAYLIST + END, "ffconcat version 1.0\nfile '{}'\n"])
def test_nothing_on_the_web_leads_to_a_file(tmp_path: Path, stream: bytes, script: str) -> None:
    """A playlist that a camera sends must not read the disk of whoever watches it."""
    victim = tmp_path / "victim.ts"
    victim.write_bytes(stream)
    with WebServer({"/a.m3u8": script.format(f"file://{victim}").encode()}) as web:
        address = network_address(web.url("/a.m3u8"))
        with Watched(address, options=LiveOptions(max_reconnects=0)) as camera:
            camera.wait_for_end()
        assert camera.frames == []
        assert isinstance(camera.error, InputError)


def test_what_is_live_has_no_start() -> None:
    with pytest.raises(UsageError, match="it has no start or end to choose"):
        open_it(f"rtsp://127.0.0.1:{free_port()}/a", start_s=3.0)


def test_a_web_address_may_be_waited_for() -> None:
    """A relay whose source is not there yet answers 404."""
    told: list[SourceStatus] = []
    with WebServer({}) as web:
        with open_it(web.url("/a.m3u8")) as frames, pytest.raises(InputError, match="404"):
            next(frames)

        def stop_waiting(status: SourceStatus) -> None:
            told.append(status)
            if status.state is State.WAITING:
                patient.close()

        url, options = web.url("/a.m3u8"), SourceOptions(waits=True)
        with open_source(url, name="front", fps=2, options=options, tell=stop_waiting) as patient:
            assert list(patient) == []
    assert [status.state for status in told] == [State.CONNECTING, State.WAITING]
    assert "404" in told[-1].reason


def test_credentials_by_host(tmp_path: Path) -> None:
    file = tmp_path / "cameras"
    file.write_text("machine front login me password one\nmachine back login me password two\n")
    credentials = Credentials(file, {"SVLM_PASSWORD": "three"})
    assert credentials.login("rtsp://front/a") == Login("me", "one")
    assert credentials.login("rtsp://back:8554/a") == Login("me", "two")
    assert credentials.login("rtsp://side/a") == Login("", "three")
    assert credentials.login("rtsp://you:own@front/a") == Login("you", "own")
    assert Credentials(file, {}).login("rtsp://side/a") is None


def test_a_broken_file_of_credentials_tells_nothing_of_itself(tmp_path: Path) -> None:
    file = tmp_path / "cameras"
    file.write_text("machine front login me secret one\n")
    with pytest.raises(UsageError) as caught:
        Credentials(file)
    assert "secret" not in str(caught.value)
    with pytest.raises(UsageError, match="cannot be read"):
        Credentials(tmp_path / "gone")
