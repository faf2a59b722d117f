"""Chunks of several sources, read ahead by one thread each, handed out as they come.

Every queue is bounded, so a slow reader holds its source back. What a source raises is raised where its chunk would
have been taken. Knows no engine and no file.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

from svlm_cli.core.types import Chunk

Key = TypeVar("Key", bound=Hashable)

READ_AHEAD_CHUNKS = 2  # one being used, one ready: decoding overlaps the model, and memory stays small
JOIN_TIMEOUT_S = 5.0


class _Reader:
    """One source: its thread, its chunks that wait, and how it ended."""

    def __init__(self, chunks: Iterator[Chunk], close: Callable[[], None]) -> None:
        self.chunks = chunks
        self.close = close
        self.waiting: deque[Chunk] = deque()
        self.ended = False
        self.stopped = False
        self.error: BaseException | None = None
        self.thread: Thread | None = None

    @property
    def ready(self) -> bool:
        return bool(self.waiting) or self.ended


class Inbox(Generic[Key]):
    """The sources that are being read, by key."""

    def __init__(self) -> None:
        self._readers: dict[Key, _Reader] = {}
        self._changed = Condition()

    def add(self, key: Key, chunks: Iterator[Chunk], close: Callable[[], None]) -> None:
        """Start to read a source. `close`, called from another thread, makes `chunks` end."""
        reader = _Reader(chunks, close)
        reader.thread = Thread(target=self._read, args=(reader,), name="svlm-source", daemon=True)
        self._readers[key] = reader
        reader.thread.start()

    def wait(self) -> list[Key]:
        """The sources from which `take` returns at once; waits until there is one."""
        with self._changed:
            self._changed.wait_for(lambda: any(reader.ready for reader in self._readers.values()))
            return [key for key, reader in self._readers.items() if reader.ready]

    def take(self, key: Key) -> Chunk | None:
        """The next chunk of a source that is ready; None at its end; raises what the source raised."""
        reader = self._readers[key]
        with self._changed:
            if reader.waiting:
                chunk = reader.waiting.popleft()
                self._changed.notify_all()
                return chunk
        if reader.error is not None:
            raise reader.error
        return None

    def remove(self, key: Key) -> None:
        """Stop reading a source and close it."""
        reader = self._readers.pop(key)
        with self._changed:
            reader.stopped = True
            self._changed.notify_all()
        reader.close()
        assert reader.thread is not None, "every reader was started"
        reader.thread.join(JOIN_TIMEOUT_S)

    def _read(self, reader: _Reader) -> None:
        try:
            for chunk in reader.chunks:
                with self._changed:
                    self._changed.wait_for(lambda: reader.stopped or len(reader.waiting) < READ_AHEAD_CHUNKS)
                    if reader.stopped:
                        return
                    reader.waiting.append(chunk)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever takes
            reader.error = error
        finally:
            with self._changed:
                reader.ended = True
                self._changed.notify_all()
