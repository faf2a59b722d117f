"""``svlm eval commentary generate`` and ``svlm eval livesports generate``: a model comments on a benchmark's videos.

The generating is in ``evals/generation/``, the files of the benchmarks in ``evals/benchmarks/``.
"""

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from svlm_cli.checkpoints import policy_changes
from svlm_cli.cli.command import given
from svlm_cli.cli.messages import ExitCode, conclude, print_json
from svlm_cli.cli.takes import takes
from svlm_cli.cli.values import seconds_of
from svlm_cli.commands import chat_options
from svlm_cli.commands.fleet_generating import in_fleet
from svlm_cli.commands.fleet_options import require_fleet
from svlm_cli.commands.generate_options import GenerateOptions, OfEvents, OfVideos, ServerOptions, refuse_typed
from svlm_cli.commands.loading import checkpoint_of, introduction, load, place_of, settled
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.policy import PolicyOverrides, StreamPolicy
from svlm_cli.core.reporting import warn_of
from svlm_cli.outputs.destination import refuse_unwritable

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.engine.engine import Engine
    from svlm_cli.evals.generation.job import GenerationJob, Prepare

_JOBS: Final = 8
_OF_STREAMS: Final = (  # options that nothing comes of with --backend openai
    *("start", "chunk", "adapter", "query", "mode", "policy", "policy_keys", "revision", "offline"),
    *("device", "dtype", "attention", "graphs", "fleet"),
)


@takes(OfVideos)
def generate_commentary(one: OfVideos) -> None:
    """Let a model comment on whole games, one stream each, and write predictions for `judge`.

    To continue a run that was stopped or killed, repeat the call: it resumes at the next word.
    """
    from svlm_cli.evals.generation.clips import ClipPredictions, clip_stretches
    from svlm_cli.evals.generation.job import GenerationJob
    from svlm_cli.evals.generation.predictions import CommentaryPredictions
    from svlm_cli.evals.generation.stretches import commentary_stretches

    start_s = seconds_of(one.start) or 0.0
    if one.chunk is not None and not (math.isfinite(one.chunk) and one.chunk >= 1):
        raise UsageError(f"--chunk {one.chunk:g} is not a length for a stream.", "Give 1 s or more.")
    _refuse_places(one.videos, one.output)
    job = partial(GenerationJob, "commentary", one.annotations, one.output)
    if one.asked.backend == "openai":
        clips = clip_stretches(one.annotations, one.videos)
        _ask(job(clips, partial(ClipPredictions, clips=clips.stretches)), one.asked, one.server)
        return
    one.server.refuse()
    found = commentary_stretches(one.annotations, one.videos, start_s=start_s, chunk_s=one.chunk)
    _generate(job(found, CommentaryPredictions, start_s, one.chunk), one.asked)


@takes(OfEvents)
def generate_livesports(one: OfEvents) -> None:
    """Let a model comment on short events, one stream each, and write predictions for `judge`.

    To continue a run that was stopped or killed, repeat the call: it resumes at the next word.
    """
    from svlm_cli.evals.generation.job import GenerationJob
    from svlm_cli.evals.generation.predictions import EventPredictions
    from svlm_cli.evals.generation.stretches import event_stretches

    _refuse_places(one.videos, one.output)
    found = event_stretches(one.events, one.videos)
    job = GenerationJob("livesports", one.events, one.output, found, EventPredictions)
    if one.asked.backend == "openai":
        _ask(job, one.asked, one.server)
        return
    one.server.refuse()
    _generate(job, one.asked)


def _refuse_places(videos: Path, output: Path) -> None:
    """Before anything is read. Raises `InputError` or `OutputError`."""
    if not videos.is_dir():
        raise InputError(f"There is no folder {videos}.", "Correct --videos.")
    refuse_unwritable(output, makes_folders=False, hint="Choose another -o.")


