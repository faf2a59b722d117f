"""Progress on stderr: phrases as they are generated, and a bar on a terminal. stdout is for data.

`svlm_cli.outputs.live` is a third kind: a full screen.

Knows names, events and times. Text from a model is stripped of control characters before it is printed.
"""

import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, TextIO

from svlm_cli.core.events import RoundEnded, SourceEvent
from svlm_cli.core.text import plain_text, presentable
from svlm_cli.core.types import Picture

_MOVE_S = 10.0  # between lines for a job that emits no events


class ProgressStyle(StrEnum):
    """How progress is shown."""

    AUTO = "auto"  # a bar on a terminal, otherwise plain
    BAR = "bar"
    PLAIN = "plain"  # one line per phrase
    NONE = "none"


class Progress(Protocol):
    """Shows the progress of videos."""

    @property
    def quit_asked(self) -> bool:
        """Whether the user asked it to end the command, which it did by an interrupt, like Ctrl-C."""
        ...

    def begin(self, name: str, length_s: float | None) -> None:
        """A video starts; `length_s` is None if unknown."""
        ...

    def write(self, name: str, files: str) -> None:
        """The video's words now go to `files`, as shown to people."""
        ...

    def hear(self, event: SourceEvent, pictures: Sequence[Picture] = ()) -> None:
        """An event of a video; `pictures` are those of a round that starts."""
        ...

    def move(self, name: str, done_s: float) -> None:
        """Advance a job that emits no events to this many seconds."""
        ...

    def say(self, line: str) -> None:
        """Show one line."""
        ...

    def end(self, name: str) -> None:
        """A video has ended."""
        ...

    def close(self) -> None:
        """Restore the terminal."""
        ...


def clock(seconds: float, *, tenths: bool = False) -> str:
    """`H:MM:SS`; with `tenths` of a second for durations."""
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
        """Does nothing."""

    def write(self, name: str, files: str) -> None:
        """Does nothing: files are reported at the end."""

    def hear(self, event: SourceEvent, pictures: Sequence[Picture] = ()) -> None:
        """Does nothing."""

    def move(self, name: str, done_s: float) -> None:
        """Does nothing."""

    def say(self, line: str) -> None:
        """Print the line."""
        print(presentable(line), file=self._file, flush=True)

    def end(self, name: str) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


class PlainProgress(NoProgress):
    """One flushed line per phrase; with the video's name while several run."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file)
        self._running: set[str] = set()
        self._moved = time.monotonic()

    def begin(self, name: str, length_s: float | None) -> None:  # noqa: ARG002 - lines show no length
        """Does nothing."""
        self._running.add(name)

    def hear(self, event: SourceEvent, pictures: Sequence[Picture] = ()) -> None:  # noqa: ARG002
        """Print the phrase, if there is one."""
        if line := phrase(event):
            self.say(line if len(self._running) == 1 else f"{event.name} {line}")

    def move(self, name: str, done_s: float) -> None:
        """Print a line now and then."""
        now = time.monotonic()
        if now - self._moved >= _MOVE_S:
            self._moved = now
            self.say(f"{name}: {clock(done_s)}")

    def end(self, name: str) -> None:
        """Does nothing."""
        self._running.discard(name)


class BarProgress:
    """A bar per running video, with phrases scrolling above."""

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
        self._starts_s: dict[str, float] = {}  # a file's clock need not start at 0
        self._progress.start()

    def begin(self, name: str, length_s: float | None) -> None:
        """Add a bar; it only pulses if the length is unknown."""
        self._tasks[name] = self._progress.add_task("", total=length_s, name=presentable(name), position="")

    def write(self, name: str, files: str) -> None:
        """Does nothing: files are reported at the end."""

    def hear(self, event: SourceEvent, pictures: Sequence[Picture] = ()) -> None:  # noqa: ARG002
        """Move the bar to the end of the round and print its phrase, with the video's name while several run."""
        if not isinstance(event, RoundEnded):
            return
        done_s = event.end_s - self._starts_s.setdefault(event.name, event.start_s)
        self._progress.update(self._tasks[event.name], completed=done_s, position=clock(event.end_s))
        if line := phrase(event):
            self.say(line if len(self._tasks) == 1 else f"{event.name} {line}")

    def move(self, name: str, done_s: float) -> None:
        """Move the bar."""
        self._progress.update(self._tasks[name], completed=done_s, position=clock(done_s))

    def say(self, line: str) -> None:
        """Print the line above the bars."""
        self._progress.console.print(presentable(line), markup=False, highlight=False, soft_wrap=True)

    def end(self, name: str) -> None:
        """Remove the bar."""
        self._starts_s.pop(name, None)
        self._progress.remove_task(self._tasks.pop(name))

    def close(self) -> None:
        """Remove all bars and show the cursor again."""
        self._progress.stop()


def open_progress(style: ProgressStyle, *, quiet: bool) -> Progress:
    """The progress for `style`, depending on whether stderr is a terminal."""
    file = sys.stderr
    if quiet or style is ProgressStyle.NONE:
        return NoProgress(file)
    if style is ProgressStyle.BAR or (style is ProgressStyle.AUTO and file.isatty()):
        return BarProgress(file)
    return PlainProgress(file)
