"""`--live`: when there is a screen, and the whole command on a terminal of its own, as a user runs it."""

import fcntl
import io
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest
from rich.color import ColorSystem
from rich.console import Console

from svlm_cli.core import signals
from svlm_cli.core.errors import UsageError
from svlm_cli.media.ffmpeg import find_ffmpeg
from svlm_cli.outputs.live import showing
from svlm_cli.outputs.live.preview import Paint
from svlm_cli.outputs.live.showing import LiveMode, Showing, painter_for
from svlm_cli.outputs.progress import ProgressStyle
from tests.conftest import Svlm, environment, shell_code
from tests.outputs.live.screen import Screen

pytestmark = pytest.mark.timeout(300)  # processes that import torch, beside other tests

TIMEOUT_S = 90.0


def wanted(
    mode: LiveMode, style: ProgressStyle = ProgressStyle.AUTO, *, quiet: bool = False, to_stdout: bool = False
) -> Showing:
    return Showing(mode, style, quiet, "svlm-mini", Path(), to_stdout)


@contextmanager
def terminal(**changes: str) -> Iterator[TextIO]:
    """Stdout and stderr are the same good terminal, but for these changes of the environment."""
    ours, theirs = pty.openpty()
    with pytest.MonkeyPatch.context() as patch, os.fdopen(theirs, "w") as file:
        for name, value in {"TERM": "xterm", **changes}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "stderr", file)
        patch.setattr(sys, "stdout", file)
        yield file
    os.close(ours)


def test_auto_is_for_what_goes_on_by_itself() -> None:
    """Files keep their bar; who asks for lines gets lines."""
    with terminal():
        assert wanted(LiveMode.AUTO).wants_screen(endless=True)
        assert not wanted(LiveMode.AUTO).wants_screen(endless=False)
        assert wanted(LiveMode.ON).wants_screen(endless=False)
        assert not wanted(LiveMode.OFF).wants_screen(endless=True)
        assert not wanted(LiveMode.AUTO, quiet=True).wants_screen(endless=True)
        for style in (ProgressStyle.PLAIN, ProgressStyle.BAR, ProgressStyle.NONE):
            assert not wanted(LiveMode.AUTO, style).wants_screen(endless=True)


@pytest.mark.parametrize(
    ("asked", "needle"),
    [
        (wanted(LiveMode.ON, quiet=True), "--quiet"),
        (wanted(LiveMode.ON, ProgressStyle.PLAIN), "--progress plain"),
        (wanted(LiveMode.ON, to_stdout=True), "-o -"),
    ],
)
def test_contradictions_are_told(asked: Showing, needle: str) -> None:
    with terminal(), pytest.raises(UsageError, match=needle):
        asked.wants_screen(endless=True)


def test_no_screen_where_none_can_be_shown() -> None:
    """A dumb terminal, one without UTF-8, a background job (it would be stopped): `auto` prints lines."""
    with terminal(TERM="dumb"):
        assert not wanted(LiveMode.AUTO).wants_screen(endless=True)
        with pytest.raises(UsageError, match="cannot show the live view"):
            wanted(LiveMode.ON).wants_screen(endless=True)
    with terminal(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(showing, "foreground", lambda: False)
        assert not wanted(LiveMode.AUTO).wants_screen(endless=True)
    with terminal() as file:
        assert isinstance(file, io.TextIOWrapper)
        file.reconfigure(encoding="latin-1")
        assert not wanted(LiveMode.AUTO).wants_screen(endless=True)
        with pytest.raises(UsageError, match="UTF-8"):
            wanted(LiveMode.ON).wants_screen(endless=True)


def test_a_pipe_is_no_screen(svlm_inside: Svlm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where colours are forced upon a pipe, as CI systems do; and before anything is loaded."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = svlm_inside("caption", "a", "--input-format", "lavfi", "--live", "on", "--model", "none/such")
    assert done.returncode == 2
    assert done.stderr == (
        "svlm: --live on needs a terminal, and standard error is not one. Leave it out to get plain lines.\n"
    )


@pytest.mark.parametrize(
    ("environment_of_it", "colours", "paint"),
    [
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, ColorSystem.TRUECOLOR, Paint.TRUE_COLOUR),
        ({"TERM": "xterm-256color"}, ColorSystem.EIGHT_BIT, Paint.COLOURS_256),
        ({"TERM": "linux"}, ColorSystem.STANDARD, Paint.SHADES),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, ColorSystem.EIGHT_BIT, Paint.SHADES),
    ],
)
def test_every_terminal_gets_what_it_can_show(
    environment_of_it: dict[str, str], colours: ColorSystem, paint: Paint
) -> None:
    painter = painter_for(Console(force_terminal=True, _environ=environment_of_it))
    assert (painter.colours, painter.paint) == (colours, paint)
    assert painter.no_colour == ("NO_COLOR" in environment_of_it)


