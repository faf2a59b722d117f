"""What one call generates, of what, and where it goes; and what is told of it as it goes on.

Knows neither an engine nor where one runs.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.core.reporting import Reporter, once, warn_of
from svlm_cli.core.signals import can_go_on
from svlm_cli.evals.generation.place import PredictionPlace, open_place
from svlm_cli.evals.generation.predictions import Predictions
from svlm_cli.evals.generation.record import GenerationListener, GenerationOutcome, is_done, too_short
from svlm_cli.evals.generation.setting import StreamSetting
from svlm_cli.evals.generation.stretches import FoundStretches, VideoStretch

Generate = Callable[[PredictionPlace, GenerationListener], GenerationOutcome]
Prepare = Callable[[Sequence[VideoStretch]], Generate]
"""What is left to do -> what does it, with its model loaded. Raises what a call should end with."""


@dataclass(frozen=True, slots=True)
class GenerationJob:
    """Stretches of a benchmark's videos, and the file of their predictions."""

    benchmark: str
    annotations: Path
    output: Path
    found: FoundStretches
    open_predictions: Callable[[Path], Predictions]
    start_s: float | None = None
    chunk_s: float | None = None

    @property
    def wanted(self) -> int:
        """How many stretches were asked for."""
        return len(self.found.stretches) + len(self.found.missing)

    @property
    def alone(self) -> bool:
        """Whether there is one alone, whose error is the command's."""
        return self.wanted == 1

    def tell_found(self, reporter: Reporter) -> None:
        """Tells what is wrong with the files, and each video that is not there. `InputError` if that is all of them."""
        for line in self.found.notices:
            reporter.tell(line)
        missing = {str(error): error for error in self.found.missing}  # events have theirs in common
        if not self.found.stretches and len(missing) == 1:
            raise next(iter(missing.values()))
        for error in missing.values():
            warn_of(reporter, error)
        if not self.found.stretches:
            raise InputError(f"None of {len(missing)} videos is there.", "Correct --videos, or fetch them.")

    def to_json(self, outcome: GenerationOutcome, left: Sequence[VideoStretch]) -> dict[str, Any]:
        """For programs: what was done of what had been `left`."""
        return {
            "eval": self.benchmark,
            "output": str(self.output),
            "streams": self.wanted,
            "done": len(self.found.stretches) - len(left) + outcome.done,
            "failed": len(outcome.errors),
            "videos": len({one.video for one in left}),
            **outcome.to_json(),
        }


@dataclass(frozen=True, slots=True)
class StreamGeneration:
    """One call that generates with a streaming model."""

    job: GenerationJob
    setting: StreamSetting
    prepare: Prepare
    reporter: Reporter

    def run(self, *, overwrite: bool) -> tuple[GenerationOutcome, list[VideoStretch]]:
        """Generates what is left, and returns what came of it, and what had been left."""
        job, reporter = self.job, self.reporter
        with open_place(job.output, job.open_predictions, self.setting.to_json(), overwrite=overwrite) as place:
            if place.predictions.notice:
                reporter.tell(place.predictions.notice)
            for video, at_s in place.made_by.ended.items():
                reporter.tell(too_short(video, at_s))
            left = self._left(place)
            outcome = self._generate(place, left) if left else GenerationOutcome()
        outcome.errors += job.found.missing
        if left:
            events = job.benchmark == "livesports"
            what = f"{len(left)} events" if events else f"{len({one.video for one in left})} videos"
            reporter.tell(f"{what}, {outcome.sentence()}")
        return outcome, left

    def _left(self, place: PredictionPlace) -> list[VideoStretch]:
        """What is still to be done. Says so if that is not all."""
        job, stretches = self.job, self.job.found.stretches
        left = [one for one in stretches if not is_done(one, place)]
        if not left:
            place.rounds.remove(everything=True)  # of a run that was killed after its last line
            self.reporter.tell(f"{job.output} is complete: there is nothing to do.")
        elif place.rounds.path.exists() or len(left) < len(stretches):
            done = f"{len(stretches) - len(left)} of {len(stretches)} are done"
            self.reporter.tell(f"{job.output} goes on where it was: {done}.")
        return left

    def _generate(self, place: PredictionPlace, left: Sequence[VideoStretch]) -> GenerationOutcome:
        reporter, generate = self.reporter, self.prepare(left)

        def fail(error: SvlmError) -> None:
            if not self.job.alone:  # else it ends the command
                warn_of(reporter, error)

        with can_go_on(reporter.tell), self._progress(sum(one.end_s - one.start_s for one in left)) as progress:
            return generate(place, GenerationListener(once(reporter.tell, set()), fail, progress))

    @contextmanager
    def _progress(self, total_s: float) -> Iterator[Callable[[float, float], None]]:
        total = max(round(total_s), 1)
        with self.reporter.counting("seconds of video", total) as advance:
            yield lambda done_s, speed: advance(min(round(done_s), total), f"{speed:.1f} x real time")
