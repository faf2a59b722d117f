"""What the benches of streams share: their options, and what is measured, where, and how much it is given to do.

Knows no measuring.
"""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from svlm_cli.checkpoints import policy_changes
from svlm_cli.checkpoints.policy_changes import PolicyChanges
from svlm_cli.commands import options
from svlm_cli.commands.command import given
from svlm_cli.commands.loading import settled_name
from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode, PolicyOverrides, StreamPolicy

if TYPE_CHECKING:
    import torch

    from svlm_cli.bench.latency import Load
    from svlm_cli.bench.subject import Place, Subject

_PIXELS_PER_TOKEN = 28 * 28  # in every release of the architecture


Size = Annotated[str, Panel.MEASURING.option("--size", metavar="WxH", help="Of the made-up pictures.")]


@dataclass(frozen=True, slots=True)
class BenchOptions(options.EngineOptions):
    """The options that all benches of streams share."""

    model: options.Model = None
    random_weights: Annotated[
        str | None,
        Panel.MODEL.option(metavar="3b|7b", help="Instead of a model: Qwen2.5-VL of that size, with random weights."),
    ] = None
    seed: options.Seed = 0
    tokens: Annotated[int, Panel.MEASURING.option(min=1, help="Generated in every round, no more and no fewer.")] = 20
    fps: options.Fps = None
    policy: options.PolicyFile = None
    policy_keys: options.PolicyKeys = None
    pair_tokens: Annotated[
        int | None,
        Panel.MEASURING.option(min=4, help="At most so many visual tokens a frame pair.", show_default="the model's"),
    ] = None
    vision_tokens: Annotated[
        int | None,
        Panel.MEASURING.option(min=0, help="At most so many in the vision window.", show_default="the model's"),
    ] = None
    size: Size = "1280x720"
    as_json: options.Json = False
    quiet: options.Quiet = False


@dataclass(frozen=True, slots=True)
class StreamSetup:
    """What is measured, where, and how much it is given to do."""

    asked: BenchOptions
    subject: "Subject"
    place: "Place"
    load: "Load"
    changes: PolicyChanges

    @classmethod
    def of(cls, asked: BenchOptions, rounds: int) -> "StreamSetup":
        """`UsageError` if the options contradict each other or this machine."""
        width, height = size_of(asked.size)
        if asked.random_weights is not None and given("model"):
            raise UsageError("A model has weights of its own.", "Leave out --model, or --random-weights.")
        changes = _changes(asked)
        from svlm_cli.bench.latency import Load
        from svlm_cli.bench.subject import Place, Subject
        from svlm_cli.compute import flash
        from svlm_cli.compute.device import computing_dtype, resolve_device, resolve_dtype

        where = resolve_device(asked.device)
        dtype = resolve_dtype(asked.dtype, where)
        kernel = flash.choose(flash.AttentionKernel(asked.attention), where, computing_dtype(dtype, where))
        if asked.random_weights is None:
            model = settled_name(asked.model, asked)
            subject = Subject.named(model, asked.revision, offline=asked.offline, quiet=asked.quiet)
        else:
            subject = Subject.random(asked.random_weights)
        load = Load(rounds, asked.tokens, width, height, asked.seed)
        return cls(asked, subject, Place(where, dtype, kernel, asked.graphs), load, changes)

    @property
    def usual_mode(self) -> Mode:
        """That of the benches that compare modes, where none is named."""
        usual = self.subject.policy.changed(PolicyOverrides(mode=Mode.STREAMING))
        return self.changes.applied(usual, PolicyOverrides(fps=self.asked.fps)).mode

    def policy(self, mode: Mode | None = None) -> StreamPolicy:
        """The subject's own, but for what was asked for."""
        asked = self.asked
        overrides = PolicyOverrides(
            mode=mode, fps=asked.fps, max_new_tokens=asked.tokens, vision_tokens=asked.vision_tokens
        )
        policy = self.changes.applied(self.subject.policy, overrides)
        if asked.pair_tokens is None:
            return policy
        pixels = asked.pair_tokens * _PIXELS_PER_TOKEN
        vision = replace(policy.vision, min_pixels=min(policy.vision.min_pixels, pixels), max_pixels=pixels)
        return replace(policy, vision=vision)

    def require_made_up(self) -> None:
        """`UsageError` if --size was asked for where a video has its own."""
        if given("size"):
            raise UsageError("A video has a size of its own.", "Leave out --size, or the video.")

    def told(self) -> dict[str, Any]:
        """The setting of a report: of made-up pictures."""
        return self.told_of_video() | {"width": self.load.width, "height": self.load.height}

    def told_of_video(self) -> dict[str, Any]:
        """The setting of a report but for the pictures, which are a video's."""
        import torch

        from svlm_cli.compute.device import dtype_name
        from svlm_cli.compute.versions import versions

        policy = self.policy()
        return {
            "model": self.subject.name,
            "device": str(self.place.device),
            "hardware": _hardware(self.place.device),
            "dtype": dtype_name(self.place.dtype),
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


def _changes(asked: BenchOptions) -> PolicyChanges:
    if policy_changes.read(single=asked.policy_keys or ()).asks("sampling.max_new_tokens"):
        raise UsageError("A bench generates --tokens in every round.", "Give --tokens, not --set.")
    return policy_changes.read(asked.policy, asked.policy_keys or ())


def _hardware(device: "torch.device") -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def size_of(text: str) -> tuple[int, int]:
    """Width and height; `UsageError` if it is none."""
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None:
        raise UsageError(f"A size looks like 1280x720, not like {text}.")
    return int(match[1]), int(match[2])
