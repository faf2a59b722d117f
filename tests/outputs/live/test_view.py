"""The view on a real pseudo-terminal, in this process: what it draws, what keys do, and how it leaves."""

import fcntl
import io
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from svlm_cli.core.events import SourceStatus, State
from svlm_cli.outputs.live.meters import Machine
from svlm_cli.outputs.live.terminal import Terminal
from svlm_cli.outputs.live.view import LiveView
from tests.outputs.live.scenes import PICTURES, TRUE_COLOUR, ended, started, token
from tests.outputs.live.screen import Screen

TIMEOUT_S = 60.0


class Desk:
    """A terminal with a view on it, and somebody who looks and types."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("front",)) -> None:
        self.terminal, self.theirs = pty.openpty()
        self.resize(80, 24)
        self.before = termios.tcgetattr(self.theirs)
        self.screen = Screen(80, 24)
        self.file = io.StringIO()
        self.interrupts = 0
        self.asked: list[tuple[str, str, Callable[[str], None]]] = []
        self.machine: Callable[[], Machine] = lambda: Machine(100 << 20)
        self.view = LiveView(
            Terminal(self.theirs, self.theirs),
            TRUE_COLOUR,
            model="tiny",
            names=names,
            machine=lambda: self.machine(),  # noqa: PLW0108 - a test changes it
            interrupt=self.interrupt,
            folder=folder,
            file=self.file,
            ask=lambda name, question, tell: self.asked.append((name, question, tell)),
        )

    def interrupt(self) -> None:
        self.interrupts += 1

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self) -> None:
        """A frame is written in one go, and ends with the mode that says so."""
        data = b""
        while select.select([self.terminal], [], [], 0.05)[0]:
            data += os.read(self.terminal, 1 << 20)
        self.screen.feed(data)

    def wait_for(self, what: Callable[[], object]) -> None:
        until = time.monotonic() + TIMEOUT_S
        while not what():
            assert time.monotonic() < until, self.screen.text
            self.read()

    def sees(self, text: str) -> None:
        self.wait_for(lambda: text in self.screen.text)

    def press(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def close(self) -> None:
        self.view.close()
        self.read()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.sees("front")  # what is typed before the screen is there is not for it
    yield made
    made.close()
    os.close(made.terminal)
    os.close(made.theirs)


def test_a_question_is_typed_and_answered(desk: Desk) -> None:
    """No letter of it is a key; the answer stands among the words; Esc asks nothing."""
    desk.view.begin("front", None)
    desk.view.hear(SourceStatus("front", State.LIVE))
    desk.view.hear(started(0), PICTURES)
    desk.sees("a ask")
    desk.press("a")
    desk.sees("Ask front: _")
    desk.press("quit s\x7f\x7f? \x1b[A")
    desk.sees("Ask front: quit? _")
    assert desk.interrupts == 0
    desk.press("\r")
    desk.sees("q quit")
    ((name, question, tell),) = desk.asked
    assert (name, question) == ("front", "quit?")
    tell("no\x1b[2J")
    desk.sees("(quit? -> no)")
    desk.press("a")
    desk.sees("Ask front: _")
    desk.press("never mind\x15")
    desk.sees("Ask front: _")
    desk.press("x\x1b")
    desk.sees("q quit")
    desk.press("a")
    desk.sees("Ask front: _")
    desk.press("\r")
    desk.sees("q quit")
    assert len(desk.asked) == 1


def test_of_several_one_is_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ("front", "back"))
    desk.sees("2 back")
    desk.press("a")
    desk.sees("choose one of them first, with its number.")
    desk.press("2")
    desk.press("a")
    desk.sees("Ask back: _")
    desk.press("why?\r")
    desk.wait_for(lambda: desk.asked)
    assert desk.asked[0][:2] == ("back", "why?")
    desk.close()
    os.close(desk.terminal)
    os.close(desk.theirs)


def test_a_session(desk: Desk, tmp_path: Path) -> None:
    """Pictures and words come, keys are obeyed, the size changes, and all is given back."""
    view = desk.view
    desk.sees("no picture yet")
    view.begin("front", None)
    view.hear(SourceStatus("front", State.LIVE))
    view.write("front", "front\x1b[2J.srt")
    desk.sees("front -> front.srt")
    view.hear(started(0), PICTURES)
    view.hear(token(" Cal"))
    desk.sees("0:00:00 Cal")
    view.hear(token("lek\x1b]0;title\x07 shoots"))
    desk.sees("0:00:00 Callek shoots")
    view.hear(ended(0, " Callek shoots."))
    desk.sees("Callek shoots.")
    desk.sees("100 MiB")
    assert "▀" in desk.screen.text
    assert desk.screen.modes == {"?1049": True, "?25": False, "?7": False, "?2026": False}
    desk.press("p")
    desk.sees("PAUSED, captioning goes on")
    view.hear(started(1), PICTURES)
    view.hear(ended(1, "Unseen."))
    desk.press("s")
    desk.sees("svlm: saved front-")
    (text,) = tmp_path.glob("front-*.txt")
    assert text.read_text().splitlines()[1:] == ["[0:00:00] Callek shoots."], "what is on the screen"
    assert "Unseen" not in desk.screen.text
    desk.press("p")
    desk.sees("Unseen.")
    desk.press("\x1b[A")
    desk.wait_for(lambda: "Unseen." not in desk.screen.text)
    desk.press("\x1b[F")
    desk.sees("Unseen.")
    for size in ((40, 12), (120, 40)):
        desk.screen.resize(*size)
        desk.resize(*size)
        desk.wait_for(lambda size=size: desk.screen.lines[0].endswith("0:00:00") or "fps" in desk.screen.text)  # type: ignore[misc]
        desk.sees("Unseen.")
        assert not desk.screen.overflow
    desk.close()
    assert desk.screen.modes == {"?1049": False, "?25": True, "?7": True, "?2026": False}
    assert termios.tcgetattr(desk.theirs) == desk.before
    assert desk.file.getvalue().startswith("svlm: saved front-"), "told again when the screen is gone"
    view.say("svlm: after\x1b[2J")
    assert desk.file.getvalue().endswith("svlm: after\n")


def test_quitting_interrupts_once(desk: Desk) -> None:
    """A second interrupt would end the process without finishing the files."""
    desk.press("qq")
    desk.sees("Finishing the files.")
    desk.press("q")
    desk.press("1")
    time.sleep(0.3)
    assert desk.interrupts == 1
    assert desk.view.quit_asked


def test_a_picture_that_cannot_be_saved_is_a_sentence(desk: Desk, tmp_path: Path) -> None:
    tmp_path.rmdir()
    desk.press("s")
    desk.sees("svlm: there is no picture yet to save.")
    desk.view.hear(started(0), PICTURES)
    desk.press("s")
    desk.sees("svlm: The picture cannot be saved in")
    desk.view.hear(ended(0, "And on it goes."))
    desk.sees("And on it goes.")
    tmp_path.mkdir()


def test_what_others_print_spoils_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library's warning would stand across the picture."""
    monkeypatch.setattr(sys, "stderr", sys.stderr)  # pytest's own comes back
    desk = Desk(tmp_path)
    sys.stderr.write("a line\nhalf a ")
    desk.sees("a line")
    print("warning\x1b[2J", file=sys.stderr)  # noqa: T201 - as a library would
    desk.sees("half a warning")
    desk.close()
    assert "a line\n" in desk.file.getvalue()
    assert sys.stderr is desk.file


