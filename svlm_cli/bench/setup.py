"""What a bench of streams measures, where, under which policy, and how much it is given to do. Knows no option."""

from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import torch

from svlm_cli.bench.latency import Load
from svlm_cli.bench.subject import Subject
from svlm_cli.checkpoints.policy_changes import PolicyChanges
from svlm_cli.compute import flash
from svlm_cli.compute.device import computing_dtype
from svlm_cli.compute.versions import versions
from svlm_cli.core.policy import Mode, PolicyOverrides, StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.place import EnginePlace

_PIXELS_PER_TOKEN: Final = 28 * 28  # in every release of the architecture
_Kind = TypeVar("_Kind", bound=Engine)


@dataclass(frozen=True, slots=True)
class BenchSetup:
    """All of it. `UsageError` from a method for a policy that cannot be."""

    subject: Subject
    place: EnginePlace
    load: Load
    changes: PolicyChanges
    fps: float | None = None
    vision_tokens: int | None = None
    pair_tokens: int | None = None  # the most visual tokens of a frame pair

    @property
    def usual_mode(self) -> Mode:
        """That of the benches that compare modes, where none is named."""
        usual = self.subject.policy.changed(PolicyOverrides(mode=Mode.STREAMING))
        return self.changes.applied(usual, PolicyOverrides(fps=self.fps)).mode

    def policy(self, mode: Mode | None = None) -> StreamPolicy:
        """The subject's own, but for what was asked for."""
        overrides = PolicyOverrides(
            mode=mode, fps=self.fps, max_new_tokens=self.load.tokens, vision_tokens=self.vision_tokens
        )
        policy = self.changes.applied(self.subject.policy, overrides)
        if self.pair_tokens is None:
            return policy
        pixels = self.pair_tokens * _PIXELS_PER_TOKEN
        vision = replace(policy.vision, min_pixels=min(policy.vision.min_pixels, pixels), max_pixels=pixels)
        return replace(policy, vision=vision)

    def engine(self, kind: type[_Kind], mode: Mode | None = None, *, max_streams: int = 1) -> _Kind:
        """An engine of that kind, under that policy."""
        return self.subject.engine(self.policy(mode), kind, self.place, max_streams=max_streams)

    def told(self) -> dict[str, Any]:
        """The setting of a report: of made-up pictures."""
        return self.told_of_video() | {"width": self.load.width, "height": self.load.height}

    def told_of_video(self) -> dict[str, Any]:
        """The setting of a report but for the pictures, which are a video's."""
        policy, device = self.policy(), self.place.device
        return {
            "model": self.subject.name,
            "device": str(device),
            "hardware": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "dtype": self.place.dtype_name,
            "attention": self.place.attention.value,
            "graphs": self.place.graphs,
            "fps": policy.vision.fps,
            "max_pixels": policy.vision.max_pixels,
            "vision_tokens": policy.windows.vision_tokens,
            "rounds": self.load.rounds,
            "tokens": self.load.tokens,
            "seed": self.load.seed,
            "versions": versions(torch.version.cuda),
        } | self.changes.told()


def with_kernel(place: EnginePlace) -> EnginePlace:
    """The place with the attention kernel that `auto` stands for. `UsageError` for one that cannot be used."""
    computing = computing_dtype(place.dtype, place.device)
    return replace(place, attention=flash.choose(place.attention, place.device, computing))
