"""``svlm eval commentary generate`` and ``svlm eval livesports generate``: a model comments on a benchmark's videos.

The generating is in ``evals/generation/``, the files of the benchmarks in ``evals/benchmarks/``.
"""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from svlm_cli.checkpoints import policy_changes
from svlm_cli.commands import options
from svlm_cli.commands.auto_model import settled
from svlm_cli.commands.baseline import Backend, Jobs, ServerOptions, comment_on_clips, comment_on_events
from svlm_cli.commands.loading import checkpoint_of, introduction, load
from svlm_cli.commands.messages import UnlessQuiet, conclude, error_sentence, once
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.signals import Terminated
from svlm_cli.commands.tables import counting
from svlm_cli.commands.values import seconds_of
from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.core.policy import PolicyOverrides
from svlm_cli.outputs.destination import refuse_unwritable

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.core.policy import StreamPolicy
    from svlm_cli.evals.generation.predictions import Predictions
    from svlm_cli.evals.generation.run import GenerationOutcome, PredictionPlace
    from svlm_cli.evals.generation.setting import StreamSetting
    from svlm_cli.evals.generation.stretches import FoundStretches, VideoStretch

Output = Annotated[
    Path,
    Panel.OUTPUT.option(
        "--output",
        "-o",
        metavar="PRED.jsonl",
        help="The predictions. Those that are there are kept, and a run that was stopped goes on.",
        show_default=False,
    ),
]

