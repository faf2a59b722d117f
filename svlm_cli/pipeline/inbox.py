"""Chunks of several sources, read ahead by one thread each, handed out as they come.

Every queue is bounded, in chunks and in bytes: a slow reader holds its source back, or, where the source is live and
cannot be held back, loses the oldest chunk that waits, which the next one counts. What a source raises is raised where
its chunk would have been taken. Knows no engine and no file.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from threading import Condition, RLock, Thread
from typing import Generic, TypeVar

from svlm_cli.core.owned import Owned
from svlm_cli.core.types import Chunk

Key = TypeVar("Key", bound=Hashable)

READ_AHEAD_CHUNKS = 2  # one being used, one ready: decoding overlaps the model, and memory stays small
READ_AHEAD_BYTES = 256 * 1024 * 1024  # of all sources; beyond these each has one chunk that waits
JOIN_TIMEOUT_S = 2.0


class _Reader:
    """One source: its thread, its chunks that wait, and how it ended."""

    def __init__(
        self, chunks: Iterator[Chunk], close: Callable[[], None], drops: Callable[[], bool], room: Condition
    ) -> None:
        self.chunks = chunks
        self.close = close
        self.drops = drops
        self.room = room  # notified when there may be room for its next chunk
        self.held_back: Chunk | None = None  # the chunk that waits for that
        self.waiting: deque[Chunk] = deque()
        self.ended = False
        self.stopped = False
        self.error: BaseException | None = None
        self.thread: Thread | None = None  # none reads ahead: who takes a chunk reads it

    @property
    def ready(self) -> bool:
        return bool(self.waiting) or self.ended or self.thread is None

    def drop_for(self, chunk: Chunk) -> Chunk:
        """`chunk` takes the place of the one that waits, and counts what is lost with it."""
        lost = self.waiting.popleft()
        return replace(chunk, dropped=chunk.dropped + lost.dropped + len(lost.frames), gap_s=chunk.gap_s + lost.gap_s)


class Inbox(Owned, Generic[Key]):
    """The sources that are being read, by key."""

    def __init__(self) -> None:
        super().__init__()
        self._readers: dict[Key, _Reader] = {}
        self._lock = RLock()
        self._changed = Condition(self._lock)  # something is ready
        self._waiting_bytes = 0  # of all chunks that wait
        self._woken = False

    def add(
        self,
        key: Key,
        chunks: Iterator[Chunk],
        close: Callable[[], None],
        *,
        drops: Callable[[], bool] = lambda: False,
        ahead: bool = True,
    ) -> None:
        """Start reading a source. `close`, called from another thread, makes `chunks` end.

        While it `drops`, only the newest chunk waits: the source is never held back. One that is not read `ahead` is
        read by `take`, in the thread that calls it.
        """
        reader = _Reader(chunks, close, drops, Condition(self._lock))
        if not ahead:
            self._readers[key] = reader
            return
        reader.thread = Thread(target=self._read, args=(reader,), name="svlm-source", daemon=True)
        self._readers[key] = reader
        reader.thread.start()

    def wait(self) -> list[Key]:
        """The sources from which `take` returns at once; waits until there is one, while there are sources.

        After `wake` it returns at once, maybe with none.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._woken or not self._readers or any(reader.ready for reader in self._readers.values())
            )
            self._woken = False
            return [key for key, reader in self._readers.items() if reader.ready]

    def wake(self) -> None:
        """End a wait that goes on, or the next one. From any thread."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def take(self, key: Key) -> Chunk | None:
        """The next chunk of a source that is ready; None once it has ended or is removed; raises what it raised."""
        reader = self._readers.get(key)
        if reader is None:
            return None
        if reader.thread is None:
            return next(reader.chunks, None)
        with self._changed:
            if reader.waiting:
                chunk = reader.waiting.popleft()
                self._waiting_bytes -= _bytes(chunk)
                self._call_held_back()
                return chunk
        if reader.error is not None:
            raise reader.error
        return None

    def remove(self, *keys: Key) -> None:
        """Stop reading sources and close them, side by side: each may have to take leave of its server.

        One that is removed already is left alone.
        """
        if not self.owned:
            return
        with self._changed:
            readers = [self._readers.pop(key) for key in keys if key in self._readers]
            for reader in readers:
                reader.stopped = True
                self._waiting_bytes -= sum(map(_bytes, reader.waiting))
                reader.room.notify()
            self._call_held_back()
            self._changed.notify_all()
        if len(readers) == 1:
            readers[0].close()
        elif readers:
            with ThreadPoolExecutor(len(readers), "svlm-close") as closers:
                for closing in [closers.submit(reader.close) for reader in readers]:
                    closing.result()
        for reader in readers:
            if reader.thread is not None:
                reader.thread.join(JOIN_TIMEOUT_S)

    def close(self) -> None:
        """Remove all sources, one by one."""
        for key in list(self._readers):
            self.remove(key)

    def _wait_for_room(self, reader: _Reader, chunk: Chunk) -> None:
        reader.held_back = chunk
        reader.room.wait_for(lambda: reader.stopped or reader.drops() or self._takes(reader, chunk))
        reader.held_back = None

    def _takes(self, reader: _Reader, chunk: Chunk) -> bool:
        """Whether there is room for another chunk of this source."""
        if not reader.waiting:
            return True
        return len(reader.waiting) < READ_AHEAD_CHUNKS and self._waiting_bytes + _bytes(chunk) <= READ_AHEAD_BYTES

    def _call_held_back(self) -> None:
        """Wake those for whose chunks there is room, and nobody else: of many sources most have none."""
        for reader in self._readers.values():
            if reader.held_back is not None and self._takes(reader, reader.held_back):
                reader.room.notify()

    def _read(self, reader: _Reader) -> None:
        try:
            for chunk in reader.chunks:
                with self._changed:
                    self._wait_for_room(reader, chunk)
                    if reader.stopped:
                        return
                    self._waiting_bytes += _bytes(chunk)
                    if reader.drops() and reader.waiting:
                        self._waiting_bytes -= _bytes(reader.waiting[0])
                        reader.waiting.append(reader.drop_for(chunk))
                    else:
                        reader.waiting.append(chunk)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever takes
            reader.error = error
        finally:
            with self._changed:
                reader.ended = True
                self._changed.notify_all()


@contextmanager
def read_ahead(
    chunks: Iterator[Chunk], close: Callable[[], None], *, drops: Callable[[], bool] = lambda: False
) -> Iterator[Iterator[Chunk]]:
    """The chunks of one source, read in a thread of its own, so that decoding and the model overlap."""
    with closing(Inbox[None]()) as inbox:
        inbox.add(None, chunks, close, drops=drops)
        yield _taken(inbox)


def _taken(inbox: Inbox[None]) -> Iterator[Chunk]:
    while inbox.wait() and (chunk := inbox.take(None)) is not None:
        yield chunk


def _bytes(chunk: Chunk) -> int:
    """Of its pictures; one that is shown again takes no more."""
    return sum({id(picture): picture.nbytes for picture in chunk.frames}.values())
