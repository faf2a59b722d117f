"""What follows a reconnection of a live source, and how it waits: for the first picture, and until a picture is due."""

import itertools
import time
from collections.abc import Iterator

import pytest

from svlm_cli.core.events import State
from svlm_cli.media.ffmpeg import Timing, find_ffmpeg
from svlm_cli.media.network import device_address, network_address
from svlm_cli.sources import connection, live
from svlm_cli.sources.backoff import FIRST_S
from svlm_cli.sources.live import LiveOptions, LiveStream
from tests.clips import X264, run_ffmpeg
from tests.servers.rtsp import RtspServer
from tests.servers.web import WebServer
from tests.sources.live import Watched
from tests.sources.scripted import ScriptedPipe


def test_failures_are_counted_anew_after_a_recovery(server: RtspServer) -> None:
    """Guards the first seconds after a break: a camera that has come back is called again at once, not after 5 s."""
    with Watched(server.url) as camera:
        camera.wait_for_frames(1)
        server.kill()
        camera.wait_for(lambda: camera.stream.status.failures >= 2)
        server.start()
        camera.wait_for_frames(1)
        assert camera.stream.status.failures == 0
        server.kill()
        camera.wait_for_state(State.WAITING)
    waits = [one for one in camera.told if one.state is State.WAITING and one.connections == 2]
    assert waits[0].failures == 1
    assert waits[0].retry_s is not None
    assert waits[0].retry_s <= FIRST_S


@pytest.mark.parametrize(
    ("fps", "timing", "video"),
    [
        pytest.param(4, Timing.SOURCE, "testsrc2=s=64x48:r=10:d=20", id="sends faster than it plays"),
        pytest.param(0.1, Timing.ARRIVAL, "testsrc2=s=64x48:r=10:d=0.5,realtime", id="is back before the next moment"),
    ],
)
def test_no_moment_comes_twice_after_a_reconnection(fps: float, timing: Timing, video: str) -> None:
    """Guards the order of times where the last frame is later than the clock, or as late; and the first picture of each
    connection, which is shown all the same.
    """
    address = device_address(find_ffmpeg(), video, "lavfi")
    with Watched(address, fps=fps, options=LiveOptions(timing=timing)) as camera:
        camera.wait_for(lambda: [one for one in camera.told if one.state is State.WAITING and one.connections == 2])
        shown = [one.frames for one in camera.told if one.state is State.WAITING]
        assert shown == sorted(set(shown)), "each connection shows something"
        times_s = [frame.time_s for frame in camera.frames]
        assert all(after - before >= 1 / fps for before, after in itertools.pairwise(times_s)), times_s


def test_of_two_pictures_in_one_moment_the_first_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the order of times where a picture is late: the next one falls into the same moment."""
    pipe = ScriptedPipe(0, 0.6, 0.8, 1.1)
    monkeypatch.setattr(connection, "PicturePipe", lambda *_, **__: pipe)
    monkeypatch.setattr(connection, "time", pipe)
    monkeypatch.setattr(live, "time", pipe)
    with LiveStream(find_ffmpeg(), network_address("rtsp://camera/a"), fps=2, options=LiveOptions()) as stream:
        frames = list(itertools.islice(stream, 3))
    assert [frame and (frame.time_s, frame.wall_clock_s) for frame in frames] == [(0, 0), (0.5, 0.6), (1, 1.1)]


def test_a_first_picture_may_take_longer_than_the_others() -> None:
    """Guards cameras that take their time to start: they would be called again and again, and never show anything."""
    video = run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=1", *X264, "-f", "flv", "-")

    def late() -> Iterator[bytes]:
        time.sleep(1.5)  # three times the timeout of a stall
        yield video

    with (
        WebServer({"/live.flv": late}) as web,
        Watched(web.url("/live.flv"), options=LiveOptions(stall_timeout_s=0.5)) as camera,
    ):
        camera.wait_for_frames(1)
        assert [status.state for status in camera.told[:2]] == [State.CONNECTING, State.LIVE]


def test_paced_it_shows_nothing_before_its_time() -> None:
    """Guards the live view of a source that sends in bursts: seconds of video would flash by."""
    address = device_address(find_ffmpeg(), "testsrc2=s=64x48:r=10:d=20", "lavfi")
    with Watched(address, options=LiveOptions(timing=Timing.SOURCE, paced=True)) as camera:
        camera.wait_for(lambda: camera.frames and camera.frames[-1].time_s >= 1)
        first, last = camera.frames[0].wall_clock_s, camera.frames[-1].wall_clock_s
    assert first is not None
    assert last is not None
    assert last - first > 0.5
