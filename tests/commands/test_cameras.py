"""`svlm caption` on cameras, as a user runs it: a process of its own, a real RTSP server, a tiny random checkpoint."""

import contextlib
import itertools
import json
import os
import pty
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.clips import CLIP_MAKER, X264, run_ffmpeg
from tests.conftest import Svlm, environment, shell_code
from tests.servers.rtsp import RtspServer, free_port, require_rtsp_server
from tests.subtitle_checker import check_srt

SECRET = "p@ss:w%rd"
HIDE_CURSOR, SHOW_CURSOR = b"\x1b[?25l", b"\x1b[?25h"
FORMS = (SECRET, "p%40ss", "ss:w", "ss%3Aw")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a moving picture, for a server."""
    require_rtsp_server()
    folder = tmp_path_factory.mktemp("pictures")
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=112x112:r=8:d=2", "-start_number", "0", folder / "%05d.jpg")
    return folder


pytestmark = pytest.mark.timeout(300)  # several processes that import torch, beside other tests


def lives(process: psutil.Process) -> bool:
    """Whether it is more than an entry that nobody has collected."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Run:
    """A run of `svlm caption` that goes on until it is stopped."""

    def __init__(self, folder: Path, *arguments: str | Path, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        number = len(list(folder.glob("stderr-*.txt")))
        self._stderr = folder / f"stderr-{number}.txt"
        with self._stderr.open("w") as stderr, (folder / f"stdout-{number}.txt").open("w") as stdout:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "svlm_cli", "caption", *map(str, arguments)],
                cwd=folder,
                env=environment(**(env or {})),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )

    @property
    def told(self) -> str:
        """What it said on stderr."""
        return self._stderr.read_text(encoding="utf-8")

    def rounds(self, pattern: str) -> list[dict[str, Any]]:
        """The rounds in all files that match, in order."""
        lines = [line for path in sorted(self.folder.glob(pattern)) for line in path.read_text().splitlines()]
        return [json.loads(line) for line in lines]

    def wait_for(self, what: Callable[[], object], timeout_s: float = 60) -> None:
        until = time.monotonic() + timeout_s
        while not what():
            assert time.monotonic() < until, self.told
            assert self.process.poll() is None, self.told
            time.sleep(0.05)

    def hears_signals(self) -> bool:
        """Whether it is far enough for SIGTERM to be its own affair."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
        return bool(caught & 1 << (signal.SIGTERM - 1))

    def wait_for_rounds(self, pattern: str, count: int) -> None:
        self.wait_for(lambda: len(self.rounds(pattern)) >= count)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Its exit code. The limit only guards against a run that never ends: the machine may be busy."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it goes on, having said: {self.told}")
        assert not any(map(lives, children)), "ffmpeg is gone too"
        return self.process.returncode


@pytest.fixture
def start(tmp_path: Path, tiny_checkpoint: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(*arguments: str | Path, env: dict[str, str] | None = None) -> Run:
        runs.append(Run(tmp_path, *arguments, "--model", tiny_checkpoint, env=env))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.wait()


def test_cameras_share_a_process_and_no_fate(start: Callable[..., Run], pictures: Path, tmp_path: Path) -> None:
    """One that is not there yet, and one that comes back, disturb no other; and none ends for good."""
    with RtspServer(pictures) as front, RtspServer(pictures) as back:
        run = start(
            *(front.url, back.url, f"{front.url}/elsewhere", "--name", "front", "--name", "back", "--name", "gone"),
            *("-f", "srt,jsonl", "--output-dir", "out", "--temperature", "0"),
        )
        run.wait_for_rounds("out/back-*.jsonl", 2)
        run.wait_for_rounds("out/front-*.jsonl", 2)
        back.kill()
        run.wait_for(lambda: "svlm: back " in run.told)
        count = len(run.rounds("out/front-*.jsonl"))
        run.wait_for_rounds("out/front-*.jsonl", count + 2)
        back.start()
        run.wait_for(lambda: any("gap_s" in one for one in run.rounds("out/back-*.jsonl")))
        assert run.stop() == 130
    assert re.search(r"svlm: gone has no such stream: .* Trying again in \d", run.told)
    assert "svlm: front: connected, first picture after" in run.told
    assert "svlm: back: connected again" in run.told
    files = r"out/back-\d+-\d+\.(?:srt|jsonl)"
    assert re.search(rf"back -> {files}, {files}: .*s missed, 0 frames dropped, words \d", run.told)
    for name in ("front", "back"):
        rounds = run.rounds(f"out/{name}-*.jsonl")
        assert all(after["start"] >= before["end"] for before, after in itertools.pairwise(rounds))
        assert all("wall_clock_s" in one for one in rounds)
        assert any("latency_s" in one for one in rounds)
        (srt,) = (tmp_path / "out").glob(f"{name}-*.srt")
        assert check_srt(srt.read_text(encoding="utf-8")) == []
    assert not list((tmp_path / "out").glob("gone*"))


def test_a_password_is_nowhere(
    start: Callable[..., Run], svlm_inside: Svlm, tiny_checkpoint: Path, pictures: Path, tmp_path: Path
) -> None:
    """From a file, from the environment and in the address: not in any output, nor in anyone's arguments."""
    netrc = tmp_path.parent / f"{tmp_path.name}.netrc"
    netrc.write_text(f'machine 127.0.0.1 login viewer password "{SECRET}"\n')
    with RtspServer(pictures, login=("viewer", SECRET)) as server:
        ways: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
            (server.url, ("--credentials", str(netrc)), {}),
            (server.url, (), {"SVLM_USER": "viewer", "SVLM_PASSWORD": SECRET}),
            (server.url.replace("://", "://viewer:p%40ss%3Aw%25rd@"), (), {}),
        )
        runs = [
            start(url, *options, "--name", f"cam{number}", "-f", "jsonl", env=env)
            for number, (url, options, env) in enumerate(ways)
        ]
        for number, run in enumerate(runs):
            run.wait_for_rounds(f"cam{number}-*.jsonl", 1)
            for process in (run.process.pid, *(one.pid for one in psutil.Process(run.process.pid).children())):
                arguments = Path(f"/proc/{process}/cmdline").read_bytes().decode()
                assert not any(form in arguments for form in FORMS), (number, arguments)
        server.kill()
        for run in runs:
            run.wait_for(lambda run=run: "Trying again" in run.told)  # type: ignore[misc]
            assert run.stop() == 130
        server.start()
        address = server.url.replace("://", "://viewer:p%40ss%3Awrong@")
        wrong = svlm_inside("caption", address, "--name", "wrong", "--model", tiny_checkpoint)
        assert wrong.returncode == 3
    written = b"".join(path.read_bytes() + path.name.encode() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(form in written.decode() + wrong.stdout + wrong.stderr for form in FORMS)
    assert "svlm: wrong requires a user and a password" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_who_serves_one_call_alone_is_called_once(svlm_inside: Svlm, tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Asked before whether it lets us in, such a sender would be gone when the model is there."""
    url = f"rtmp://127.0.0.1:{free_port()}/live/a"
    source = ("-re", "-f", "lavfi", "-i", "testsrc2=s=112x112:r=8:d=8")
    server = subprocess.Popen([CLIP_MAKER.path, "-v", "error", *source, *X264, "-f", "flv", "-listen", "1", url])
    try:
        while not psutil.Process(server.pid).net_connections():  # it listens
            time.sleep(0.05)
        ended = svlm_inside(
            *("caption", url, "--model", tiny_checkpoint, "--max-reconnects", "0", "-f", "jsonl", "-o", "a.jsonl")
        )
    finally:
        server.kill()
        server.wait()
    assert "connected, first picture" in ended.stderr, ended.stderr
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) >= 2


def test_refusals_are_one_sentence_at_once(svlm_inside: Svlm, tiny_checkpoint: Path, pictures: Path) -> None:
    asked_s = time.monotonic()
    with RtspServer(pictures) as server:
        done = svlm_inside("caption", f"{server.url}/elsewhere", "-q", "--model", tiny_checkpoint)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "404" in done.stderr
    nobody = f"rtsp://127.0.0.1:{free_port()}/a"
    done = svlm_inside("caption", nobody, "-q", "--max-reconnects", "0", "--model", tiny_checkpoint)
    assert done.returncode == 3
    assert "refuses the connection" in done.stderr
    assert time.monotonic() - asked_s < 60


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_host_that_does_not_exist(svlm_inside: Svlm, tiny_checkpoint: Path, scheme: str) -> None:
    """Guards a script with a slip of the pen against waiting for ever."""
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo("no-such-camera.invalid", 80)
    if caught.value.errno == socket.EAI_AGAIN:
        pytest.skip("no name server can be reached from here, which svlm takes for temporary")
    done = svlm_inside("caption", f"{scheme}://no-such-camera.invalid/a", "-q", "--model", tiny_checkpoint)
    assert done.returncode == 3
    assert "has an unknown host name. Check the host" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.extra)])
def test_stopped_at_any_moment_it_ends_in_time(start: Callable[..., Run], pictures: Path, number: int) -> None:
    """While it imports, loads, connects, speaks, waits for a server that is gone."""
    chance = random.Random(int(number))
    with RtspServer(pictures) as server:
        for moment_s in (0.0, *(chance.uniform(0, 8) for _ in range(2))):
            run = start(server.url, "-f", "srt,jsonl", "--name", f"cam{moment_s:.3f}")
            run.wait_for(run.hears_signals)
            time.sleep(moment_s)
            assert run.stop(number) == 128 + number, run.told
            assert "Traceback" not in run.told
            run.rounds("*.jsonl")
    run = start(server.url, "-q")
    run.wait_for(run.hears_signals)
    assert run.stop(number) == 128 + number


def test_a_second_interrupt_ends_at_once(start: Callable[..., Run], pictures: Path) -> None:
    with RtspServer(pictures) as server:
        run = start(server.url, "-f", "jsonl", "--name", "cam")
        run.wait_for_rounds("cam-*.jsonl", 1)
        children = psutil.Process(run.process.pid).children(recursive=True)
        run.process.send_signal(signal.SIGINT)
        run.process.send_signal(signal.SIGINT)
        run.process.wait(60)
        assert shell_code(run.process) == 130
        psutil.wait_procs(children, timeout=60)
        assert not any(map(lives, children))


@pytest.mark.parametrize("interrupts", [1, 2])
def test_the_terminal_gets_its_cursor_back(tiny_checkpoint: Path, tmp_path: Path, interrupts: int) -> None:
    """A bar hides it."""
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-m", "svlm_cli", "caption", "testsrc2=s=112x112:r=8,realtime", "--name", "cam"]
    process = subprocess.Popen(
        [*command, "--input-format", "lavfi", "--model", str(tiny_checkpoint), "--progress", "bar"],
        cwd=tmp_path,
        env=environment(TERM="xterm"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    try:
        while HIDE_CURSOR not in seen or b"connected" not in seen:
            seen += os.read(terminal, 4096)
        for _ in range(interrupts):
            process.send_signal(signal.SIGINT)
        process.wait(60)
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
            while data := os.read(terminal, 4096):
                seen += data
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert seen.rindex(SHOW_CURSOR) > seen.rindex(HIDE_CURSOR)


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        (("rtsp://a/b", "clip.mp4"), "is a file"),
        (("clip.mp4", "--name", "a"), "--name"),
        (("clip.mp4", "--segment", "1h"), "--segment"),
        (("clip.mp4", "--wait"), "--wait"),
        (("rtsp://a/b", "--segment", "soon"), "soon"),
        (("rtsp://a/b", "--segment", "1h", "-o", "a.srt"), "--segment"),
        (("rtsp://a/b", "--start", "3"), "--start"),
        (("rtsp://a/b", "--follow"), "--follow"),
        (("rtsp://a/b", "--every", "2s"), "--every"),
        (("http://a/b", "--every", "soon"), "soon"),
        (("clip.mp4", "--every", "2s"), "--every"),
        (("rtsp://a/b", "--stall-timeout", "0"), "--stall-timeout"),
        (("rtsp://a/b", "--max-reconnects", "-1"), "--max-reconnects"),
        (("rtsp://a/b", "--credentials", "gone"), "gone"),
        (("rtsp://a b/c",), "space"),
        (("ftp://a/b",), "ftp"),
        (("a", "--input-format", "toaster"), "toaster"),
        (("a", "--input-format", "lavfi", "--input-option", "f=x"), "f=x"),
        (("rtsp://a/b", "--input-option", "a=b"), "--input-format"),
    ],
)
def test_bad_requests_are_one_sentence(
    svlm_inside: Callable[..., subprocess.CompletedProcess[str]],
    tiny_checkpoint: Path,
    arguments: tuple[str, ...],
    needle: str,
) -> None:
    done = svlm_inside("caption", *arguments, "--model", tiny_checkpoint, "-q")
    assert done.returncode == 2, done.stderr
    assert needle in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_device_and_a_slow_model(start: Callable[..., Run]) -> None:
    """Anything ffmpeg captures; rotated by the clock; what the model cannot look at is dropped and counted."""
    run = start(
        *("testsrc2=s=448x448:r=30,realtime", "--input-format", "lavfi", "--name", "cam", "--segment", "2s"),
        *("-f", "srt,jsonl", "--fps", "10"),
    )
    run.wait_for(lambda: len(list(run.folder.glob("cam-*.jsonl"))) >= 3)
    assert run.stop() == 130
    starts = [one["start"] for one in run.rounds("cam-*.jsonl")]
    assert starts == sorted(starts)
    assert len(set(starts)) == len(starts)
