"""One way of looking in one run: its questions, and where answers and errors go.

Knows neither how a video is looked at nor the terminal.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.interview import Interview
from svlm_cli.evals.vqa.results import VqaResult, unanswered
from svlm_cli.evals.vqa.ways import WaySetting

NEARLY_S: Final = 1.0  # headers, audio and video of a file end at slightly different times


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question and its video's location."""

    question: VideoQuestion
    footage: Footage


def too_short(footage: Footage) -> str:
    """A sentence about a video that ends before the last question about it."""
    name = plain_text(str(footage.path))
    return f"{name} is over before all questions about it are asked: those are asked at its end."


@dataclass(slots=True)
class WayOutcome:
    """The outcome of a way of looking."""

    way: str
    answered: int = 0
    failed: int = 0
    right: int = 0
    wall_s: float = 0.0
    errors: list[SvlmError] = field(default_factory=list)  # one per video


@dataclass(frozen=True, slots=True)
class WayRun:
    """What a way of looking needs from the run."""

    setting: WaySetting
    interview: Interview
    write: Callable[[VqaResult], None]
    notice: Callable[[str], None]
    failure: Callable[[SvlmError], None]
    progress: Callable[[int], None]  # number of questions done
    outcome: WayOutcome

    def take(self, result: VqaResult) -> None:
        """Record a result. Raises `OutputError`."""
        self.write(result)
        outcome = self.outcome
        outcome.answered += not result.failed
        outcome.failed += bool(result.failed)
        outcome.right += result.right
        self.progress(outcome.answered + outcome.failed)

    def fail(self, questions: Sequence[VideoQuestion], error: SvlmError) -> None:
        """Record questions that cannot be answered, for one reason: wrong, and asked again by the next run."""
        self.outcome.errors.append(error)
        self.failure(error)
        for one in questions:
            self.take(unanswered(one, self.setting.way, error.message))

    def timed(self, ask: Callable[[], None]) -> WayOutcome:
        """The outcome of `ask`, with its duration, even if it is interrupted."""
        started = time.monotonic()
        try:
            ask()
        finally:
            self.outcome.wall_s = time.monotonic() - started
        return self.outcome
