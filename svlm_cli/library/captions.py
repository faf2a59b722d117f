"""Captions on their way: segments one by one, and how to end them from elsewhere. Knows no engine and no source."""

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import RLock
from typing import Self

from svlm_cli.core.errors import UsageError
from svlm_cli.core.events import SourceStatus, State, describe
from svlm_cli.core.owned import Owned
from svlm_cli.core.types import Segment
from svlm_cli.library.door import question_of
from svlm_cli.pipeline.questions import Question, Reply

_LONGEST_ROUND_S = 5.0


@dataclass(slots=True, eq=False)
class CaptionControl:
    """What is shared by the captions that the caller holds and the rounds that make them."""

    on_status: Callable[[SourceStatus], object] | None = None
    status: SourceStatus | None = None
    stopped: bool = False
    end_source: Callable[[], None] | None = None  # without waiting for it
    reply: Callable[[Question], Reply] | None = None  # while there is a stream to ask

    def note(self, status: SourceStatus) -> None:
        """A live source has changed."""
        self.status = status
        if self.on_status is not None:
            self.on_status(status)
        elif status.state is State.WAITING and status.failures == 1 and not status.connections:
            warnings.warn(f"{describe(status)} That goes on until max_reconnects failures, or stop().", stacklevel=2)

    def stop(self) -> None:
        """No other round begins, and the source ends."""
        if not self.stopped:
            self.stopped = True
            if self.end_source is not None:
                self.end_source()


class Captions(Owned, Iterator[Segment]):
    """The segments of one video, as the model says them. An iterator and a context manager.

    Left early, it holds its source and its stream of the engine for as long as somebody holds it, or until `close`.
    """

    def __init__(self, segments: Generator[Segment, None, None], control: CaptionControl) -> None:
        super().__init__()
        self._segments = segments
        self._control = control
        self._turn = RLock()

    @property
    def status(self) -> SourceStatus | None:
        """How a live source is; None before it is opened, and for what is not live."""
        return self._control.status

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Segment:
        if not self.owned:
            raise UsageError(
                "These captions belong to the process that began them, and not to its fork.",
                'Begin others in a process that multiprocessing.get_context("spawn") starts.',
            )
        with self._turn:
            return next(self._segments)

    def ask(self, question: str, *, choices: Sequence[str] = ()) -> Reply:
        """Ask about what is in mind now, between two segments; the captions go on as if nobody had.

        With `choices` one of them is the answer, and `Reply.chances` has those of all. The engine needs room for it,
        ``load_engine(questions=1)``. From another thread it waits for the round that is going on. Raises `UsageError`.
        """
        asked = question_of(question, choices)
        with self._turn:
            if not self.owned or self._control.reply is None:
                raise UsageError("There is nothing to ask about.", "Ask after the first segment, and before the end.")
            return self._control.reply(asked)

    def stop(self) -> None:
        """Let the loop over the segments end after the round that is going on. Returns at once.

        For signal handlers and other threads. Frames of the caller's own must come to an end by themselves.
        """
        if self.owned:
            self._control.stop()

    def close(self) -> None:
        """Stop, and wait until source and stream are closed. Closing twice is harmless."""
        if not self.owned:
            return
        self._control.stop()
        if self._turn.acquire(timeout=_LONGEST_ROUND_S):  # longer, if at all, waits who gets frames of the caller's own
            try:
                with suppress(ValueError):  # a signal handler may close under its own thread's round
                    self._segments.close()
            finally:
                self._turn.release()
