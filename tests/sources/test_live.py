"""Cameras, against a real RTSP server that is killed, stopped and disturbed."""

import itertools
import re
from functools import partial
from pathlib import Path

import psutil
import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.events import State, describe
from svlm_cli.media.ffmpeg import Timing, find_ffmpeg
from svlm_cli.media.network import Login, Transport, device_address, network_address, with_options
from svlm_cli.sources.http import Client
from svlm_cli.sources.live import LiveOptions, LiveStream
from svlm_cli.sources.nature import fetch_playlist
from svlm_cli.sources.playlist import NOTHING_NEW, Following
from tests.clips import X264, make_clip, numbers, run_ffmpeg
from tests.servers.rtsp import RtspServer, free_port, require_rtsp_server
from tests.servers.web import WebServer
from tests.sources.live import FPS, Watched


def decoders() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "ffmpeg" in child.name()]


def test_frames_come_at_the_wanted_rate_and_on_the_grid(server: RtspServer) -> None:
    """Guards the chunker's wait: a frame that misses its moment by a jitter would be shown a step too late.

    On a machine that is busy for a moment, the frames after that moment count.
    """
    with Watched(server.url) as camera:

        def steps() -> list[float]:
            return [after.time_s - before.time_s for before, after in itertools.pairwise(camera.frames)]

        camera.wait_for(lambda: len(camera.frames) >= 12 and steps()[-11:].count(0.25) >= 9, 60)
        assert camera.frames[0].time_s == 0
        assert all(step % 0.25 == 0 and step > 0 for step in steps()), steps()
        assert all(frame.wall_clock_s is not None and frame.gap_s == 0 for frame in camera.frames)
        assert camera.stream.status.first_frame_s is not None
        assert camera.stream.status.first_frame_s < 60
    assert decoders() == []


def test_a_server_that_restarts(server: RtspServer) -> None:
    """One clock: the time without pictures has passed, and is marked."""
    with Watched(server.url) as camera:
        camera.wait_for_frames(4)
        server.kill()
        camera.wait_for_state(State.WAITING)
        count = len(camera.frames)
        server.start()
        camera.wait_for_frames(2)
        assert camera.pauses == [count], "told at once, not when it is back"
        last, first = camera.frames[count - 1], camera.frames[count]
        assert first.gap_s > 0
        assert first.time_s == pytest.approx(last.time_s + 0.25 + first.gap_s)
        assert first.wall_clock_s is not None
        assert last.wall_clock_s is not None
        assert first.time_s - last.time_s == pytest.approx(first.wall_clock_s - last.wall_clock_s, abs=0.3)
        assert camera.stream.status.connections == 2
        assert "ended the connection" in " ".join(map(describe, camera.told))


def test_a_server_that_stalls(server: RtspServer) -> None:
    """Ffmpeg alone waits for ever: the watchdog must end it, and a fresh connection must follow."""
    with Watched(server.url, options=LiveOptions(stall_timeout_s=2)) as camera:
        camera.wait_for_frames(4)
        (stalled,) = decoders()
        server.stall()
        camera.wait_for_state(State.WAITING)
        assert re.search(r"no picture for 2(\.\d+)? s", camera.stream.status.reason)
        assert not stalled.is_running()
        server.resume()
        camera.wait_for_frames(2)
        assert sum(frame.gap_s for frame in camera.frames) == pytest.approx(camera.stream.status.gap_s)
        assert camera.stream.status.gap_s > 1


def test_a_stream_that_changes_size_and_breaks(server: RtspServer) -> None:
    with Watched(server.url) as camera:
        camera.wait_for_frames(2)
        server.order("size 320 240")
        camera.wait_for(lambda: camera.frames[-1].pixels.shape == (240, 320, 3))
        server.order("noise 0.002")
        camera.wait_for_frames(8)
        server.order("noise 0")
        camera.wait_for_frames(4)
        assert camera.error is None


