"""Progress on stderr: phrases as they are spoken, a bar where there is a terminal. stdout is for data.

A third kind, a whole screen, is `svlm_cli.outputs.live`.

Knows names, events and times. What it prints comes from a model, so it is made plain first.
"""

import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, TextIO

from svlm_cli.core.events import RoundEnded, SourceEvent
from svlm_cli.core.text import plain_text, presentable
from svlm_cli.core.types import Picture

_MOVE_S = 10.0  # between two lines of what is only counted


class ProgressStyle(StrEnum):
    """How progress is shown."""

    AUTO = "auto"  # a bar on a terminal, else plain
    BAR = "bar"
    PLAIN = "plain"  # a line a phrase
    NONE = "none"


class Progress(Protocol):
    """Shows the progress of videos."""

    @property
    def quit_asked(self) -> bool:
        """Whether people asked it to end the command, which it did as Ctrl-C does."""
        ...

    def begin(self, name: str, length_s: float | None) -> None:
        """A video starts."""
        ...

    def write(self, name: str, files: str) -> None:
        """Its words go into these files from now on, as people call them."""
        ...

    def hear(self, event: SourceEvent, pictures: Sequence[Picture] = ()) -> None:
        """Something happened to a video; `pictures` are those of a round that starts."""
        ...

    def move(self, name: str, done_s: float) -> None:
        """Advance a job that emits no events to this many seconds."""
        ...

    def say(self, line: str) -> None:
        """One line for people."""
        ...

    def end(self, name: str) -> None:
        """A video is over."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


def clock(seconds: float, *, tenths: bool = False) -> str:
    """`H:MM:SS`; with `tenths` of a second, for how long something took."""
    whole, rest = divmod(int(seconds * 10), 10)
    told = f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{told}.{rest}" if tenths else told


def phrase(event: SourceEvent) -> str:
    """A round's words on one line, with their time; empty for silence and for other events."""
    if not isinstance(event, RoundEnded):
        return ""
    words = " ".join(plain_text(event.text).split())
    return f"[{clock(event.start_s)}] {words}" if words else ""


class NoProgress:
    """Prints messages only."""

    quit_asked = False

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def begin(self, name: str, length_s: float | None) -> None:
        """Silent."""

    def write(self, name: str, files: str) -> None:
        """Silent: that is told at the end."""

    def hear(self, event: SourceEvent, pictures: Sequence[Picture] = ()) -> None:
        """Silent."""

    def move(self, name: str, done_s: float) -> None:
        """Silent."""

    def say(self, line: str) -> None:
        """Printed at once."""
        print(presentable(line), file=self._file, flush=True)

    def end(self, name: str) -> None:
        """Silent."""

    def close(self) -> None:
        """Nothing to undo."""


class PlainProgress(NoProgress):
    """A flushed line a phrase; with its video's name while several run."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file)
        self._running: set[str] = set()
        self._moved = time.monotonic()

    def begin(self, name: str, length_s: float | None) -> None:  # noqa: ARG002 - a line has no length
        """Silent."""
        self._running.add(name)

    def hear(self, event: SourceEvent, pictures: Sequence[Picture] = ()) -> None:  # noqa: ARG002
        """The phrase, if there is one."""
        if line := phrase(event):
            self.say(line if len(self._running) == 1 else f"{event.name} {line}")

    def move(self, name: str, done_s: float) -> None:
        """A line now and then."""
        now = time.monotonic()
        if now - self._moved >= _MOVE_S:
            self._moved = now
            self.say(f"{name}: {clock(done_s)}")

    def end(self, name: str) -> None:
        """Silent."""
        self._running.discard(name)


class BarProgress:
    """A bar for each video that runs, phrases scrolling above."""

    quit_asked = False

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.fields[name]}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[position]}", markup=False),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=Console(file=file), transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._starts_s: dict[str, float] = {}  # a file's clock need not begin at 0
        self._progress.start()

    def begin(self, name: str, length_s: float | None) -> None:
        """A new bar; it only pulses if nobody knows how long the video is."""
        self._tasks[name] = self._progress.add_task("", total=length_s, name=presentable(name), position="")

    def write(self, name: str, files: str) -> None:
        """Silent: that is told at the end."""

    def hear(self, event: SourceEvent, pictures: Sequence[Picture] = ()) -> None:  # noqa: ARG002
        """Moves the bar to the end of a round and prints its phrase, with the video's name while several run."""
        if not isinstance(event, RoundEnded):
            return
        done_s = event.end_s - self._starts_s.setdefault(event.name, event.start_s)
        self._progress.update(self._tasks[event.name], completed=done_s, position=clock(event.end_s))
        if line := phrase(event):
            self.say(line if len(self._tasks) == 1 else f"{event.name} {line}")

    def move(self, name: str, done_s: float) -> None:
        """Moves the bar."""
        self._progress.update(self._tasks[name], completed=done_s, position=clock(done_s))

    def say(self, line: str) -> None:
        """Printed above the bars."""
        self._progress.console.print(presentable(line), markup=False, highlight=False, soft_wrap=True)

    def end(self, name: str) -> None:
        """Takes the bar away."""
        self._starts_s.pop(name, None)
        self._progress.remove_task(self._tasks.pop(name))

    def close(self) -> None:
        """Takes all bars away and shows the cursor again."""
        self._progress.stop()


def open_progress(style: ProgressStyle, *, quiet: bool) -> Progress:
    """The progress that suits stderr, terminal or not."""
    file = sys.stderr
    if quiet or style is ProgressStyle.NONE:
        return NoProgress(file)
    if style is ProgressStyle.BAR or (style is ProgressStyle.AUTO and file.isatty()):
        return BarProgress(file)
    return PlainProgress(file)
