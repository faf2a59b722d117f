"""The live view: a `Progress` that is a screen. One thread draws it and reads keys while the command works.

Receives names, pictures, tokens and phrases from the command. The machine's numbers and the way to interrupt the
command are passed in as functions.
"""

import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from svlm_cli.core.events import SourceEvent, SourceStatus
from svlm_cli.core.text import plain_text, presentable
from svlm_cli.core.types import Picture
from svlm_cli.outputs.live.choice import Choice, press
from svlm_cli.outputs.live.condition import Condition
from svlm_cli.outputs.live.footer import Notice, Typing
from svlm_cli.outputs.live.keys import Key
from svlm_cli.outputs.live.meters import Machine
from svlm_cli.outputs.live.page import Page
from svlm_cli.outputs.live.rows import Painter
from svlm_cli.outputs.live.snapshot import save_snapshot
from svlm_cli.outputs.live.state import Channel
from svlm_cli.outputs.live.stray import StrayLines
from svlm_cli.outputs.live.terminal import Terminal

_EVERY_S = 1 / 8
_NOTICE_S = 8.0
_MOST_NOTICES = 200  # reprinted after the screen is closed
_JOIN_S = 2.0
_SNAPSHOT_PHRASES = 3
_LONGEST_QUESTION = 500  # characters


Asker = Callable[[str, str, Callable[[str], None]], None]
"""Takes a video's name, a question, and a callback for the answer or the reason for none; does not wait."""