def _generate(job: "GenerationJob", asked: GenerateOptions) -> None:
    """By a streaming model, here or in a fleet."""
    from svlm_cli.evals.generation.stretches import StreamSeed

    if asked.fleet is not None:
        require_fleet(asked)
    job.tell_found(asked)
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    unsettled, asked = asked, settled(asked)
    checkpoint = checkpoint_of(asked)
    overrides = PolicyOverrides(mode=asked.mode, fps=asked.fps, temperature=asked.temperature)
    policy = changes.applied(checkpoint.policy, overrides)
    begins = StreamSeed(asked.seed, asked.query)

    def introduce(context: str) -> None:
        for line in introduction(unsettled, policy, context):
            asked.show(line)

    def load_engine(streams: int, context: str) -> "Engine":
        introduce(context)
        return load(checkpoint, policy, asked, streams, asked.show)

    if asked.fleet is None:
        from svlm_cli.evals.generation.run import in_batches

        prepare = in_batches(load_engine, begins, asked.streams or 1)
        _run(job, asked, checkpoint, policy, place_of(asked).dtype_name, prepare)
        return

    from svlm_cli.fleet.crews import dtype_in
    from svlm_cli.fleet.ray_cluster import connected, nodes

    with connected(asked.fleet):
        dtype = dtype_in(nodes(), asked.device, asked.dtype)
        prepare = in_fleet(asked.fleet, asked, dtype, checkpoint, policy, begins, introduce)
        _run(job, asked, checkpoint, policy, dtype, prepare)


def _run(
    job: "GenerationJob",
    asked: GenerateOptions,
    checkpoint: "Checkpoint",
    policy: StreamPolicy,
    dtype: str,
    prepare: "Prepare",
) -> None:
    from svlm_cli.evals.claims.setting import fingerprint
    from svlm_cli.evals.generation.job import StreamGeneration
    from svlm_cli.evals.generation.setting import StreamSetting
    from svlm_cli.jsonl.lines import fingerprint_of

    setting = StreamSetting(
        job.benchmark,
        checkpoint.title,
        fingerprint(checkpoint.folder, checkpoint.adapter),
        dtype,
        policy,
        policy.prompt.query if asked.query is None else asked.query,
        asked.seed,
        fingerprint_of(job.annotations),
        job.start_s,
        job.chunk_s,
    )
    outcome, left = StreamGeneration(job, setting, prepare, asked).run(overwrite=asked.overwrite)
    if asked.as_json:
        print_json(job.to_json(outcome, left) | {"setting": setting.to_json()})
    conclude(outcome.errors, alone=job.alone)


def _ask(job: "GenerationJob", asked: GenerateOptions, server: ServerOptions) -> None:
    """A model behind chat completions. Exits with 1 if a clip is left without commentary."""
    refuse_typed(_OF_STREAMS, "does nothing with --backend openai")
    if not asked.model or not given("model"):
        raise UsageError("--model is missing.", "Name the model as its server calls it, as in --model gpt-4o-mini.")
    chat_options.require_prices(server)
    from svlm_cli.evals.generation.baseline import BASELINE, TEMPERATURE, BaselineForm, baseline_asker
    from svlm_cli.evals.generation.baseline_run import WHAT, run_baseline

    temperature = TEMPERATURE if asked.temperature is None else asked.temperature
    chat_options.require_finite(temperature)
    seed = asked.seed if given("seed") else None
    form = BaselineForm.of(server.base_url, asked.model, server.prompts, asked.fps, seed)
    chat, cache, patience = chat_options.connect(server, BASELINE, form.model, form.address, "baseline")
    asker = baseline_asker(chat, form, cache, temperature=temperature, patience=patience)
    for line in job.found.notices:
        asked.tell(line)
    for missing in job.found.missing:
        warn_of(asked, missing)
    setting = form.setting(job.benchmark, job.annotations, temperature)
    spent = run_baseline(job, asker, form, setting, asked, jobs=asked.streams or _JOBS, overwrite=asked.overwrite)
    bill = chat_options.bill_of(spent, asker.requests, server)
    asked.tell(f"{WHAT[job.benchmark]}: {spent.sentence()} {bill.sentence()}")
    if asked.as_json:
        clips, absent = len(job.found.stretches), len(job.found.missing)
        row = {"eval": job.benchmark, "output": str(job.output), "clips": clips, **spent.to_json()}
        print_json(row | {"videos_missing": absent, **bill.to_json(), "setting": setting})
    if spent.failed:
        asked.warn("Some are left without commentary.", "The same call asks for them again.")
    if spent.failed or job.found.missing:
        raise typer.Exit(ExitCode.FAILED)
