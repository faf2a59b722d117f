"""``svlm caption --fleet`` for cameras: what its options mean for workers. Imported only where they are watched so."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.fleet_captioning import words_of
from svlm_cli.commands.fleet_options import model_order
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.cameras.memory import CameraMemory
from svlm_cli.fleet.cameras.order import CameraOrder
from svlm_cli.fleet.cameras.watching import FleetWatching
from svlm_cli.fleet.manifest import kept_name
from svlm_cli.outputs.progress import Progress
from svlm_cli.outputs.summary import Summary
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.cameras import refuse_taken
from svlm_cli.pipeline.settings import SessionSettings


def watch(
    asked: CaptionOptions,
    jobs: Sequence[Job],
    settings: SessionSettings,
    policy: StreamPolicy,
    folder: Path,
    told: Iterable[str],
    progress: Progress,
    summary: Summary,
) -> Sequence[SvlmError]:
    """Watch cameras by a fleet. The checkpoint is in `folder` here. Returns what went wrong with some of them."""
    assert asked.fleet is not None
    with CameraMemory(_memory_path(asked, jobs)) as memory:
        if not memory.interrupted and not asked.overwrite:
            refuse_taken(jobs)
        watching = FleetWatching(jobs, settings, asked.call(live=True), memory, progress=progress, summary=summary)
        watching.run(asked.fleet, _order_of(asked, settings, policy, jobs), folder, told)
    return watching.errors


def _memory_path(asked: CaptionOptions, jobs: Sequence[Job]) -> Path:
    """Where a call remembers its cameras: in --output-dir, else in the current folder."""
    cameras = [(job.name, job.source.reveal()) for job in jobs]
    return Path(asked.output_dir or "") / f"{kept_name(repr((words_of(asked), cameras, asked.live)))}.db"


def _order_of(
    asked: CaptionOptions, settings: SessionSettings, policy: StreamPolicy, jobs: Sequence[Job]
) -> CameraOrder:
    """What each worker is told of cameras. A fleet always waits for them: one that is away now may come back."""
    settings = replace(settings, sources=replace(settings.sources, waits=True))
    return CameraOrder(model_order(asked, asked.dtype), policy, settings, cameras=len(jobs))
