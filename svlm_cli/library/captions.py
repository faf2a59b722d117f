"""Captions in progress: iterates over segments, and can be stopped from elsewhere. Knows no engine and no source."""

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
    """Shared by the caller's `Captions` and the generator of rounds."""

    on_status: Callable[[SourceStatus], object] | None = None
    status: SourceStatus | None = None
    stopped: bool = False
    end_source: Callable[[], None] | None = None  # does not wait for the source
    reply: Callable[[Question], Reply] | None = None  # set while there is a stream to ask

    def note(self, status: SourceStatus) -> None:
        """Record a change of a live source."""
        self.status = status
        if self.on_status is not None:
            self.on_status(status)
        elif status.state is State.WAITING and status.failures == 1 and not status.connections:
            warnings.warn(f"{describe(status)} This continues until max_reconnects failures, or stop().", stacklevel=2)

    def stop(self) -> None:
        """Begin no further round, and end the source."""
        if not self.stopped:
            self.stopped = True
            if self.end_source is not None:
                self.end_source()


class Captions(Owned, Iterator[Segment]):
    """The segments of one video, as they are generated. An iterator and a context manager.

    If not exhausted, it holds its source and the engine's stream until it is garbage-collected or closed.
    """

    def __init__(self, segments: Generator[Segment, None, None], control: CaptionControl) -> None:
        super().__init__()
        self._segments = segments
        self._control = control
        self._turn = RLock()

    @property
    def status(self) -> SourceStatus | None:
        """The state of a live source; None before it is opened, and for other sources."""
        return self._control.status

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Segment:
        if not self.owned:
            raise UsageError(
                "These captions cannot be used in a fork of the process that started them.",
                'Start new ones in a process from multiprocessing.get_context("spawn").',
            )
        with self._turn:
            return next(self._segments)

    def ask(self, question: str, *, choices: Sequence[str] = ()) -> Reply:
        """Ask about the stream's memory, between two segments; the captions are unaffected.

        With `choices`, one of them is the answer, and `Reply.chances` has the probability of each. Requires an engine
        from ``load_engine(questions=1)``. From another thread it waits for the current round. Raises `UsageError`.
        """
        asked = question_of(question, choices)
        with self._turn:
            if not self.owned or self._control.reply is None:
                raise UsageError("There is nothing to ask about.", "Ask after the first segment, and before the end.")
            return self._control.reply(asked)

    def stop(self) -> None:
        """End the loop over segments after the current round. Returns at once.

        For signal handlers and other threads. The caller's own frames must end by themselves.
        """
        if self.owned:
            self._control.stop()

    def close(self) -> None:
        """Stop, and wait until source and stream are closed. Closing twice is harmless."""
        if not self.owned:
            return
        self._control.stop()
        if self._turn.acquire(timeout=_LONGEST_ROUND_S):  # it takes longer only if the caller's own frames block
            try:
                with suppress(ValueError):  # a signal handler interrupts its own thread's round
                    self._segments.close()
            finally:
                self._turn.release()
