"""The options of ``svlm caption --fleet``: what does not go with it, and what they mean for workers elsewhere."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from svlm_cli.checkpoints import policy_changes
from svlm_cli.cli.command import given
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.fleet_options import model_order, require_fleet
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.cameras.order import CameraOrder
from svlm_cli.fleet.messages import WorkerOrder
from svlm_cli.fleet.planning import FleetPlan, plan_files
from svlm_cli.fleet.video_work import VideoWork
from svlm_cli.media.locked import refuse_existing
from svlm_cli.outputs.live.showing import LiveMode
from svlm_cli.outputs.rotation import fixed_name
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.inputs import Input
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.sources.credentials import Credentials

_DIGITS = 12
_NO_LOGINS = Credentials(environment={})  # files need none, and it travels


def plan_fleet(asked: CaptionOptions, inputs: Sequence[Input], tell: Callable[[str], None]) -> FleetPlan:
    """The jobs of a call with a fleet. `UsageError` for what a fleet cannot do."""
    for option, wanted in (("--mux", asked.mux), ("--burn-in", asked.burn_in), ("--report", asked.report)):
        if wanted is not None:
            raise UsageError(f"{option} and --fleet do not go together.", f"Leave out --fleet to make {wanted}.")
    _refuse_elsewhere(asked)
    return plan_files(inputs, asked.wanted(), _words_of(asked), tell)


def _refuse_elsewhere(asked: CaptionOptions) -> None:
    """`UsageError` for what is not possible where workers do the work."""
    if asked.live.follow or asked.screen is LiveMode.ON:
        option = "--follow" if asked.live.follow else "--live on"
        raise UsageError(f"{option} and --fleet do not go together.", "Leave one of them out.")
    require_fleet(asked)


def refuse_devices(asked: CaptionOptions) -> None:
    """`UsageError` for cameras that a fleet cannot watch, and for what it cannot do with them."""
    if asked.live.input_format is not None:
        raise UsageError("A fleet watches cameras by their addresses, and devices have none.", "Leave --fleet out.")
    _refuse_elsewhere(asked)


def memory_path(asked: CaptionOptions, jobs: Sequence[Job]) -> Path:
    """Where a call remembers its cameras: in --output-dir, else in the current folder."""
    cameras = [(job.name, job.source.reveal()) for job in jobs]
    told = repr((_words_of(asked), cameras, asked.live)).encode(errors="surrogateescape")
    return Path(asked.output_dir or "") / f".svlm-fleet-{hashlib.sha256(told).hexdigest()[:_DIGITS]}.db"


def refuse_taken(asked: CaptionOptions, jobs: Sequence[Job]) -> None:
    """`OutputExistsError` for a file that is there, and does not come from a call that was killed."""
    paths = [fixed_name(one.path) for job in jobs for one in job.targets if one.path is not None]
    if not asked.overwrite:
        for path in filter(None, paths):
            refuse_existing(path)


def _words_of(asked: CaptionOptions) -> str:
    """All that decides about the words, and how they are written."""
    settings, sources = asked.settings(live=False, several=True), asked.source_options()
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    said = (sources.start_s, sources.end_s, sources.decoder, settings.query, settings.context, settings.seed)
    model = (asked.model, asked.adapter, asked.revision, asked.dtype)
    policy = (changes.tables, asked.mode, asked.fps, asked.keep_query, asked.temperature)
    form = (asked.formats, asked.output, asked.output_dir, settings.style, settings.encoding, settings.raw_tsv)
    return repr((said, model, policy, form))


def order_of(
    asked: CaptionOptions, settings: SessionSettings, policy: StreamPolicy, jobs: Sequence[Job]
) -> WorkerOrder:
    """What each worker is told of files."""
    work = VideoWork(replace(settings, sources=replace(settings.sources, credentials=_NO_LOGINS)))
    streams = asked.streams if given("streams") or asked.streams > 1 else None
    return WorkerOrder(model_order(asked, asked.dtype), policy, work, Path.cwd(), streams, len(jobs))


def camera_order_of(
    asked: CaptionOptions, settings: SessionSettings, policy: StreamPolicy, jobs: Sequence[Job]
) -> CameraOrder:
    """What each worker is told of cameras. A fleet always waits for them: one that is away now may come back."""
    settings = replace(settings, sources=replace(settings.sources, waits=True))
    return CameraOrder(model_order(asked, asked.dtype), policy, settings, cameras=len(jobs))
