"""A server is told that we leave: until then, a camera that takes one viewer takes no other."""

import time
from collections.abc import Iterator
from fractions import Fraction

import pytest

from svlm_cli.media.ffmpeg import Timing, find_ffmpeg, live_command
from svlm_cli.media.network import Transport, network_address
from svlm_cli.sources.live import LiveOptions, LiveStream
from svlm_cli.sources.pipe import PicturePipe
from tests.clips import run_ffmpeg
from tests.servers.rtsp import Recorder, RtspServer, require_rtsp_server
from tests.sources.live import Watched


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    require_rtsp_server()
    pictures = tmp_path_factory.mktemp("pictures")
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=8:d=2", "-start_number", "0", pictures / "%05d.jpg")
    with RtspServer(pictures) as server:
        yield server


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.UDP])
def test_leaving_a_camera(camera: RtspServer, transport: Transport) -> None:
    """Left from another thread, as by Ctrl-C, and by whoever only looked whether it is there."""
    with Recorder(camera) as line:
        address = network_address(line.url, transport=transport)
        with LiveStream(find_ffmpeg(), address, fps=4, options=LiveOptions()) as stream:
            stream.check()
        assert line.hears("TEARDOWN")
        with Watched(address) as watched:
            watched.wait_for_frames(2)
        assert line.hears("TEARDOWN", 2)


def test_leaving_a_camera_whose_pictures_wait(camera: RtspServer) -> None:
    """An ffmpeg that waits until somebody takes a picture would hear nothing else."""
    camera.order("size 1280 720")  # one is more than a pipe holds
    with Recorder(camera) as line:
        program, address = find_ffmpeg(), network_address(line.url)
        command = live_command(program, address, Fraction(4), Timing.ARRIVAL)
        with PicturePipe(program, address, Fraction(4), command=command) as pipe:
            assert pipe.read() is not None
            assert pipe.wait(60)
        assert line.hears("TEARDOWN")


def test_a_server_that_hangs_is_left_soon(camera: RtspServer) -> None:
    """It will never hear that we leave."""
    with Recorder(camera) as line, Watched(line.url) as watched:
        watched.wait_for_frames(2)
        line.hang()
        began = time.monotonic()
        watched.stream.close()
        assert time.monotonic() - began < 30
