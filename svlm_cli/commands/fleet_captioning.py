"""The options of ``svlm caption --fleet``: what does not go with it, and what they mean for workers elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from svlm_cli.checkpoints import policy_changes
from svlm_cli.cli.command import given
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.fleet_options import model_order, require_fleet
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import UsageError
from svlm_cli.core.logins import is_address
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.messages import WorkerOrder
from svlm_cli.fleet.planning import FleetPlan, plan_files
from svlm_cli.fleet.store import is_store
from svlm_cli.fleet.stored_planning import StoredPlan
from svlm_cli.fleet.video_work import VideoWork
from svlm_cli.outputs.live.showing import LiveMode
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.inputs import Input
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.sources.credentials import Credentials

_NO_LOGINS = Credentials(environment={})  # files need none, and it travels


def plan_fleet(asked: CaptionOptions, inputs: Sequence[Input], tell: Callable[[str], None]) -> FleetPlan:
    """The jobs of a call with a fleet. `UsageError` for what a fleet cannot do."""
    for option, wanted in (("--mux", asked.mux), ("--burn-in", asked.burn_in), ("--report", asked.report)):
        if wanted is not None:
            raise UsageError(f"{option} and --fleet do not go together.", f"Leave out --fleet to make {wanted}.")
    refuse_elsewhere(asked)
    return plan_files(inputs, asked.wanted(), words_of(asked), tell, StoredPlan.of(inputs, asked.output_dir))


def refuse_elsewhere(asked: CaptionOptions) -> None:
    """`UsageError` for what is not possible where workers do the work."""
    if asked.live.follow or asked.screen is LiveMode.ON:
        option = "--follow" if asked.live.follow else "--live on"
        raise UsageError(f"{option} and --fleet do not go together.", "Leave one of them out.")
    require_fleet(asked)


def refuse_devices(asked: CaptionOptions) -> None:
    """`UsageError` for cameras that a fleet cannot watch, and for what it cannot do with them."""
    if asked.live.input_format is not None:
        raise UsageError("A fleet watches cameras by their addresses, and devices have none.", "Leave --fleet out.")
    refuse_elsewhere(asked)


def in_stores(asked: CaptionOptions, listed: Sequence[Input]) -> bool:
    """Whether a video or the outputs are in a store. `UsageError` without a fleet."""
    named = [*(asked.sources or ()), *(one.source.reveal() for one in listed), asked.output_dir or ""]
    found = next((one for one in named if is_store(one)), None)
    if found is not None and asked.fleet is None:
        raise UsageError(f"{SourceAddress(found)} is in a store, which only a fleet reads.", "Add --fleet local.")
    live = next((one for one in named if is_address(str(one)) and not is_store(one)), None)
    if found is not None and live is not None:
        raise UsageError(
            f"{SourceAddress(str(live))} is watched live, and stores are for files.",
            "Make a call of its own, with a folder for --output-dir.",
        )
    return found is not None


def words_of(asked: CaptionOptions) -> str:
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
