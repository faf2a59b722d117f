"""Cameras from Python, against a real RTSP server that is killed and started again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from svlm_cli import Captions, Engine, InputError, SourceOptions, SourceStatus, State, UsageError, caption, load_engine
from tests.clips import run_ffmpeg
from tests.conftest import environment
from tests.servers.rtsp import Recorder, RtspServer, free_port, require_rtsp_server


@pytest.fixture(scope="module")
def engine(tiny_checkpoint: Path) -> Engine:
    return load_engine(tiny_checkpoint, temperature=0.0, device="cpu")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RtspServer]:
    require_rtsp_server()
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=8:d=2", "-start_number", "0", tmp_path / "%05d.jpg")
    with RtspServer(tmp_path, fps=8) as server:
        yield server


def stops_within(captions: Captions, allowed_s: float) -> None:
    """The loop over them ends, with its source."""
    asked_s = time.monotonic()
    for _ in captions:
        pass
    assert time.monotonic() - asked_s < allowed_s


def test_a_camera_that_comes_back(server: RtspServer, engine: Engine) -> None:
    """Guards against an address that is taken for a file, and a loss that ends the captions."""
    heard: list[SourceStatus] = []
    captions = caption(server.url, model=engine, on_status=heard.append)
    assert captions.status is None
    first = next(captions)
    assert first.latency_s is not None
    assert first.latency_s < 30
    assert captions.status is not None
    assert captions.status.state is State.LIVE
    server.kill()
    threading.Timer(1.0, server.start).start()
    assert any(segment.gap_s > 0 for segment in captions)
    states = [status.state for status in heard]
    assert State.WAITING in states
    assert states.count(State.LIVE) >= 2
    captions.close()


@pytest.mark.parametrize("way", ["thread", "signal"])
def test_a_camera_is_left_politely(way: str, server: RtspServer, engine: Engine) -> None:
    with Recorder(server) as recorder:
        captions = caption(recorder.url, model=engine)
        next(captions)
        before = signal.signal(signal.SIGUSR1, lambda number, frame: captions.stop())
        if way == "thread":
            threading.Timer(0.2, captions.stop).start()
        else:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        stops_within(captions, 30)
        signal.signal(signal.SIGUSR1, before)
        assert recorder.hears("TEARDOWN")
    assert captions.status is not None
    assert captions.status.state is State.ENDED


def test_a_wait_is_stopped_too(engine: Engine) -> None:
    """There is no such camera: `waits` would call it for ever."""
    captions = caption(f"rtsp://127.0.0.1:{free_port()}/stream", model=engine, options=SourceOptions(waits=True))
    threading.Timer(1.0, captions.stop).start()
    with pytest.warns(UserWarning, match=r"Trying again in .* until max_reconnects failures"):
        stops_within(captions, 30)


def test_errors_of_addresses(engine: Engine) -> None:
    with pytest.raises(UsageError, match="cannot read gopher addresses"):
        caption("gopher://there/stream", model=engine)
    live = caption("rtsp://127.0.0.1:1/stream", model=engine, end_s=2)
    with pytest.raises(UsageError, match="is live"):
        next(live)
    with pytest.raises(InputError, match="refuses the connection"):
        next(caption("rtsp://127.0.0.1:1/stream", model=engine, options=SourceOptions(max_reconnects=0)))


def test_a_program_that_ends_takes_its_leave(server: RtspServer, tiny_checkpoint: Path) -> None:
    """As the interpreter ends no thread can be started, and ffmpeg needs somebody who waits for its goodbye."""
    program = """
import sys
from svlm_cli import caption, load_engine
captions = caption(sys.argv[1], model=load_engine(sys.argv[2], device="cpu"))
next(captions)
"""
    with Recorder(server) as recorder:
        command = [sys.executable, "-c", program, recorder.url, str(tiny_checkpoint)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert recorder.hears("TEARDOWN")
