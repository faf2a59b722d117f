"""A connection's ffmpeg and clock by a script, for tests of what happens when; nothing runs, and nobody waits."""

import numpy as np

from svlm_cli.core.types import Picture
from svlm_cli.media.log import Log


class ScriptedPipe:
    """Pictures come at given times, and the server answers after a second or never. A wait only adds to the clock."""

    def __init__(self, *pictures_s: float, answers: bool = True) -> None:
        self._pictures_s = list(pictures_s)
        self._answers = answers
        self.now_s = 0.0
        self.log = Log()

    def monotonic(self) -> float:
        return self.now_s

    def time(self) -> float:
        return self.now_s

    def wait(self, timeout_s: float) -> bool:
        next_s = self._pictures_s[0] if self._pictures_s else float("inf")
        self.now_s = min(max(self.now_s, next_s), self.now_s + timeout_s)
        self.log.answered = self._answers and self.now_s >= 1
        return self.now_s >= next_s

    def read(self) -> Picture:
        self._pictures_s.pop(0)
        return np.zeros((2, 2, 3), np.uint8)

    def kill(self) -> None:
        self._pictures_s.clear()

    close = kill
