"""What a camera worker is told when it begins: plain data that can be pickled. No torch, no Ray."""

from dataclasses import dataclass

from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.messages import ModelOrder
from svlm_cli.pipeline.settings import SessionSettings


@dataclass(frozen=True, slots=True)
class CameraOrder:
    """All that a worker must know beside its cameras."""

    model: ModelOrder
    policy: StreamPolicy
    settings: SessionSettings
    cameras: int  # of the whole call: neither more workers nor more streams are needed
    streams: int | None = None  # at once; None: as many as fit
