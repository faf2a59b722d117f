"""What the commands of ``svlm eval`` share: matches written down and played, with progress on stderr."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from svlm_cli.checkpoints.policy_changes import PolicyChanges
from svlm_cli.commands import options
from svlm_cli.commands.loading import checkpoint_of, settled
from svlm_cli.commands.messages import UnlessQuiet
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.tables import counting
from svlm_cli.core.policy import Mode, PolicyOverrides, StreamPolicy
from svlm_cli.core.types import Segment
from svlm_cli.outputs.destination import open_destination
from svlm_cli.outputs.jsonl import JsonlOutput

if TYPE_CHECKING:
    import torch

    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.engine.engine import Engine
    from svlm_cli.evals.controls import Controls
    from svlm_cli.evals.runner import Ended, MatchSelection, Played
    from svlm_cli.evals.script import Script


@dataclass(frozen=True, slots=True)
class PlayOptions(UnlessQuiet, options.PlaceOptions):
    """The options of a command that plays to a model."""

    model: options.Model = None
    adapter: options.Adapter = None
    matches: options.Matches = 1
    minutes: Annotated[float | None, Panel.MATCH.option(help="Of each.")] = None
    seed: options.MatchSeed = 0
    mode: options.ForgetsBy = None
    fps: options.Fps = None
    policy: options.PolicyFile = None
    policy_keys: options.PolicyKeys = None
    as_json: options.Json = False
    quiet: options.Quiet = False

    def tell_silent(self, what: str, ended: "Sequence[Ended]") -> None:
        """Streams that had no room for all of it."""
        for one in ended:
            self.show(f"svlm: The {what} of seed {one.seed} is silent from {one.at_s:g} s on: {one.why}")


@dataclass(frozen=True, slots=True)
class Ready:
    """A model that can be loaded, and how it is streamed: always the likeliest word."""

    checkpoint: "Checkpoint"
    policy: StreamPolicy
    device: "torch.device"
    dtype: "torch.dtype"

    def load(self, streams: int) -> "Engine":
        """The engine, for so many streams."""
        from svlm_cli.engine.engine import Engine

        one = self.checkpoint
        return Engine.load(
            one.folder, self.policy, device=self.device, dtype=self.dtype, adapter=one.adapter, max_streams=streams
        )


def ready(asked: PlayOptions, changes: PolicyChanges) -> Ready:
    """What the options name, fetched if need be. Raises `ModelError` and `UsageError`, before anything takes long."""
    from svlm_cli.compute.device import resolve_device, resolve_dtype

    device = resolve_device(asked.device)
    dtype = resolve_dtype(asked.dtype, device)
    checkpoint = checkpoint_of(settled(asked))
    usual = checkpoint.policy.changed(PolicyOverrides(mode=Mode.STREAMING))
    policy = changes.applied(usual, PolicyOverrides(mode=asked.mode, fps=asked.fps, temperature=0.0))
    return Ready(checkpoint, policy, device, dtype)


def write_matches(matches: Sequence[tuple[int, int]], *, quiet: bool) -> tuple[list["Script"], "Controls"]:
    """What there is to say in the matches, each a seed and its seconds; and the controls, which need no more."""
    from svlm_cli.evals.controls import run_controls
    from svlm_cli.evals.script import write_scripts

    with counting("scripts", len(matches), quiet=quiet) as advance:
        scripts = write_scripts(matches, advance)
    return scripts, run_controls(scripts)


def play_matches(
    engine: "Engine", setting: "MatchSelection", paths: Sequence[Path] = (), model: str = "", *, quiet: bool
) -> "Played":
    """Plays all matches; what the `model` says goes to `paths` as well, if there are any, a match a file."""
    from svlm_cli.evals.runner import play

    rounds = round(setting.seconds / engine.policy.chunk_seconds)
    batches = -(-setting.matches // engine.max_streams)
    with _saver(paths, model) as listen, counting("rounds", rounds * batches, quiet=quiet) as advance:

        def progress(done: int, round_s: float) -> None:
            advance(done, f"{round_s * 1000:.0f} ms the last")

        return play(engine, setting, listen=listen, progress=progress)


@contextmanager
def _saver(paths: Sequence[Path], model: str) -> Iterator[Callable[[int, Segment], None]]:
    """Writes each match's rounds as they come; what a run that was cut short has said is kept."""
    with ExitStack() as stack:
        files = []
        for path in paths:
            files.append(JsonlOutput(open_destination(path, overwrite=False), model))
            stack.callback(files[-1].close)
        yield lambda match, segment: files[match].write(segment) if files else None