def test_refused_is_tried_again(pictures: Path) -> None:
    """A camera that boots after us."""
    require_rtsp_server()
    server = RtspServer(pictures, fps=FPS)
    with Watched(server.url) as camera:
        camera.wait_for(lambda: camera.stream.status.failures >= 2)
        assert "refuses" in describe(camera.stream.status) or camera.stream.status.state is State.CONNECTING
        with server:
            camera.wait_for_frames(2)
            assert camera.frames[0].gap_s == 0, "what came before the first picture is no gap"


def test_enough_tries_are_enough() -> None:
    with Watched(f"rtsp://127.0.0.1:{free_port()}/live", options=LiveOptions(max_reconnects=1)) as camera:
        camera.wait_for_end()
    assert isinstance(camera.error, InputError)
    assert "refuses the connection" in str(camera.error)
    assert camera.stream.status.failures == 1
    assert decoders() == []


def test_what_is_not_there_is_told_at_once(server: RtspServer) -> None:
    """404 is the user's mistake: no other try can mend it."""
    with Watched(server.url.replace("/live", "/elsewhere")) as camera:
        camera.wait_for_end()
    assert isinstance(camera.error, InputError)
    assert "404" in str(camera.error)
    assert [status.state for status in camera.told] == [State.CONNECTING, State.ENDED]


def test_a_wrong_path_is_waited_for(server: RtspServer) -> None:
    """A relay whose source is not there yet, beside other cameras of the call."""
    with Watched(server.url.replace("/live", "/elsewhere"), options=LiveOptions(waits=True)) as camera:
        camera.wait_for(lambda: camera.stream.status.failures >= 2)
        assert "404" in camera.stream.status.reason or camera.stream.status.state is State.CONNECTING
        assert camera.error is None


def test_a_wrong_password_is_waited_for_by_the_minute(pictures: Path) -> None:
    """Every five seconds, it would lock the account in half a minute."""
    require_rtsp_server()
    with (
        RtspServer(pictures, login=("viewer", "right")) as server,
        Watched(network_address(server.url, login=Login("viewer", "wrong")), options=LiveOptions(waits=True)) as camera,
    ):
        camera.wait_for_state(State.WAITING)
        assert "Trying again in 1 min." in describe(camera.stream.status)
        camera.stream.check()  # asks no second time
    assert [status.state for status in camera.told].count(State.CONNECTING) == 1


@pytest.mark.parametrize("login", [None, Login("viewer", "wrong")])
def test_a_wrong_password_is_told_at_once(pictures: Path, login: Login | None) -> None:
    require_rtsp_server()
    with RtspServer(pictures, login=("viewer", "p@ss:w%rd")) as server:
        with Watched(network_address(server.url, login=login)) as camera:
            camera.wait_for_end()
        assert isinstance(camera.error, InputError)
        assert "password" in str(camera.error)
        assert "--credentials" in camera.error.hint
        with pytest.raises(InputError, match="password"):
            LiveStream(find_ffmpeg(), network_address(server.url, login=login), fps=4, options=LiveOptions()).check()


def test_a_password_reaches_the_server_and_nobody_else(pictures: Path) -> None:
    """Guards `ps`: ffmpeg's arguments can be read by every user of the machine."""
    require_rtsp_server()
    login = Login("viewer", "p@ss:w%rd")
    with (
        RtspServer(pictures, login=(login.user, login.password)) as server,
        Watched(network_address(server.url, login=login)) as camera,
    ):
        camera.wait_for_frames(2)
        (decoder,) = decoders()
        arguments = (
            Path(f"/proc/{decoder.pid}/cmdline").read_bytes() + Path(f"/proc/{decoder.pid}/environ").read_bytes()
        )
        assert b"ss:w" not in arguments
        assert b"p%40ss" not in arguments
        assert b"127.0.0.1" not in arguments
        assert "p@ss" not in repr(camera.told) + repr(network_address(server.url, login=login))


def test_a_lone_camera_is_called_once(server: RtspServer) -> None:
    """It is asked before the model is loaded, and may take one watcher: so that call is the one that is shown."""
    stream = LiveStream(find_ffmpeg(), network_address(server.url), fps=4, options=LiveOptions())
    with stream:
        stream.check()
        (called,) = decoders()
        assert [next(stream) is not None for _ in range(3)] == [True] * 3
        assert decoders() == [called]
        assert stream.status.connections == 1
    assert decoders() == []
    stream.check()
    stream.close()
    assert decoders() == [], "nobody read it"


