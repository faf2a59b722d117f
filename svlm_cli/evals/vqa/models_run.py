"""Models that are asked one after the other: what each is asked is compared with its file before one is loaded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from svlm_cli.checkpoints.resolve import Checkpoint
from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.reporting import Reporter, once, warn_of
from svlm_cli.core.signals import can_go_on
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import Questions
from svlm_cli.engine.place import EnginePlace
from svlm_cli.evals.vqa.asked import WayOutcome
from svlm_cli.evals.vqa.model_job import ModelJob
from svlm_cli.evals.vqa.results import GrowingResults
from svlm_cli.evals.vqa.run import FoundQuestions, LoadedModel, ModelRun, WayListener

LoadCheckpoint = Callable[[Checkpoint, StreamPolicy, int, Questions], Engine]
"""A checkpoint, its policy, the number of streams and room for questions -> an engine."""


def warn_missing(found: FoundQuestions, reporter: Reporter) -> list[InputError]:
    """Tells which videos are not there, and returns that. Raises `InputError` if that is all of them."""
    missing = found.absent()
    if not found.asked and len(missing) == 1:
        raise missing[0]
    if not found.asked:
        raise InputError(f"None of {len(missing)} videos is there.", "Correct the folder, or fetch them.")
    for error in missing:
        warn_of(reporter, error)
    return missing


class ModelsRun:
    """One call's models."""

    def __init__(
        self,
        load: LoadCheckpoint,
        place: EnginePlace,
        reporter: Reporter,
        *,
        jobs: int,
        introduction: Callable[[StreamPolicy], Iterable[str]],
    ) -> None:
        """`jobs` streams side by side, or clips at once; `introduction` says what is going to speak."""
        self._load, self._place, self._reporter = load, place, reporter
        self._jobs, self._introduction = jobs, introduction

    def ask(self, models: Sequence[ModelJob], *, overwrite: bool) -> list[tuple[ModelJob, WayOutcome]]:
        """Asks all that is left. Raises `InputError` and `OutputError`, and what a model cannot."""
        with ExitStack() as stack:
            opened = [stack.enter_context(job.open(overwrite=overwrite)) for job in models]
            with can_go_on(self._reporter.tell):
                return [
                    (job, outcome)
                    for job, results in zip(models, opened, strict=True)
                    for outcome in self._ask_model(job, results)
                ]

    def _ask_model(self, job: ModelJob, results: GrowingResults) -> Iterator[WayOutcome]:
        """One way after the other, each told."""
        reporter = self._reporter
        if results.before.notice:
            reporter.tell(results.before.notice)
        for line in self._introduction(job.ways[0].policy):
            reporter.show(line)

        def load(policy: StreamPolicy, streams: int, room: Questions, model: LoadedModel | None) -> Engine:
            if model is None:
                return self._load(job.checkpoint, policy, streams, room)
            return model.engine(policy, streams, room, self._place.attention, graphs=self._place.graphs)

        run = ModelRun(results, job.what.interview, job.what.found, job.policy_with_room(), load)
        wanted = len(job.what.found.questions)
        told: set[str] = set()
        for setting in job.ways:
            left = len(run.left(setting))
            if left == 0:
                reporter.tell(f"{job.name}, {setting.way}: there is nothing left to ask.")
            elif left < len(job.what.found.asked):
                reporter.tell(f"{job.name}, {setting.way}: {wanted - left} of {wanted} questions are done.")
            with self._listener(job, max(left + len(job.what.found.missing), 1), told) as listener:
                outcome = run.ask(setting, self._jobs, listener)
            if left:
                share = outcome.right / outcome.answered if outcome.answered else 0.0
                reporter.tell(
                    f"{job.name}, {setting.way}: {outcome.answered} questions answered in {outcome.wall_s:.0f} s, "
                    f"{share:.3f} of them right; {outcome.failed} without a video that can be read."
                )
            yield outcome

    @contextmanager
    def _listener(self, job: ModelJob, questions: int, told: set[str]) -> Iterator[WayListener]:
        """What is `told` is not told again, whatever the way. Of a lone video the error ends the command."""
        reporter = self._reporter

        def fail(error: SvlmError) -> None:
            if job.what.videos > 1:
                once(lambda _: warn_of(reporter, error), told)(str(error))

        with reporter.counting("questions", questions) as advance:
            yield WayListener(once(reporter.tell, told), fail, advance)
