"""Whether a call gets the live view, and the terminal that it works on. Knows not what is on the screen."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from svlm_cli.core.errors import UsageError
from svlm_cli.core.signals import gives_back
from svlm_cli.outputs.progress import Progress, ProgressStyle, open_progress

if TYPE_CHECKING:
    from rich.console import Console

    from svlm_cli.outputs.live.meters import Machine
    from svlm_cli.outputs.live.rows import Painter
    from svlm_cli.outputs.live.view import Asker


class LiveMode(StrEnum):
    """Whether there is a screen."""

    AUTO = "auto"  # for what goes on by itself, where a terminal can show it
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Showing:
    """How people want to see what happens."""

    mode: LiveMode
    style: ProgressStyle
    quiet: bool
    model: str
    folder: Path  # for what they save
    to_stdout: bool  # the words

    def wants_screen(self, *, endless: bool) -> bool:
        """Decided before anything is loaded; `UsageError` for what makes no sense."""
        if self.mode is LiveMode.OFF:
            return False
        if self.mode is LiveMode.AUTO:
            plain = self.quiet or self.style is not ProgressStyle.AUTO or not endless
            return not plain and self._hindrance() is None and foreground()
        if self.quiet:
            raise UsageError("--live on and --quiet contradict each other.", "Leave one of them out.")
        if self.style is not ProgressStyle.AUTO:
            raise UsageError(f"--live on and --progress {self.style} contradict each other.", "Leave one of them out.")
        if hindrance := self._hindrance():
            raise UsageError(*hindrance)
        return True

    @property
    def words_are_on_screen(self) -> bool:
        """Whether the terminal shows what goes to standard output, among which a bar would be in the way."""
        return self.style is ProgressStyle.AUTO and self.to_stdout and sys.stderr.isatty() and _same_file()

    def _hindrance(self) -> tuple[str, str] | None:
        """Why there cannot be a screen, and what to do about it."""
        if not sys.stderr.isatty():
            return (
                "--live on needs a terminal, and standard error is not one.",
                "Leave it out to get plain lines.",
            )
        from rich.console import Console

        console = Console(stderr=True)
        if console.is_dumb_terminal or not console.is_interactive:
            return "This terminal cannot show the live view.", "Set TERM to its kind, or leave --live on out."
        if not sys.stderr.encoding.lower().startswith("utf"):
            return (
                f"The live view needs UTF-8, not {sys.stderr.encoding}.",
                "Set LC_ALL=C.UTF-8, or leave --live on out.",
            )
        if self.to_stdout and _same_file():
            return "With -o - the words go to this terminal already.", "Redirect them, or leave --live on out."
        return None


@contextmanager
def showing(
    wanted: Showing,
    machine: Callable[[], "Machine"],
    *,
    names: Sequence[str] = (),
    endless: bool = False,
    ask: "Asker | None" = None,
) -> Iterator[Progress]:
    """A screen or another progress, closed at the end. `names` are those that stay on the screen, `ask` takes what
    people ask there.
    """
    if not wanted.wants_screen(endless=endless):
        with closing(open_progress(wanted.style, quiet=wanted.quiet or wanted.words_are_on_screen)) as progress:
            yield progress
        return
    from rich.console import Console

    from svlm_cli.outputs.live.keys import find_keyboard
    from svlm_cli.outputs.live.terminal import Terminal
    from svlm_cli.outputs.live.view import LiveView

    terminal = Terminal(sys.stderr.fileno(), find_keyboard())
    with gives_back(terminal.leave, terminal.come_back):
        try:
            view = LiveView(
                terminal,
                painter_for(Console(stderr=True)),
                model=wanted.model,
                names=names,
                machine=machine,
                interrupt=_interrupt,
                folder=wanted.folder,
                file=sys.stderr,
                ask=ask,
            )
            try:
                yield view
            finally:
                view.close()
        finally:
            terminal.leave()  # also if an interrupt came before or while it closed


def painter_for(console: "Console") -> "Painter":
    """What this terminal can show."""
    from rich.color import ColorSystem

    from svlm_cli.outputs.live.preview import Paint
    from svlm_cli.outputs.live.rows import Painter

    kinds = {
        "truecolor": (ColorSystem.TRUECOLOR, Paint.TRUE_COLOUR),
        "256": (ColorSystem.EIGHT_BIT, Paint.COLOURS_256),
    }
    colours, paint = kinds.get(console.color_system or "", (ColorSystem.STANDARD, Paint.SHADES))
    return Painter(colours, console.no_color, Paint.SHADES if console.no_color else paint)


def foreground() -> bool:
    """Whether the terminal is this process's to use; a shell's background job would be stopped for that."""
    from svlm_cli.outputs.live.terminal import in_foreground

    return in_foreground(sys.stderr.fileno())


def _same_file() -> bool:
    """Whether data and screen would go to the same terminal."""
    return os.path.samestat(os.fstat(sys.stdout.fileno()), os.fstat(sys.stderr.fileno()))


def _interrupt() -> None:
    """As Ctrl-C, from another thread: the main one is woken, whatever it waits for."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
