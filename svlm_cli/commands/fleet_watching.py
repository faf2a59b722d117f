"""The options of ``svlm caption --fleet`` for cameras: what does not go with it, and what they mean for workers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.fleet_captioning import refuse_elsewhere, words_of
from svlm_cli.commands.fleet_options import model_order
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.cameras.memory import memory_in
from svlm_cli.fleet.cameras.order import CameraOrder
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.settings import SessionSettings


def refuse_devices(asked: CaptionOptions) -> None:
    """`UsageError` for cameras that a fleet cannot watch, and for what it cannot do with them."""
    if asked.live.input_format is not None:
        raise UsageError("A fleet watches cameras by their addresses, and devices have none.", "Leave --fleet out.")
    refuse_elsewhere(asked)


def memory_path(asked: CaptionOptions, jobs: Sequence[Job]) -> Path:
    """Where a call remembers its cameras: in --output-dir, else in the current folder."""
    cameras = [(job.name, job.source.reveal()) for job in jobs]
    return memory_in(Path(asked.output_dir or ""), repr((words_of(asked), cameras, asked.live)))


def camera_order_of(
    asked: CaptionOptions, settings: SessionSettings, policy: StreamPolicy, jobs: Sequence[Job]
) -> CameraOrder:
    """What each worker is told of cameras. A fleet always waits for them: one that is away now may come back."""
    settings = replace(settings, sources=replace(settings.sources, waits=True))
    return CameraOrder(model_order(asked, asked.dtype), policy, settings, cameras=len(jobs))
