"""``svlm eval commentary generate`` and ``svlm eval livesports generate``: a model comments on a benchmark's videos.

The generating is in ``evals/generation/``, the files of the benchmarks in ``evals/benchmarks/``.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from svlm_cli.checkpoints import policy_changes
from svlm_cli.commands import baseline, options
from svlm_cli.commands.generate_options import GenerationJob, OfEvents, OfVideos
from svlm_cli.commands.loading import checkpoint_of, introduction, load, settled
from svlm_cli.commands.messages import conclude
from svlm_cli.commands.tables import counting, print_json
from svlm_cli.commands.values import seconds_of
from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.core.policy import PolicyOverrides
from svlm_cli.core.reporting import once
from svlm_cli.core.sentences import error_sentence
from svlm_cli.core.signals import can_go_on
from svlm_cli.outputs.destination import refuse_unwritable

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.core.policy import StreamPolicy
    from svlm_cli.evals.generation.place import PredictionPlace
    from svlm_cli.evals.generation.run import GenerationOutcome
    from svlm_cli.evals.generation.setting import StreamSetting
    from svlm_cli.evals.generation.stretches import VideoStretch


@options.takes(OfVideos)
def generate_commentary(one: OfVideos) -> None:
    """Let a model comment on whole games, each one stream, and write predictions for `judge`.

    A run that was stopped or killed goes on, by the same call, with the very next word.
    """
    from svlm_cli.evals.generation.clips import ClipPredictions, clip_stretches
    from svlm_cli.evals.generation.predictions import CommentaryPredictions
    from svlm_cli.evals.generation.stretches import commentary_stretches

    start_s = seconds_of(one.start) or 0.0
    if one.chunk is not None and not (math.isfinite(one.chunk) and one.chunk >= 1):
        raise UsageError(f"--chunk {one.chunk:g} is no length for a stream.", "Give 1 s or more.")
    _refuse_places(one.videos, one.output)
    job = partial(GenerationJob, "commentary", one.asked, one.server, one.annotations, one.output)
    if one.asked.backend == "openai":
        clips = clip_stretches(one.annotations, one.videos)
        baseline.generate(job(clips, partial(ClipPredictions, clips=clips.stretches)))
        return
    one.server.refuse()
    found = commentary_stretches(one.annotations, one.videos, start_s=start_s, chunk_s=one.chunk)
    _generate(job(found, CommentaryPredictions, start_s, one.chunk))


@options.takes(OfEvents)
def generate_livesports(one: OfEvents) -> None:
    """Let a model comment on short events, each one stream, and write predictions for `judge`.

    A run that was stopped or killed goes on, by the same call, with the very next word.
    """
    from svlm_cli.evals.generation.predictions import EventPredictions
    from svlm_cli.evals.generation.stretches import event_stretches

    _refuse_places(one.videos, one.output)
    found = event_stretches(one.events, one.videos)
    job = GenerationJob("livesports", one.asked, one.server, one.events, one.output, found, EventPredictions)
    if one.asked.backend == "openai":
        baseline.generate(job)
        return
    one.server.refuse()
    _generate(job)


def _refuse_places(videos: Path, output: Path) -> None:
    """Before anything is read. Raises `InputError` or `OutputError`."""
    if not videos.is_dir():
        raise InputError(f"There is no folder {videos}.", "Correct --videos.")
    refuse_unwritable(output, makes_folders=False, hint="Choose another -o.")


def _generate(job: GenerationJob) -> None:
    from svlm_cli.evals.generation.place import open_place
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
    with open_place(job.output, job.open_predictions, setting.to_json(), overwrite=asked.overwrite) as place:
        if place.predictions.notice:
            asked.tell(place.predictions.notice)
        for video, at_s in place.made_by.ended.items():
            asked.tell(too_short(video, at_s))
        left = _left(job, place)
        outcome = _speak(job, checkpoint, policy, place, left) if left else GenerationOutcome()
    outcome.errors += found.missing
    _tell(job, setting, outcome, left)
    conclude(outcome.errors, alone=job.alone)


def _tell_missing(job: GenerationJob) -> None:
    """Each video that is not there. Raises `InputError` if that is all of them."""
    missing = {str(error): error for error in job.found.missing}  # events have theirs in common
    if not job.found.stretches and len(missing) == 1:
        raise next(iter(missing.values()))
    for error in missing.values():
        typer.echo(error_sentence(error), err=True)
    if not job.found.stretches:
        raise InputError(f"None of {len(missing)} videos is there.", "Correct --videos, or fetch them.")


def _setting(job: GenerationJob, checkpoint: "Checkpoint", policy: "StreamPolicy") -> "StreamSetting":
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


def _left(job: GenerationJob, place: "PredictionPlace") -> "list[VideoStretch]":
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
    job: GenerationJob,
    checkpoint: "Checkpoint",
    policy: "StreamPolicy",
    place: "PredictionPlace",
    left: "list[VideoStretch]",
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
    with can_go_on(asked.tell), _progress(total_s, quiet=asked.quiet) as progress:
        telling = GenerationListener(once(asked.tell, set()), fail, progress)
        generation = Generation(engine, place, telling, seed=asked.seed, query=asked.query)
        return generation.generate(left, streams=streams)


@contextmanager
def _progress(total_s: float, *, quiet: bool) -> Iterator[Callable[[float, float], None]]:
    total = max(round(total_s), 1)
    with counting("seconds of video", total, quiet=quiet) as advance:
        yield lambda done_s, speed: advance(min(round(done_s), total), f"{speed:.1f} x real time")


def _tell(
    job: GenerationJob, setting: "StreamSetting", outcome: "GenerationOutcome", left: "list[VideoStretch]"
) -> None:
    """The summary of what this call has done."""
    videos = {one.video for one in left}
    if left:
        what = f"{len(left)} events" if job.benchmark == "livesports" else f"{len(videos)} videos"
        job.asked.tell(f"{what}, {outcome.sentence()}")
    if job.asked.as_json:
        row = {
            "eval": job.benchmark,
            "output": str(job.output),
            "streams": job.wanted,
            "done": len(job.found.stretches) - len(left) + outcome.done,
            "failed": len(outcome.errors),
            "videos": len(videos),
            **outcome.to_json(),
            "setting": setting.to_json(),
        }
        print_json(row)
