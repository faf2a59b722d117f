"""Matches that are played to a model, scored and saved, told as it goes on. Knows no option."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svlm_cli.checkpoints.policy_changes import PolicyChanges
from svlm_cli.checkpoints.resolve import Checkpoint
from svlm_cli.core.errors import OutputExistsError
from svlm_cli.core.policy import Mode, PolicyOverrides, StreamPolicy
from svlm_cli.core.reporting import Reporter
from svlm_cli.core.types import Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.place import EnginePlace
from svlm_cli.evals.report import EvaluationReport, score
from svlm_cli.evals.runner import MatchSelection, Played, describe, play
from svlm_cli.evals.scoring import write_matches
from svlm_cli.outputs.destination import make_folder, open_destination
from svlm_cli.outputs.jsonl import JsonlOutput


@dataclass(frozen=True, slots=True)
class PlayedModel:
    """A model that can be loaded, and how it is streamed: always the likeliest word."""

    checkpoint: Checkpoint
    policy: StreamPolicy
    place: EnginePlace

    @classmethod
    def of(
        cls, checkpoint: Checkpoint, changes: PolicyChanges, place: EnginePlace, *, mode: Mode | None, fps: float | None
    ) -> "PlayedModel":
        """As the mode `streaming` has it, but for what is asked for. Raises `UsageError`."""
        usual = checkpoint.policy.changed(PolicyOverrides(mode=Mode.STREAMING))
        policy = changes.applied(usual, PolicyOverrides(mode=mode, fps=fps, temperature=0.0))
        return cls(checkpoint, policy, place)

    def load(self, streams: int) -> Engine:
        """The engine, for so many streams."""
        one = self.checkpoint
        return self.place.load(one.folder, self.policy, adapter=one.adapter, max_streams=streams)


def play_matches(
    engine: Engine, setting: MatchSelection, reporter: Reporter, paths: Sequence[Path] = (), model: str = ""
) -> Played:
    """Plays all matches; what the `model` says goes to `paths` as well, if there are any, a match a file."""
    rounds = round(setting.seconds / engine.policy.chunk_seconds)
    batches = -(-setting.matches // engine.max_streams)
    with _saver(paths, model) as listen, reporter.counting("rounds", rounds * batches) as advance:

        def progress(done: int, round_s: float) -> None:
            advance(done, f"{round_s * 1000:.0f} ms the last")

        return play(engine, setting, listen=listen, progress=progress)


def play_and_score(
    model: PlayedModel, setting: MatchSelection, reporter: Reporter, paths: Sequence[Path] = ()
) -> tuple[EvaluationReport, Played, dict[str, Any]]:
    """The model on all matches, in one batch; and the setting of the report."""
    scripts, controls = write_matches([(one, setting.seconds) for one in setting.seeds], reporter)
    engine, name = model.load(setting.matches), model.checkpoint.name
    played = play_matches(engine, setting, reporter, paths, name)
    return score(scripts, played.texts(setting.seconds), controls), played, describe(name, engine, setting)


def new_files(folder: Path, setting: MatchSelection) -> list[Path]:
    """Where each match's words go; `OutputExistsError`, before anything is played, if one is there already."""
    paths = [folder / f"match-{seed}.jsonl" for seed in setting.seeds]
    make_folder(folder, "Choose another for --save.")
    for path in paths:
        if path.exists():
            raise OutputExistsError(f"{path} exists already.", "Choose another folder for --save.")
    return paths


@contextmanager
def _saver(paths: Sequence[Path], model: str) -> Iterator[Callable[[int, Segment], None]]:
    """Writes each match's rounds as they come; what a run that was cut short has said is kept."""
    with ExitStack() as stack:
        files = []
        for path in paths:
            files.append(JsonlOutput(open_destination(path, overwrite=False), model))
            stack.callback(files[-1].close)
        yield lambda match, segment: files[match].write(segment) if files else None