def test_a_camera_that_goes_while_the_model_is_loaded(server: RtspServer) -> None:
    with LiveStream(find_ffmpeg(), network_address(server.url), fps=4, options=LiveOptions()) as stream:
        stream.check()
        server.kill()
        server.start()
        frame = next(stream)
        assert frame is not None
        assert (frame.time_s, frame.gap_s) == (0, 0)


def test_a_camera_without_tcp_is_watched_over_udp(pictures: Path) -> None:
    require_rtsp_server()
    with RtspServer(pictures, fps=FPS, transport="UDP") as server, Watched(server.url) as camera:
        camera.wait_for_frames(2)
        assert any("over UDP" in describe(status) for status in camera.told)


def test_a_camera_behind_a_web_port(pictures: Path) -> None:
    require_rtsp_server()
    with (
        RtspServer(pictures, fps=FPS, transport="TCP") as server,
        Watched(network_address(server.url, transport=Transport.HTTP)) as camera,
    ):
        camera.wait_for_frames(2)
        assert camera.stream.notices == []


def test_a_device(pictures: Path) -> None:
    """Anything that ffmpeg calls an input device; one that ends is asked again."""
    del pictures
    address = device_address(find_ffmpeg(), "testsrc2=s=64x48:r=10:d=1,realtime", "lavfi", name="test")
    with Watched(address, options=LiveOptions(max_reconnects=None)) as camera:
        camera.wait_for_frames(3)
        camera.wait_for(lambda: camera.stream.status.connections == 2)
        assert camera.frames[0].pixels.shape == (48, 64, 3)


def test_a_device_that_is_not_there_is_waited_for() -> None:
    """A camera that is unplugged comes back."""
    address = device_address(find_ffmpeg(), "/dev/video97", "v4l2")
    with Watched(address, options=LiveOptions(max_reconnects=0)) as camera:
        camera.wait_for_end()
    assert isinstance(camera.error, InputError)
    assert "video97" in str(camera.error)


def test_a_clock_that_jumps_costs_nothing() -> None:
    """A camera whose clock is set while it runs: the session's clock is ours."""
    jumps = "testsrc2=s=64x48:r=10,realtime,setpts='PTS+if(gt(N,10),3600,0)/TB-if(gt(N,20),7000,0)/TB'"
    with Watched(device_address(find_ffmpeg(), jumps, "lavfi")) as camera:
        camera.wait_for(lambda: camera.frames and camera.frames[-1].time_s > 3)
        steps = [after.time_s - before.time_s for before, after in itertools.pairwise(camera.frames)]
        assert max(steps) < 1.1
        assert camera.stream.status.connections == 1


def test_a_slow_camera_has_frames_all_the_time() -> None:
    """One picture in five seconds: the first is shown at once, and again until the second comes, which is no stall."""
    slow = device_address(find_ffmpeg(), "testsrc2=s=64x48:r=1/5,realtime=limit=9", "lavfi")
    with Watched(slow, options=LiveOptions(stall_timeout_s=0.5)) as camera:
        camera.wait_for_frames(8)
        assert camera.stream.status.first_frame_s is not None
        assert camera.stream.status.first_frame_s < 4.5, "ffmpeg held it back until the second came"
        assert camera.stream.status.connections == 1
    assert [frame.time_s for frame in camera.frames[:8]] == [index / 4 for index in range(8)]
    assert len({id(frame.pixels) for frame in camera.frames[:8]}) == 1
    assert all(frame.gap_s == 0 for frame in camera.frames)


def test_held_back_it_follows_the_sources_clock() -> None:
    """Whoever wants to catch up must not lose what waits in a buffer."""
    with Watched(
        device_address(find_ffmpeg(), "testsrc2=s=64x48:r=10,realtime", "lavfi"),
        options=LiveOptions(timing=Timing.SOURCE),
    ) as camera:
        camera.wait_for_frames(8)
        assert [frame.time_s for frame in camera.frames[:8]] == [index / 4 for index in range(8)]