class LiveView:
    """A full-screen view, open until `close`.

    `names` are videos that stay on the screen; others appear when they begin and give way to later ones.
    """

    def __init__(
        self,
        terminal: Terminal,
        painter: Painter,
        *,
        model: str,
        names: Sequence[str],
        machine: Callable[[], Machine],
        interrupt: Callable[[], None],
        folder: Path,
        file: TextIO,
        ask: Asker | None = None,
    ) -> None:
        self.quit_asked = False
        self._terminal = terminal
        self._painter = painter
        self._page = Page(presentable(model), has_keys=terminal.has_keys, asks=ask is not None)
        self._ask = ask
        self._typing: Typing | None = None
        self._names = frozenset(names)
        self._channels = {name: Channel(presentable(name)) for name in names}
        self._frozen: list[Channel] = []  # while paused
        self._choice = Choice()
        self._machine = machine
        self._interrupt = interrupt
        self._folder = folder
        self._file = file
        self._told: deque[str] = deque(maxlen=_MOST_NOTICES)
        self._notice: Notice | None = None
        self._drawn: object = None  # inputs of the last screen
        self._anew = False  # redraw all rows, not only changed ones
        self._lock = threading.Lock()
        self._closing = False
        self._error: BaseException | None = None
        self._stray = StrayLines(file, self.say)
        sys.stderr = self._stray
        self._thread = threading.Thread(target=self._run, name="svlm-view", daemon=True)
        self._thread.start()

    def begin(self, name: str, length_s: float | None) -> None:
        """Show a video, in place of one that has ended."""
        with self._lock:
            for other in [one for one in self._channels if one not in self._names]:
                if self._channels[other].condition is Condition.ENDED:
                    self._page.previews.pop(self._channels.pop(other).name, None)
            channel = self._channels.setdefault(name, Channel(presentable(name)))
            channel.length_s = length_s
            if name not in self._names:
                channel.condition = Condition.FILE
        self._changed()

    def write(self, name: str, files: str) -> None:
        """Show the video's output files in its header."""
        with self._lock:
            self._channel(name).files = presentable(files)
        self._changed()

    def hear(self, event: SourceEvent, pictures: Sequence[Picture] = ()) -> None:
        """Take in pictures for the preview, a token, a phrase, or the source's status."""
        if not isinstance(event, SourceStatus):  # comes from the source's thread, which must not get this error
            self._raise()
        with self._lock:
            self._channel(event.name).hear(event, time.monotonic(), pictures)
        self._changed()

    def move(self, name: str, done_s: float) -> None:
        """Advance a job that emits no events to this many seconds."""
        with self._lock:
            self._channel(name).position_s = done_s
        self._changed()

    def say(self, line: str) -> None:
        """Show a line for some seconds; it is printed again after the screen is closed."""
        line = presentable(line)
        with self._lock:
            if not self._closing:
                self._told.append(line)
                self._notice = Notice(line, time.monotonic() + _NOTICE_S)
                self._changed()
                return
        self._print(line)

    def end(self, name: str) -> None:
        """The video has ended; it stays on the screen until another begins."""
        with self._lock:
            self._channel(name).become(Condition.ENDED, "")
        self._changed()

    def close(self) -> None:
        """Restore the terminal, and print the lines that were shown meanwhile below it."""
        with self._lock:
            closing, self._closing = self._closing, True
        if closing:
            return
        self._terminal.keyboard.wake()
        self._thread.join(_JOIN_S)
        self._terminal.leave()
        self._terminal.keyboard.close()
        if sys.stderr is self._stray:
            sys.stderr = self._file
        for line in self._told:
            self._print(line)
        if sys.exception() is None:
            self._raise()

    def _channel(self, name: str) -> Channel:
        return self._channels.setdefault(name, Channel(presentable(name)))

    def _changed(self) -> None:
        self._drawn = None

    def _print(self, line: str) -> None:
        with suppress(OSError):  # standard error is closed
            print(line, file=self._file, flush=True)

    def _raise(self) -> None:
        """Raise the thread's error in the command's thread."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        try:
            next_s = time.monotonic()
            while not self._closing:
                if self._terminal.enter():
                    self._draw(time.monotonic())
                next_s = max(next_s + _EVERY_S, time.monotonic())
                for key in self._terminal.keys(next_s - time.monotonic()):
                    self._press(key)
        except (OSError, termios.error):
            self._terminal.leave()  # the terminal is gone, but the videos go on
        except BaseException as error:  # noqa: BLE001 - re-raised in the command's next call
            self._terminal.leave()
            self._error = error

    def _draw(self, now_s: float) -> None:
        size = self._terminal.size()
        with self._lock:
            channels = list(self._channels.values())
            shown = self._frozen or channels
            pictures = [id(one.picture(self._choice.paused_s or now_s)) for one in shown]
            made_of = (size, int(now_s), pictures)
            if self._drawn == made_of:
                return
            if self._notice is not None and self._notice.until_s < now_s:
                self._notice = None
            self._drawn = made_of
            rows = self._page.compose(
                shown,
                self._choice,
                size,
                now_s,
                live=channels,
                machine=self._machine(),
                notice=self._notice,
                typing=self._typing,
            )
            anew, self._anew = self._anew, False
        self._terminal.paint([self._painter.line(row) for row in rows], size, anew=anew)

    def _press(self, key: Key | str) -> None:
        now_s = time.monotonic()
        if self._typing is not None:
            self._type(key, self._typing)
            self._changed()
            return
        if not self.quit_asked:
            self._notice = None  # it has been read
        if key is Key.QUIT and not self.quit_asked:
            self.quit_asked = True
            self.say("Finishing the files.")
            self._interrupt()
        elif key is Key.SAVE:
            self._save(now_s)
        elif key is Key.ASK:
            self._begin_typing()
        elif key is Key.REDRAW:
            self._anew = True
        elif key is Key.PAUSE:
            with self._lock:
                paused = self._choice.paused_s is None
                self._choice.paused_s = now_s if paused else None
                self._frozen = [channel.frozen() for channel in self._channels.values()] if paused else []
        else:
            with self._lock:
                shown = self._frozen or list(self._channels.values())
                press(key, self._choice, shown, fitting=self._page.fitting, rows=self._terminal.size()[1])
        self._changed()

    def _begin_typing(self) -> None:
        if self._ask is None:
            return
        with self._lock:
            lone = self._choice.lone(list(self._channels.values()))
            name = next((name for name, one in self._channels.items() if lone and one.name == lone.name), None)
        if name is None:
            self.say("svlm: choose one of them first, with its number.")
        else:
            self._typing = Typing(name)
            self._terminal.keyboard.typing = True

    def _type(self, key: Key | str, typing: Typing) -> None:
        text = typing.text
        if isinstance(key, str):
            self._typing = replace(typing, text=plain_text(text + key)[:_LONGEST_QUESTION])
        elif key is Key.ERASE:
            self._typing = replace(typing, text=text[:-1])
        elif key is Key.CLEAR:
            self._typing = replace(typing, text="")
        elif key in (Key.ENTER, Key.ALL):
            self._typing, self._terminal.keyboard.typing = None, False
            if key is Key.ENTER and text.strip() and self._ask is not None:
                name, question = typing.name, text.strip()
                self._ask(name, question, lambda answer: self._note(name, f"({question} -> {answer})"))

    def _note(self, name: str, text: str) -> None:
        with self._lock:
            self._channel(name).note(text)
        self._changed()

    def _save(self, now_s: float) -> None:
        """Save what is on the screen: one video, or each on the page."""
        with self._lock:
            channels = self._frozen or list(self._channels.values())
            lone = self._choice.lone(channels)
            page = [one for _, one in self._choice.page(channels, self._page.fitting)] if lone is None else [lone]
            shown = [one.frozen() for one in page]
        moment_s = self._choice.paused_s or now_s
        saved = []
        for channel in shown:
            picture, time_s = channel.picture(moment_s), channel.picture_s(moment_s)
            if picture is None or time_s is None:
                continue
            phrases = channel.said()[-_SNAPSHOT_PHRASES:]
            try:
                path = save_snapshot(self._folder, channel.name, picture, time_s, phrases, time.time())
            except OSError as error:
                self.say(f"svlm: The picture cannot be saved in {self._folder}: {error.strerror or error}.")
                return
            saved.append(path.name)
        self.say(f"svlm: saved {', '.join(saved)}" if saved else "svlm: there is no picture yet to save.")