def test_a_second_interrupt_gives_the_terminal_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the process where it stands; no `finally` would do it."""
    done: list[str] = []
    monkeypatch.setattr(signals, "_end_at_once", lambda _: done.append("ended"))
    with signals.signals_raise():
        with signals.gives_back(lambda: done.append("given back"), lambda: None):
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert done == ["given back", "ended"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert done == ["given back", "ended", "ended"], "what is closed needs no giving back"


class Seat:
    """Somebody at a terminal of their own that runs a command."""

    def __init__(self, folder: Path, *arguments: str, stdin: int | None = None, shell: tuple[str, ...] = ()) -> None:
        self.terminal, theirs = pty.openpty()
        self.theirs = theirs
        self.resize(80, 24)
        self.before = termios.tcgetattr(theirs)
        self.screen = Screen(80, 24)
        self.unread = b""
        self.stdout = folder / "stdout"
        env = environment(TERM="xterm-256color", COLORTERM="truecolor")
        del env["NO_COLOR"]
        with self.stdout.open("w") as stdout:
            self.process = subprocess.Popen(
                [*shell, sys.executable, "-m", "svlm_cli", "caption", *arguments],
                cwd=folder,
                env=env,
                stdin=theirs if stdin is None else stdin,
                stdout=stdout,
                stderr=theirs,
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call of the system
            )

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self) -> None:
        while select.select([self.terminal], [], [], 0.1)[0]:
            self.unread += os.read(self.terminal, 1 << 16)
        self.screen.feed(self.unread)
        self.unread = b""

    def wait_for(self, what: Callable[[], object], *, running: bool = True) -> None:
        until = time.monotonic() + TIMEOUT_S
        while not what():
            assert time.monotonic() < until, (self.screen.text, self.screen.after)
            assert not running or self.process.poll() is None, (self.screen.text, self.screen.after)
            self.read()

    def sees(self, text: str) -> None:
        self.wait_for(lambda: text in self.screen.text)

    def press(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def ends(self) -> int:
        """Its exit code, as a shell tells it; the terminal must be as it was."""
        self.wait_for(lambda: self.process.poll() is not None, running=False)
        self.read()
        assert self.screen.modes == {"?1049": False, "?25": True, "?7": True, "?2026": False}
        assert termios.tcgetattr(self.theirs) == self.before
        return shell_code(self.process)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self.theirs)


def test_a_camera_on_a_terminal(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """From the first screen to `q`: words on the screen, data on stdout, Ctrl-Z, and a terminal as it was."""
    seat = Seat(
        tmp_path,
        *("testsrc2=s=112x112:r=8,realtime", "--input-format", "lavfi", "--name", "cam\x1b[2J", "--fps", "2"),
        *("--model", str(tiny_checkpoint), "-f", "jsonl", "-o", "-"),
        shell=("bash", "-mc", '"$@"; stty -a >stopped; while [ ! -e on ]; do sleep 0.1; done; fg >fg', "bash"),
    )
    try:
        seat.sees("CONNECTING")
        seat.sees(" LIVE ")
        seat.sees("▀")
        seat.wait_for(lambda: seat.stdout.read_text().count("\n") >= 2)
        seat.sees("fps in and seen  lag")
        assert seat.screen.lines[0].startswith("cam  ")
        seat.press("s")
        seat.sees("svlm: saved cam")
        seat.screen.resize(120, 40)
        seat.resize(120, 40)
        seat.sees("q quit")
        assert not seat.screen.overflow
        seat.press("\x1a")
        seat.wait_for(lambda: "icanon" in (tmp_path / "stopped").read_text() if (tmp_path / "stopped").exists() else "")
        assert " -icanon" not in (tmp_path / "stopped").read_text(), "the shell has its terminal"
        seat.wait_for(lambda: not seat.screen.modes["?1049"])
        (tmp_path / "on").touch()
        seat.wait_for(lambda: seat.screen.modes["?1049"])
        seat.sees("▀")
        seat.press("q")
        assert seat.ends() == 0, "what has no end is whole whenever it is left"
    finally:
        seat.close()
    assert "svlm: cam: connected, first picture after" in seat.screen.after
    assert "cam -> stdout: " in seat.screen.after
    rounds = [json.loads(line) for line in seat.stdout.read_text().splitlines()]
    assert len(rounds) >= 2
    assert sorted(path.suffix for path in tmp_path.glob("cam*")) == [".png", ".txt"]


def test_a_video_on_stdin_leaves_the_keys_to_the_terminal(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """And Ctrl-C, once or twice, gives it back as it was."""
    source = subprocess.Popen(
        [
            *(find_ffmpeg().path, "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=112x112:r=8"),
            *("-c:v", "mpeg2video", "-g", "4", "-f", "mpegts", "-"),
        ],
        stdout=subprocess.PIPE,
    )
    assert source.stdout is not None
    seat = Seat(tmp_path, "-", "--live", "on", "--model", str(tiny_checkpoint), stdin=source.stdout.fileno())
    try:
        seat.sees("▀")
        seat.sees("FILE")
        seat.press("p")
        seat.sees("PAUSED")
        seat.process.send_signal(signal.SIGINT)
        seat.process.send_signal(signal.SIGINT)
        assert seat.ends() == 130
    finally:
        seat.close()
        source.kill()
        source.wait()
        source.stdout.close()