Videos = Annotated[
    Path,
    Panel.INPUT.option(
        metavar="FOLDER",
        help="Where the videos are, in the folders that the file names, or without them.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class GenerateOptions(UnlessQuiet):
    """What the two ``generate`` commands share, in the order of the help."""

    backend: Backend = "svlm"
    streams: Jobs = None
    overwrite: Annotated[
        bool, Panel.OUTPUT.option("--overwrite", help="Begin anew, and lose what was predicted there.")
    ] = False
    model: options.Model = None
    adapter: options.Adapter = None
    query: options.Query = None
    seed: options.Seed = 0
    mode: options.ForgetsBy = None
    fps: options.Fps = None
    temperature: options.Temperature = None
    policy: options.PolicyFile = None
    policy_keys: options.PolicyKeys = None
    as_json: options.Json = False
    revision: options.Revision = None
    offline: options.Offline = False
    device: options.Device = "auto"
    dtype: options.Dtype = "auto"
    attention: options.Attention = "auto"
    graphs: options.Graphs = True
    quiet: options.Quiet = False


@dataclass(frozen=True, slots=True)
class _OfVideos:
    annotations: Annotated[
        Path,
        Panel.INPUT.option(
            metavar="FILE.jsonl",
            help="eval_all_metadata.jsonl of the benchmark; for --backend openai score_all_clips.jsonl.",
            show_default=False,
        ),
    ]
    videos: Videos
    output: Output
    start: Annotated[
        str,
        Panel.INPUT.option(metavar="TIME", help="Of each video: seconds, or [H:]MM:SS. It ends with its last word."),
    ] = "1000"
    chunk: Annotated[
        float | None,
        Panel.INPUT.option(
            metavar="SECONDS",
            help="A new stream every so often, which is told what people said before: the published protocol has 100.",
        ),
    ] = None
    asked: GenerateOptions = field(default_factory=GenerateOptions)
    server: ServerOptions = field(default_factory=ServerOptions)


@dataclass(frozen=True, slots=True)
class _OfEvents:
    events: Annotated[
        Path,
        Panel.INPUT.option(metavar="FILE", help="The events: JSON lines, a JSON list, or Parquet.", show_default=False),
    ]
    videos: Videos
    output: Output
    asked: GenerateOptions = field(default_factory=GenerateOptions)
    server: ServerOptions = field(default_factory=ServerOptions)


@options.takes(_OfVideos)
def generate_commentary(one: _OfVideos) -> None:
    """Let a model comment on whole games, each one stream, and write predictions for `judge`.

    A run that was stopped or killed goes on, by the same call, with the very next word.
    """
    from svlm_cli.evals.generation.predictions import CommentaryPredictions
    from svlm_cli.evals.generation.stretches import commentary_stretches

    start_s = seconds_of(one.start) or 0.0
    if one.chunk is not None and not (math.isfinite(one.chunk) and one.chunk >= 1):
        raise UsageError(f"--chunk {one.chunk:g} is no length for a stream.", "Give 1 s or more.")
    _refuse_places(one.videos, one.output)
    if one.asked.backend == "openai":
        comment_on_clips(one.asked, one.server, one.annotations, one.videos, one.output)
        return
    one.server.refuse()
    found = commentary_stretches(one.annotations, one.videos, start_s=start_s, chunk_s=one.chunk)
    job = _Job("commentary", one.asked, one.annotations, one.output, found, CommentaryPredictions, start_s, one.chunk)
    _generate(job)


@options.takes(_OfEvents)
def generate_livesports(one: _OfEvents) -> None:
    """Let a model comment on short events, each one stream, and write predictions for `judge`.

    A run that was stopped or killed goes on, by the same call, with the very next word.
    """
    from svlm_cli.evals.generation.predictions import EventPredictions
    from svlm_cli.evals.generation.stretches import event_stretches

    _refuse_places(one.videos, one.output)
    if one.asked.backend == "openai":
        comment_on_events(one.asked, one.server, one.events, one.videos, one.output)
        return
    one.server.refuse()
    found = event_stretches(one.events, one.videos)
    _generate(_Job("livesports", one.asked, one.events, one.output, found, EventPredictions))


@dataclass(frozen=True, slots=True)
class _Job:
    """What is generated, of what, and where it goes."""

    benchmark: str
    asked: GenerateOptions
    annotations: Path
    output: Path
    found: "FoundStretches"
    open_predictions: "Callable[[Path], Predictions]"
    start_s: float | None = None
    chunk_s: float | None = None

    @property
    def wanted(self) -> int:
        """How many stretches were asked for."""
        return len(self.found.stretches) + len(self.found.missing)

    @property
    def alone(self) -> bool:
        """Whether there is one alone, whose error is the command's."""
        return self.wanted == 1


def _refuse_places(videos: Path, output: Path) -> None:
    """Before anything is read. Raises `InputError` or `OutputError`."""
    if not videos.is_dir():
        raise InputError(f"There is no folder {videos}.", "Correct --videos.")
    refuse_unwritable(output, makes_folders=False, hint="Choose another -o.")


def _generate(job: _Job) -> None:
    from svlm_cli.evals.generation.run import GenerationOutcome, too_short

    asked, found = job.asked, job.found
    for line in found.notices:
        asked.tell(line)
    _tell_missing(job)
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    asked = settled(asked)
    checkpoint = checkpoint_of(asked)
    overrides = PolicyOverrides(mode=asked.mode, fps=asked.fps, temperature=asked.temperature)
    policy = changes.applied(checkpoint.policy, overrides)
    setting = _setting(job, checkpoint, policy)
    with _placed(job, setting) as place:
        for video, at_s in place.made_by.ended.items():
            asked.tell(too_short(video, at_s))
        left = _left(job, place)
        outcome = _speak(job, checkpoint, policy, place, left) if left else GenerationOutcome()
    outcome.errors += found.missing
    _tell(job, setting, outcome, left)
    conclude(outcome.errors, alone=job.alone)


def _tell_missing(job: _Job) -> None:
    """Each video that is not there. Raises `InputError` if that is all of them."""
    missing = {str(error): error for error in job.found.missing}  # events have theirs in common
    if not job.found.stretches and len(missing) == 1:
        raise next(iter(missing.values()))
    for error in missing.values():
        typer.echo(error_sentence(error), err=True)
    if not job.found.stretches:
        raise InputError(f"None of {len(missing)} videos is there.", "Correct --videos, or fetch them.")


def _setting(job: _Job, checkpoint: "Checkpoint", policy: "StreamPolicy") -> "StreamSetting":
    from svlm_cli.compute.device import dtype_name, resolve_device, resolve_dtype
    from svlm_cli.evals.claims.setting import fingerprint
    from svlm_cli.evals.generation.setting import StreamSetting
    from svlm_cli.jsonl.lines import fingerprint_of

    asked = job.asked
    return StreamSetting(
        job.benchmark,
        checkpoint.title,
        fingerprint(checkpoint.folder, checkpoint.adapter),
        dtype_name(resolve_dtype(asked.dtype, resolve_device(asked.device))),
        policy,
        policy.prompt.query if asked.query is None else asked.query,
        asked.seed,
        fingerprint_of(job.annotations),
        job.start_s,
        job.chunk_s,
    )


@contextmanager
def _placed(job: _Job, setting: "StreamSetting") -> "Iterator[PredictionPlace]":
    """The predictions, locked, by this setting. Raises `OutputError`, and `InputError` for what is there."""
    from svlm_cli.evals.generation.journal import RoundsFolder
    from svlm_cli.evals.generation.run import PredictionPlace
    from svlm_cli.evals.generation.setting import RunFile
    from svlm_cli.jsonl.locked_lines import empty

    rounds, made_by = RoundsFolder(job.output), RunFile(job.output)
    if job.asked.overwrite:
        empty(job.output)
        made_by.remove()
    with job.open_predictions(job.output) as predictions:
        known = made_by.path.exists()
        made_by.begin(setting.to_json())
        if not known:
            rounds.remove(everything=True)  # nobody knows by what those were said
        if predictions.notice:
            job.asked.tell(predictions.notice)
        yield PredictionPlace(predictions, rounds, made_by)


def _left(job: _Job, place: "PredictionPlace") -> "list[VideoStretch]":
    """What is still to be done. Says so if that is not all."""
    from svlm_cli.evals.generation.run import is_done

    stretches = job.found.stretches
    left = [one for one in stretches if not is_done(one, place)]
    if not left:
        job.asked.tell(f"{job.output} is complete: there is nothing to do.")
    elif place.rounds.path.exists() or len(left) < len(stretches):
        job.asked.tell(f"{job.output} goes on where it was: {len(stretches) - len(left)} of {len(stretches)} are done.")
    return left


def _speak(
    job: _Job, checkpoint: "Checkpoint", policy: "StreamPolicy", place: "PredictionPlace", left: "list[VideoStretch]"
) -> "GenerationOutcome":
    from svlm_cli.evals.generation.run import Generation, GenerationListener

    asked = job.asked
    for line in introduction(asked, policy, left[0].context):
        asked.show(line)
    streams = min(asked.streams or 1, len(left))
    engine = load(checkpoint, policy, asked, streams, asked.show)
    engine.open(query=asked.query).close()  # one that is too long is told now, and once

    def fail(error: SvlmError) -> None:
        if not job.alone:  # else it ends the command
            typer.echo(error_sentence(error), err=True)

    total_s = sum(one.end_s - one.start_s for one in left)
    try:
        with _progress(total_s, quiet=asked.quiet) as progress:
            telling = GenerationListener(once(asked.tell, set()), fail, progress)
            generation = Generation(engine, place, telling, seed=asked.seed, query=asked.query)
            return generation.generate(left, streams=streams)
    except (KeyboardInterrupt, Terminated):
        asked.tell("Stopped. The same call goes on where it was.")
        raise


@contextmanager
def _progress(total_s: float, *, quiet: bool) -> Iterator[Callable[[float, float], None]]:
    total = max(round(total_s), 1)
    with counting("seconds of video", total, quiet=quiet) as advance:
        yield lambda done_s, speed: advance(min(round(done_s), total), f"{speed:.1f} x real time")


def _tell(job: _Job, setting: "StreamSetting", outcome: "GenerationOutcome", left: "list[VideoStretch]") -> None:
    """The summary of what this call has done."""
    videos = {one.video for one in left}
    if left:
        what = f"{len(left)} events" if job.benchmark == "livesports" else f"{len(videos)} videos"
        job.asked.tell(
            f"{what}, {outcome.video_s:.0f} s of video in {outcome.wall_s:.0f} s: {outcome.speed:.1f} x real time; "
            f"{outcome.spoken} of {outcome.rounds} rounds spoken, {outcome.tokens} tokens."
        )
    if not job.asked.as_json:
        return
    done = len(job.found.stretches) - len(left) + outcome.done
    row: dict[str, Any] = {
        "eval": job.benchmark,
        "output": str(job.output),
        "streams": job.wanted,
        "done": done,
        "failed": len(outcome.errors),
        "videos": len(videos),
        "video_s": round(outcome.video_s, 3),
        "wall_s": round(outcome.wall_s, 3),
        "speed": round(outcome.speed, 3),
        "rounds": outcome.rounds,
        "spoken": outcome.spoken,
        "tokens": outcome.tokens,
        "setting": setting.to_json(),
    }
    typer.echo(json.dumps(row, separators=(",", ":"), allow_nan=False))