def test_closing_ends_every_kind_of_wait(server: RtspServer) -> None:
    """Ctrl-C must not wait for a back-off, a connection or a frame."""
    with Watched(server.url) as camera:
        camera.wait_for_frames(1)
    with Watched(server.url) as camera:
        camera.wait_for_state(State.CONNECTING)
    server.stall()
    with Watched(server.url) as camera:
        camera.wait_for(decoders)
    server.resume()
    server.kill()
    with Watched(server.url) as camera:
        camera.wait_for_state(State.WAITING)
    assert decoders() == []


def tags(flv: bytes, later_ms: int = 0) -> bytes:
    """The packets of an FLV file, at a later time."""
    at, moved = 13, bytearray()  # after the file's header
    while at < len(flv):
        size = 11 + int.from_bytes(flv[at + 1 : at + 4], "big") + 4
        time_ms = int.from_bytes(flv[at + 4 : at + 7], "big") + later_ms
        if flv[at] != 18:  # what it says of itself
            moved += flv[at : at + 4] + time_ms.to_bytes(3, "big") + flv[at + 7 : at + size]
        at += size
    return bytes(moved)


def test_sound_that_comes_long_before_the_video() -> None:
    """RTMP that is joined between two key frames: ffmpeg finds no video, and that is no reason to give up."""
    sound = run_ffmpeg("-f", "lavfi", "-i", "sine=d=9", "-c:a", "aac", "-f", "flv", "-")
    video = run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=1", *X264, "-f", "flv", "-")
    stream = b"FLV\1\5\0\0\0\x09\0\0\0\0" + tags(sound) + tags(video, later_ms=9000)
    with WebServer({"/live.flv": lambda: iter([stream])}) as web:
        address = with_options(network_address(web.url("/live.flv")), ("analyzeduration", "1000000"))  # as for RTMP
        with Watched(address) as camera:
            camera.wait_for_frames(1)
        reasons = [status.reason for status in camera.told if status.state is State.WAITING]
        assert reasons[0] == "has no video."


class HlsServer:
    """A folder with a playlist of segments of half a second, each of them fifteen numbered pictures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        clip = make_clip(folder / "clip.mp4", frames=90, encode=(*X264, "-g", "15"))
        cut = ("-f", "hls", "-hls_time", "0.5", "-hls_segment_filename", folder / "s%d.ts", folder / "whole.m3u8")
        run_ffmpeg("-i", clip, "-c", "copy", *cut)

    def lists(self, first: int, last: int, *, ended: bool = False) -> None:
        names = "".join(f"#EXTINF:0.5,\ns{number}.ts\n" for number in range(first, last + 1))
        head = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
        new = self._folder / "new"
        new.write_text(head + names + "#EXT-X-ENDLIST\n" * ended)
        new.replace(self._folder / "a.m3u8")


def test_a_playlist_is_shown_once(tmp_path: Path) -> None:
    """One that a dead encoder left behind was shown again and again, and one that had ended from its beginning."""
    hls = HlsServer(tmp_path)
    hls.lists(0, 2)
    with WebServer(tmp_path) as web:
        options = LiveOptions(stall_timeout_s=1, timing=Timing.SOURCE, paced=True)
        following = Following(partial(fetch_playlist, Client(web.url("/a.m3u8"))))
        with Watched(web.url("/a.m3u8"), fps=10, options=options, following=following) as camera:
            camera.wait_for(lambda: camera.stream.status.failures >= 2)
            assert camera.stream.status.reason in (NOTHING_NEW.sentence, "")
            hls.lists(1, 4)  # the third was not seen whole by a connection that waited for more
            camera.wait_for(lambda: camera.stream.status.connections == 2)
            hls.lists(1, 5, ended=True)
            camera.wait_for_end()
    assert camera.error is None
    assert camera.stream.status.state is State.ENDED
    shown = numbers(frame.pixels for frame in camera.frames)
    assert shown == sorted(set(shown)), "nothing twice"
    assert set(range(0, 90, 3)) - set(shown) <= {42}, "and all of it, but what ffmpeg held back when it stood still"