def test_files_come_and_go(tmp_path: Path) -> None:
    desk = Desk(tmp_path, names=())
    desk.sees("svlm  tiny")
    desk.view.begin("a.mp4", 30.0)
    desk.view.hear(started(0, name="a.mp4"), PICTURES)
    desk.sees("FILE  0:00:00 / 0:00:30")
    desk.view.end("a.mp4")
    desk.sees("ENDED")
    desk.view.begin("b.mp4", None)
    desk.view.move("b.mp4", 7.0)
    desk.sees("b.mp4")
    desk.sees("0:00:07")
    assert "a.mp4" not in desk.screen.text
    desk.close()


def test_an_error_in_the_view_is_the_commands(desk: Desk) -> None:
    """The thread would end without a word, and the terminal would stay as it is."""

    def broken() -> Machine:
        raise ZeroDivisionError("in the view")

    desk.sees("no picture yet")
    desk.machine = broken
    with pytest.raises(ZeroDivisionError, match="in the view"):
        desk.wait_for(lambda: desk.view.hear(started(0), PICTURES))
    desk.read()
    assert desk.screen.modes["?1049"] is False
    assert termios.tcgetattr(desk.theirs) == desk.before


def test_a_terminal_that_goes_takes_no_captions_with_it(tmp_path: Path) -> None:
    """A connection that breaks must not end a command that runs for days."""
    desk = Desk(tmp_path)
    desk.sees("no picture yet")
    os.close(desk.terminal)
    for second in range(5):
        desk.view.hear(started(second), PICTURES)
        desk.view.hear(ended(second, "word"))
        time.sleep(0.15)
    desk.view.close()
    os.close(desk.theirs)


def test_given_away_and_back(desk: Desk) -> None:
    """Ctrl-Z: the shell gets its screen, and the whole view stands there again afterwards."""
    terminal = desk.view._terminal
    desk.sees("no picture yet")
    terminal.leave()
    desk.read()
    time.sleep(0.3)
    desk.read()
    assert desk.screen.modes["?1049"] is False
    assert termios.tcgetattr(desk.theirs) == desk.before
    desk.screen.clear()
    terminal.come_back()
    desk.sees("no picture yet")
    desk.sees("q quit")
    assert desk.screen.modes["?1049"] is True


def test_only_what_changed_is_written(desk: Desk) -> None:
    """Over a slow connection, eight whole screens a second would be too much."""
    desk.view.hear(started(0), PICTURES)
    desk.sees("▀")
    time.sleep(1.2)
    desk.read()
    os.set_blocking(desk.terminal, False)
    until, written = time.monotonic() + 1.0, b""
    while time.monotonic() < until:
        if select.select([desk.terminal], [], [], 0.1)[0]:
            written += os.read(desk.terminal, 1 << 20)
    assert len(written) < 2000
    desk.screen.feed(written)
    desk.press("\x0c")
    desk.screen.clear()
    desk.sees("▀")
    desk.sees("q quit")
