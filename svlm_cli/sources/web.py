"""A source behind a web address, whose nature is found out by its first read.

So opening it never blocks, and a slow server holds up no other source. Temporary failures are retried, as for every
live source. Does not know how a recording or a live source is made: see `opening.py`.
"""

import threading
from collections.abc import Callable
from typing import Self

from svlm_cli.core.errors import InputError
from svlm_cli.core.events import SourceStatus, State
from svlm_cli.core.owned import Owned
from svlm_cli.core.types import Frame
from svlm_cli.sources.backoff import Backoff
from svlm_cli.sources.connection import Ending
from svlm_cli.sources.files import FrameStream
from svlm_cli.sources.http import Client, HttpResponse, RefusedError
from svlm_cli.sources.live import LiveOptions, LiveStream
from svlm_cli.sources.nature import Nature, look
from svlm_cli.sources.sequential import Reading

Opener = Callable[[Nature, HttpResponse, Reading], FrameStream | LiveStream]
"""Opens the frames for what was found. The `Reading` stops it from another thread."""


class WebSource(Owned):
    """The frames behind a web address: iterates over `opened`, the recording or live source that it turned out to be.

    `close` may be called from another thread and ends any wait at once.
    """

    def __init__(
        self,
        client: Client,
        opener: Opener,
        *,
        name: str,
        options: LiveOptions,
        tell: Callable[[SourceStatus], None] = lambda status: None,
    ) -> None:
        super().__init__()
        self._client = client
        self._opener = opener
        self._name = name
        self._options = options
        self._tell = tell
        self._stop = threading.Event()
        self._reading = Reading()
        self._turn = threading.RLock()
        self._backoff = Backoff()
        self._answer: HttpResponse | None = None
        self._nature: Nature | None = None
        self.opened: FrameStream | LiveStream | None = None

    @property
    def notices(self) -> list[str]:
        """Sentences for the user."""
        return [] if self.opened is None else self.opened.notices

    @property
    def duration_s(self) -> float | None:
        """The duration, once it is open."""
        return None if self.opened is None else self.opened.duration_s

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame | None:
        with self._turn:
            while self.opened is None:
                if self._stop.is_set():
                    raise StopIteration
                if (ending := self._try()) is not None and not self._stop.is_set():
                    self._wait_after(ending)
            return next(self.opened)

    def check(self) -> None:
        """Ask once. `InputError` if no retry could help; a stream is kept open, as in `LiveStream.check`."""
        if self._options.waits:
            return
        with self._turn:
            ending = self._try()
            if ending is not None and self._options.gives_up(ending, self._backoff.failures):
                raise InputError(f"{self._name} {ending.sentence}", ending.hint)
            if isinstance(self.opened, LiveStream) and self._nature in (Nature.STREAM, Nature.PICTURES):
                self.opened.check()

    def stop(self) -> None:
        """Ask the reader to end, also while it waits. Returns at once."""
        self._stop.set()
        self._reading.stop()
        opened = self.opened
        if opened is not None:
            opened.stop()

    def close(self) -> None:
        """Stop reading."""
        if not self.owned:
            return
        self.stop()
        with self._turn:  # held by the reader until it has ended
            if self.opened is not None:
                self.opened.close()
            if self._answer is not None:
                self._answer.close()

    def _try(self) -> Ending | None:
        """Ask and open; return the reason if that fails."""
        self._tell(SourceStatus(self._name, State.CONNECTING, failures=self._backoff.failures))
        try:
            self._nature, self._answer = look(self._client, self._stop)
        except RefusedError as error:
            return error.ending
        self.opened = self._opener(self._nature, self._answer, self._reading)
        if self._stop.is_set():  # since `look` has answered, when there was nothing else to stop
            self.opened.stop()
        return None

    def _wait_after(self, ending: Ending) -> None:
        """Wait for the next try; `InputError` if there is none."""
        if self._options.gives_up(ending, self._backoff.failures):
            self._tell(SourceStatus(self._name, State.ENDED, reason=ending.sentence))
            raise InputError(f"{self._name} {ending.sentence}", ending.hint)
        delay_s = self._backoff.next_s(denied=ending.denied)
        reason = f"{ending.sentence} {ending.hint}".rstrip()
        status = SourceStatus(self._name, State.WAITING, reason, delay_s, failures=self._backoff.failures)
        self._tell(status)
        self._stop.wait(delay_s)
