"""A live source that is read in a thread of its own, as a camera is, for tests to look at."""

import threading
import time
from collections.abc import Callable
from typing import Self

from svlm_cli.core.events import SourceStatus, State
from svlm_cli.core.types import Frame
from svlm_cli.media.ffmpeg import Address, find_ffmpeg
from svlm_cli.media.network import network_address
from svlm_cli.sources.live import LiveOptions, LiveStream
from svlm_cli.sources.playlist import Following

FPS = 8  # of the server of the tests, which look at half of them


class Watched:
    """Reads a source until the context is left; keeps the frames without their pictures' memory, and what was told."""

    def __init__(
        self,
        source: str | Address,
        *,
        fps: float = 4,
        options: LiveOptions | None = None,
        following: Following | None = None,
    ) -> None:
        address = network_address(source) if isinstance(source, str) else source
        self.told: list[SourceStatus] = []
        self.frames: list[Frame] = []
        self.pauses: list[int] = []  # how many frames had come, each time that no other followed for a while
        self.error: Exception | None = None
        self.stream = LiveStream(
            find_ffmpeg(),
            address,
            fps=fps,
            options=options or LiveOptions(),
            following=following,
            tell=self.told.append,
        )
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        try:
            for frame in self.stream:
                if frame is None:
                    self.pauses.append(len(self.frames))
                else:
                    self.frames.append(frame)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def wait_for(self, what: Callable[[], object], timeout_s: float = 60) -> None:
        """Until it is so; fails after the time."""
        until = time.monotonic() + timeout_s
        while not what():
            assert time.monotonic() < until, (self.told[-3:], len(self.frames), self.error)
            time.sleep(0.02)

    def wait_for_frames(self, count: int, timeout_s: float = 60) -> None:
        """Until so many more have come."""
        target = len(self.frames) + count
        self.wait_for(lambda: len(self.frames) >= target, timeout_s)

    def wait_for_state(self, state: State, timeout_s: float = 60) -> None:
        """Until it is in that state."""
        self.wait_for(lambda: self.stream.status.state is state, timeout_s)

    def wait_for_end(self, timeout_s: float = 60) -> None:
        """Until nothing more comes."""
        self._thread.join(timeout_s)
        assert not self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self._thread.join(60)
        assert not self._thread.is_alive()
