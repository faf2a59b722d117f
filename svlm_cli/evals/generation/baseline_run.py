"""A run of the baseline over clips: those that are left are asked about, and what comes of each is told."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from svlm_cli.core.reporting import Reporter
from svlm_cli.core.signals import can_go_on
from svlm_cli.evals.generation.baseline import (
    BaselineAsker,
    BaselineForm,
    BaselineSpent,
    ClipOutcome,
    comments,
    write_comment,
)
from svlm_cli.evals.generation.job import GenerationJob
from svlm_cli.evals.generation.place import open_place

WHAT: Final = {"commentary": "clips", "livesports": "events"}


def run_baseline(
    job: GenerationJob,
    asker: BaselineAsker,
    form: BaselineForm,
    setting: Mapping[str, Any],
    reporter: Reporter,
    *,
    jobs: int,
    overwrite: bool,
) -> BaselineSpent:
    """Asks about all clips without a comment, `jobs` at once. Raises as `comments`, and `OutputError`."""
    spent, stretches = BaselineSpent(), job.found.stretches
    with open_place(job.output, job.open_predictions, setting, overwrite=overwrite) as place:
        if place.predictions.notice:
            reporter.tell(place.predictions.notice)
        left = [one for one in stretches if not place.predictions.is_done(one)]
        if len(left) < len(stretches):
            reporter.tell(f"{job.output}: {len(stretches) - len(left)} of {len(stretches)} are done.")
        found = comments(left, asker, form.sampling, jobs=jobs)
        with (
            can_go_on(reporter.tell),
            reporter.bar(WHAT[job.benchmark], len(left)) as advance,
            closing(found),
        ):
            for done, one in enumerate(found, 1):
                if one.outcome is ClipOutcome.SPOKEN:
                    write_comment(one, place.predictions)
                else:
                    where = f"{one.stretch.name} from {one.stretch.start_s:g} s"
                    reporter.warn(f"{where} is left without commentary: {one.said}.")
                spent.note(one)
                advance(done)
    spent.note_lost(asker)
    return spent
