"""The options of ``svlm caption --fleet`` for cameras: what does not go with it, and what they mean for workers."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.commands.fleet_captioning import refuse_elsewhere, words_of
from svlm_cli.commands.fleet_options import model_order
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.cameras.order import CameraOrder
from svlm_cli.media.locked import refuse_existing
from svlm_cli.outputs.rotation import fixed_name
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.settings import SessionSettings

_DIGITS: Final = 12


def refuse_devices(asked: CaptionOptions) -> None:
    """`UsageError` for cameras that a fleet cannot watch, and for what it cannot do with them."""
    if asked.live.input_format is not None:
        raise UsageError("A fleet watches cameras by their addresses, and devices have none.", "Leave --fleet out.")
    refuse_elsewhere(asked)


def memory_path(asked: CaptionOptions, jobs: Sequence[Job]) -> Path:
    """Where a call remembers its cameras: in --output-dir, else in the current folder."""
    cameras = [(job.name, job.source.reveal()) for job in jobs]
    told = repr((words_of(asked), cameras, asked.live)).encode(errors="surrogateescape")
    return Path(asked.output_dir or "") / f".svlm-fleet-{hashlib.sha256(told).hexdigest()[:_DIGITS]}.db"


def refuse_taken(asked: CaptionOptions, jobs: Sequence[Job]) -> None:
    """`OutputExistsError` for a file that is there, and does not come from a call that was killed."""
    paths = [fixed_name(one.path) for job in jobs for one in job.targets if one.path is not None]
    if not asked.overwrite:
        for path in filter(None, paths):
            refuse_existing(path)


def camera_order_of(
    asked: CaptionOptions, settings: SessionSettings, policy: StreamPolicy, jobs: Sequence[Job]
) -> CameraOrder:
    """What each worker is told of cameras. A fleet always waits for them: one that is away now may come back."""
    settings = replace(settings, sources=replace(settings.sources, waits=True))
    return CameraOrder(model_order(asked, asked.dtype), policy, settings, cameras=len(jobs))
