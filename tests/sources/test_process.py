"""The life of ffmpeg: as slow as its reader, and gone when it leaves, however it leaves."""

import contextlib
import fcntl
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import FrameType

import psutil
import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.process import run
from svlm_cli.media.ffmpeg import file_address, find_ffmpeg
from svlm_cli.sources.files import open_frames
from svlm_cli.sources.pipe import PicturePipe
from tests.clips import run_ffmpeg

pytestmark = pytest.mark.usefixtures("each_ffmpeg")

MIB = 1 << 20


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds whose pictures take 415 MB."""
    path = tmp_path_factory.mktemp("long") / "long.mkv"
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=20", "-c:v", "libx264", "-preset", "ultrafast", path)
    return path


def decoders() -> list[psutil.Process]:
    """Every ffmpeg below this process, dead ones that nobody waited for included; not what other tests left running."""
    return [child for child in psutil.Process().children(recursive=True) if "ffmpeg" in child.name()]


@pytest.fixture
def nothing_left() -> Iterator[Callable[[], None]]:
    """Fails if a process, a thread or an open file is left behind."""
    gc.collect()  # what other tests left open, and nobody holds any more, would go meanwhile
    run(["true"])  # the keeper of programs comes with the first one, and stays
    before = (threading.active_count(), open_files())

    def check() -> None:
        assert decoders() == []
        assert threading.active_count() <= before[0]
        assert open_files() <= before[1]

    yield check
    check()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def memory(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / MIB


def wait_until_idle(process: psutil.Process) -> None:
    """It has filled its pipe, and waits."""
    until, used_s = time.monotonic() + 60, -1.0
    while (now_s := sum(process.cpu_times()[:2])) > used_s:
        assert time.monotonic() < until
        used_s = now_s
        time.sleep(0.5)


def test_a_slow_reader_needs_no_memory(long_clip: Path) -> None:
    """Back-pressure: while nobody reads, nothing is decoded. decord took 2.3 GB in eight seconds."""
    myself = psutil.Process()
    with open_frames(long_clip, fps=30) as frames:
        for _ in range(5):
            next(frames)
        (child,) = decoders()
        wait_until_idle(child)
        before = (memory(myself), memory(child), sum(child.cpu_times()[:2]))
        time.sleep(1.0)
        after = (memory(myself), memory(child), sum(child.cpu_times()[:2]))
        assert after[0] - before[0] < 5
        assert after[1] - before[1] < 5
        assert after[1] < 200
        assert after[2] - before[2] < 0.1
        for _ in range(300):
            next(frames)
        assert memory(myself) - before[0] < 30
        assert memory(child) < 200


def test_after_the_last_frame_nothing_is_left(plain_clip: Path, nothing_left: Callable[[], None]) -> None:
    """Also without the context manager."""
    frames = open_frames(plain_clip, fps=2)
    assert len(list(frames)) == 8
    nothing_left()
    assert list(frames) == []
    frames.close()


def test_leaving_early(long_clip: Path, nothing_left: Callable[[], None]) -> None:
    began = time.monotonic()
    with open_frames(long_clip, fps=30) as frames:
        next(frames)
    nothing_left()
    assert time.monotonic() - began < 30
    assert list(frames) == []
    frames.close()


def test_leaving_by_an_end(long_clip: Path, nothing_left: Callable[[], None]) -> None:
    frames = open_frames(long_clip, fps=30, end_s=0.1)
    assert len(list(frames)) == 3
    nothing_left()


def test_leaving_by_an_error(long_clip: Path, nothing_left: Callable[[], None]) -> None:
    def fail() -> None:
        with open_frames(long_clip, fps=30) as frames:
            next(frames)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    nothing_left()


def test_files_that_cannot_be_read_leave_nothing(tmp_path: Path, nothing_left: Callable[[], None]) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(bytes(1000))
    with pytest.raises(InputError):
        open_frames(path, fps=2)
    nothing_left()


@pytest.fixture
def stalled(plain_clip: Path, tmp_path: Path) -> Iterator[Path]:
    """A pipe by name, through which some video comes and then nothing more, without an end."""
    stream = tmp_path / "stream.ts"
    run_ffmpeg("-stream_loop", "3", "-i", plain_clip, "-c", "copy", stream)
    path = tmp_path / "fifo.ts"
    os.mkfifo(path)
    done = threading.Event()

    def write() -> None:
        with path.open("wb", buffering=0) as pipe, contextlib.suppress(BrokenPipeError):
            pipe.write(stream.read_bytes())
            done.wait()

    writer = threading.Thread(target=write)
    writer.start()
    yield path
    done.set()
    writer.join()


def test_an_interrupt_while_waiting_for_a_frame(stalled: Path) -> None:
    """Ctrl-C before the camera answers must not leave ffmpeg behind."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    threads = threading.active_count()
    kept = signal.signal(signal.SIGALRM, interrupt)
    try:
        with open_frames(stalled, fps=2) as frames:
            next(frames)
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises(KeyboardInterrupt):
                list(frames)
            assert decoders() == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)
    assert decoders() == []
    assert threading.active_count() == threads


def test_closing_from_another_thread_ends_the_wait(stalled: Path) -> None:
    """A stream that stalls is stopped by whoever watches it."""
    threads = threading.active_count()
    frames = open_frames(stalled, fps=2)
    closer = threading.Timer(0.5, frames.close)
    closer.start()
    assert len(list(frames)) > 0
    closer.join()
    assert frames.notices == []
    assert not frames.truncated
    assert decoders() == []
    assert threading.active_count() == threads


def test_closing_while_another_thread_reads(long_clip: Path, nothing_left: Callable[[], None]) -> None:
    """Closed between two frames or in the middle of one: the reader sees an end, never an error."""
    for delay_s in (0.0, 0.001, 0.01, 0.05):
        frames = open_frames(long_clip, fps=30)
        closer = threading.Timer(delay_s, frames.close)
        closer.start()
        count = len(list(frames))
        closer.join()
        assert count < 600
        nothing_left()


def test_an_ffmpeg_that_dies_is_noticed(long_clip: Path) -> None:
    """Killed for memory, say: what came so far counts, and it is said that more was to come."""
    with open_frames(long_clip, fps=30) as frames:
        next(frames)
        (child,) = decoders()
        child.kill()
        assert len(list(frames)) < 100
        assert frames.truncated
        assert "stopped reading" in frames.notices[0]


def test_a_terminals_interrupt_does_not_reach_ffmpeg(long_clip: Path) -> None:
    """Ctrl-C goes to the whole process group; the file would seem to end there."""
    with open_frames(long_clip, fps=30):
        (child,) = decoders()
        assert os.getpgid(child.pid) != os.getpgid(0)


def test_a_picture_comes_in_few_pieces(long_clip: Path) -> None:
    """Guards many sources at once: each piece costs a turn among all threads, and a busy model makes those long."""
    if sys.platform != "linux":
        pytest.skip("other systems decide by themselves")
    with PicturePipe(find_ffmpeg(), file_address(long_clip), Fraction(1)) as pipe:
        assert fcntl.fcntl(pipe._stdout.fileno(), fcntl.F_GETPIPE_SZ) == MIB
