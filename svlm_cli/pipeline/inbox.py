"""Reads chunks from several sources, in one thread each, and hands them out as they arrive.

Queues are bounded, in chunks and in bytes. A slow reader holds its source back; if the source is live and cannot be
held back, the oldest waiting chunk is dropped and counted in the next one. An exception in a source is raised where its
chunk would have been taken. Knows no engine and no file.
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

READ_AHEAD_CHUNKS = 2  # one in use and one ready, so that decoding overlaps with the model
READ_AHEAD_BYTES = 256 * 1024 * 1024  # for all sources; when exceeded, each may have one waiting chunk
JOIN_TIMEOUT_S = 2.0


class _Reader:
    """One source: its thread, its waiting chunks, and how it ended."""

    def __init__(
        self, chunks: Iterator[Chunk], close: Callable[[], None], drops: Callable[[], bool], room: Condition
    ) -> None:
        self.chunks = chunks
        self.close = close
        self.drops = drops
        self.room = room  # notified when there may be room for the next chunk
        self.held_back: Chunk | None = None  # waits for room in the queue
        self.waiting: deque[Chunk] = deque()
        self.ended = False
        self.stopped = False
        self.error: BaseException | None = None
        self.thread: Thread | None = None  # None: not read ahead; `take` reads in its caller's thread

    @property
    def ready(self) -> bool:
        return bool(self.waiting) or self.ended or self.thread is None

    def drop_for(self, chunk: Chunk) -> Chunk:
        """Replace the waiting chunk by `chunk`, which counts what is lost."""
        lost = self.waiting.popleft()
        return replace(chunk, dropped=chunk.dropped + lost.dropped + len(lost.frames), gap_s=chunk.gap_s + lost.gap_s)


class Inbox(Owned, Generic[Key]):
    """The sources being read, by key."""

    def __init__(self) -> None:
        super().__init__()
        self._readers: dict[Key, _Reader] = {}
        self._lock = RLock()
        self._changed = Condition(self._lock)  # notified when a chunk is ready
        self._waiting_bytes = 0  # of all waiting chunks
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

        While `drops` is true, only the newest chunk waits and the source is never held back. With `ahead` false, chunks
        are read by `take`, in the thread that calls it.
        """
        reader = _Reader(chunks, close, drops, Condition(self._lock))
        if not ahead:
            self._readers[key] = reader
            return
        reader.thread = Thread(target=self._read, args=(reader,), name="svlm-source", daemon=True)
        self._readers[key] = reader
        reader.thread.start()

    def wait(self) -> list[Key]:
        """The sources from which `take` returns at once; waits for one, as long as there are sources.

        Returns early after `wake`, possibly with none.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._woken or not self._readers or any(reader.ready for reader in self._readers.values())
            )
            self._woken = False
            return [key for key, reader in self._readers.items() if reader.ready]

    def wake(self) -> None:
        """End the current wait, or else the next one. May be called from any thread."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def take(self, key: Key) -> Chunk | None:
        """The next chunk of a ready source; None once it has ended or is removed. Re-raises the source's exception."""
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
        """Stop reading sources and close them in parallel, because each may have to end a session with its server.

        Sources that are removed already are ignored.
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
        """Remove all sources, one after another."""
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
        """Wake only the readers whose chunks have room now: of many sources, most have none."""
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
        except BaseException as error:  # noqa: BLE001 - re-raised in `take`
            reader.error = error
        finally:
            with self._changed:
                reader.ended = True
                self._changed.notify_all()


@contextmanager
def read_ahead(
    chunks: Iterator[Chunk], close: Callable[[], None], *, drops: Callable[[], bool] = lambda: False
) -> Iterator[Iterator[Chunk]]:
    """The chunks of one source, read in a thread, so that decoding and the model overlap."""
    with closing(Inbox[None]()) as inbox:
        inbox.add(None, chunks, close, drops=drops)
        yield _taken(inbox)


def _taken(inbox: Inbox[None]) -> Iterator[Chunk]:
    while inbox.wait() and (chunk := inbox.take(None)) is not None:
        yield chunk


def _bytes(chunk: Chunk) -> int:
    """The bytes of its pictures, without repeated ones."""
    return sum({id(picture): picture.nbytes for picture in chunk.frames}.values())
