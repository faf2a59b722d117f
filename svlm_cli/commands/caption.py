"""``svlm caption``: videos and cameras in, words out. Reads the options, and checks all that can be known by them."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from svlm_cli.cli.command import given
from svlm_cli.cli.messages import conclude
from svlm_cli.cli.takes import takes
from svlm_cli.cli.values import context_of
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.fleet_captioning import in_stores, order_of, plan_fleet, refuse_devices
from svlm_cli.commands.idle_options import CaptionCall, refuse_idle
from svlm_cli.commands.loading import checkpoint_of, introduction, load, settled
from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.core.sentences import error_sentence
from svlm_cli.fleet.captioning import FleetCaptioning
from svlm_cli.fleet.planning import FleetPlan
from svlm_cli.fleet.store import is_store
from svlm_cli.media.ffmpeg import file_address
from svlm_cli.outputs.destination import refuse_closed_output
from svlm_cli.outputs.live.showing import showing
from svlm_cli.outputs.summary import Summary, SummaryStyle, VideoState
from svlm_cli.pipeline.batch import Job, plan
from svlm_cli.pipeline.captioning import Captioning
from svlm_cli.pipeline.gauge import Gauge
from svlm_cli.pipeline.inputs import STDIN
from svlm_cli.pipeline.questions import QuestionDesk

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine

app = typer.Typer(add_completion=False)


@app.command()
@takes(CaptionOptions)
def caption(asked: CaptionOptions) -> None:
    """Caption videos and cameras: what the model says, second by second.

    Each video gets STEM.srt beside it, or other formats; several share one loaded model. Addresses (rtsp://...) and
    devices are watched, all at the same time, until Ctrl-C. Progress goes to stderr, `-o -` to stdout.
    """
    asked = replace(asked, context=context_of(asked.context))  # once, for it may be a pipe
    listed = asked.inputs() if asked.batch_file is not None else ()
    cameras = () if in_stores(asked, listed) else asked.cameras(listed)
    live = bool(cameras)
    fleet = None if live or asked.fleet is None else plan_fleet(asked, listed or asked.inputs(), asked.tell)
    jobs = fleet.jobs if fleet is not None else cameras or plan(listed or asked.inputs(), asked.wanted(), asked.tell)
    refuse_idle(CaptionCall.of(asked, jobs, live=live))
    if live and asked.fleet is not None:
        refuse_devices(asked)
    as_json = not live and _wants_json(asked, jobs)
    outputs = {job.source.reveal(): asked.output_names(job) for job in jobs}
    summary = Summary(outputs, outputs=outputs)
    with summary.written(typer.echo if as_json else None):
        errors = _caption(asked, jobs, summary, fleet, live=live)
    conclude(errors, alone=len(jobs) == 1)


def _caption(
    asked: CaptionOptions, jobs: Sequence[Job], summary: Summary, fleet: FleetPlan | None, *, live: bool
) -> Sequence[SvlmError]:
    """Returns what went wrong with some of the jobs."""
    try:
        if not live:
            _refuse_missing(jobs)
        unsettled, asked = asked, settled(asked, asked.context)
        products = () if live else asked.products(jobs)
    except InputError as error:
        if live or not asked.ignore_errors:
            raise
        summary.end(jobs[0].source.reveal(), VideoState.FAILED, error=error)
        typer.echo(error_sentence(error), err=True)
        return ()
    if not products and not any(job.targets for job in jobs):
        for job in jobs:
            summary.skip(job.source.reveal())
        what = jobs[0].name if len(jobs) == 1 else f"All {len(jobs)} videos"
        asked.tell(f"{what}: all requested outputs exist already.")
        return ()

    from svlm_cli.checkpoints import policy_changes

    wanted, gauge, desk = asked.showing(), Gauge(), QuestionDesk()
    screen = wanted.wants_screen(endless=live)  # what makes no sense is refused before anything is loaded
    settings = asked.settings(live=live, several=len(jobs) > 1)
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    checkpoint = checkpoint_of(asked)
    policy = asked.changed(checkpoint.policy, changes)
    told = introduction(unsettled, policy, asked.context)
    if asked.fleet is not None:
        with showing(wanted, gauge) as progress:
            if fleet is None:
                from svlm_cli.commands.fleet_watching import watch

                return watch(asked, jobs, settings, policy, checkpoint.folder, told, progress, summary)
            order = order_of(asked, settings, policy, jobs)
            spread = FleetCaptioning(fleet, settings, asked.call(live=False), progress=progress, summary=summary)
            spread.run(asked.fleet, order, checkpoint.folder, told)
            return spread.errors
    names = [job.name for job in jobs] if live else ()
    with showing(wanted, gauge, names=names, endless=live, ask=desk.ask) as progress:
        call = Captioning(
            jobs, settings, policy, asked.call(live=live), products=products, progress=progress, summary=summary
        )

        def load_engine(streams: int) -> "Engine":
            from svlm_cli.engine.footprint import Questions

            return load(checkpoint, policy, asked, streams, call.tell, Questions(forks=1 if screen else 0))

        try:
            call.run(load_engine, gauge, desk, told)
        except KeyboardInterrupt:
            if not progress.quit_asked or not call.whole:
                raise
    return call.errors


def _refuse_missing(jobs: Sequence[Job]) -> None:
    """`InputError` for a lone video that is not there: to open it takes seconds of imports."""
    path = jobs[0].source.reveal()
    if len(jobs) == 1 and path != STDIN and not is_store(path) and not os.path.lexists(path):
        file_address(path)


def _wants_json(asked: CaptionOptions, jobs: Sequence[Job]) -> bool:
    """Whether the summary goes to standard output. `UsageError` if words do, and somebody asks for both."""
    if asked.summary is not SummaryStyle.JSON:
        return False
    if any(target.path is None for job in jobs for target in job.targets):
        if given("summary"):
            raise UsageError(
                "--summary json and the words would both go to standard output.",
                "Write the words to files, with -o FILE or --output-dir.",
            )
        return False
    refuse_closed_output()
    return True
