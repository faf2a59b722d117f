"""What a command of ``svlm eval vqa`` does: everything is checked, then each model is loaded once and asked.

The asking is in ``evals/vqa/``. Knows not which options there are for which benchmark.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from svlm_cli.checkpoints import policy_changes
from svlm_cli.commands.command import given
from svlm_cli.commands.loading import introduction, load, settled_name
from svlm_cli.commands.messages import conclude
from svlm_cli.commands.tables import counting, print_json
from svlm_cli.commands.vqa_options import VqaOptions
from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.core.policy import PolicyOverrides
from svlm_cli.core.reporting import once
from svlm_cli.core.sentences import error_sentence
from svlm_cli.core.signals import can_go_on
from svlm_cli.core.text import slug
from svlm_cli.outputs.destination import make_folder, refuse_unwritable

if TYPE_CHECKING:
    from svlm_cli.core.policy import StreamPolicy
    from svlm_cli.engine.engine import Engine
    from svlm_cli.engine.footprint import Questions
    from svlm_cli.evals.benchmarks.streaming_bench import SeenContext
    from svlm_cli.evals.vqa.asked import WayOutcome
    from svlm_cli.evals.vqa.model_job import ModelJob, Questioning
    from svlm_cli.evals.vqa.results import GrowingResults
    from svlm_cli.evals.vqa.run import LoadedModel


def ask_benchmark(
    benchmark: str, asked: VqaOptions, *, context: "SeenContext | None" = None, subtitles: bool = False
) -> None:
    """Ask all models all that is left. Raises as commands do."""
    from svlm_cli.evals.benchmarks.endless_questions import made_by
    from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
    from svlm_cli.evals.vqa.interview import Interview
    from svlm_cli.evals.vqa.model_job import Questioning, choose_questions
    from svlm_cli.evals.vqa.run import find_questions, read_subtitles
    from svlm_cli.questions.prompts import OWN_PROMPTS, read_vqa_prompts

    prompts, text = read_vqa_prompts(asked.prompts or OWN_PROMPTS)
    if asked.show_prompts:
        typer.echo(text.rstrip("\n"))
        return
    folder, output = _required(asked)
    kind = VqaBenchmark(benchmark)
    questions = kind.read(folder) if context is None else kind.read(folder, context)
    found = find_questions(folder, choose_questions(questions, asked.tasks or (), asked.limit))
    missing = found.absent()
    for error in missing if found.asked else []:
        typer.echo(error_sentence(error), err=True)
    if not found.asked:
        if len(missing) == 1:
            raise missing[0]
        raise InputError(f"None of {len(missing)} videos is there.", "Correct the folder, or fetch them.")
    spoken = read_subtitles(folder, found.questions) if subtitles else {}
    interview = Interview(prompts, asked.answer, spoken)
    matches = made_by(folder) if kind is VqaBenchmark.OVO_BENCH else None
    what = Questioning(kind, folder, questions, interview, found, subtitles, matches)
    _ask_models(what, _jobs(what, asked, output), asked, missing)


def _required(asked: VqaOptions) -> tuple[Path, Path]:
    """Where everything lies. Raises `UsageError`, `InputError` and `OutputError`."""
    if asked.folder is None:
        raise UsageError("FOLDER is missing.", "Name the folder of the benchmark.")
    if asked.output is None:
        raise UsageError("-o is missing.", "Name a file for the answers, or of several models a folder.")
    if not asked.folder.is_dir():
        raise InputError(f"There is no folder {asked.folder}.", "Correct its name.")
    if policy_changes.read(single=asked.policy_keys or ()).asks("mode"):
        raise UsageError("Here --way says how a stream forgets.", "Leave out mode.")
    if len(asked.models or ()) > 1:
        if asked.output.is_file():
            raise UsageError(f"{asked.output} is a file, and there are several models.", "Name a folder with -o.")
    else:
        refuse_unwritable(asked.output, makes_folders=False, hint="Choose another -o.")
    return asked.folder, asked.output


def _jobs(what: "Questioning", asked: VqaOptions, output: Path) -> "list[ModelJob]":
    """A model each. Raises `ModelError` and `UsageError`."""
    from svlm_cli.checkpoints.resolve import resolve
    from svlm_cli.compute.device import resolve_device, resolve_dtype
    from svlm_cli.evals.vqa.choices import Way
    from svlm_cli.evals.vqa.model_job import ModelJob
    from svlm_cli.evals.vqa.ways import WaySetting

    changes, found = policy_changes.read(asked.policy, asked.policy_keys or ()), list[ModelJob]()
    device = resolve_device(asked.device)
    dtype = resolve_dtype(asked.dtype, device)
    models: Sequence[str | None] = asked.models or [None]
    if asked.adapter is not None:
        models = models if given("models") else [None]
        if len(models) > 1:
            raise UsageError("--adapter belongs to one model.", "Name its base alone with --model, or none.")
    overrides = PolicyOverrides(fps=asked.fps, max_pixels=asked.max_pixels, temperature=asked.temperature)
    for model in [settled_name(one, asked, asked.adapter) for one in models]:
        checkpoint = resolve(
            model, revision=asked.revision, offline=asked.offline, quiet=asked.quiet, adapter=asked.adapter
        )
        policy = changes.applied(checkpoint.policy, overrides)
        ways = tuple(
            WaySetting.of(way, policy, frames=asked.frames, recent_frames=asked.recent_frames, seed=asked.seed)
            for way in dict.fromkeys(asked.ways or [Way.STREAMING])
        )
        run = what.run(checkpoint, device, dtype, asked.jobs)
        path = output / f"{slug(run.setting.model, otherwise='model')}.jsonl" if len(models) > 1 else output
        if any(one.output == path for one in found):
            raise UsageError(f"Two models would write {path}.", "Give their folders different names.")
        found.append(ModelJob(what, checkpoint, path, run, ways))
    if len(models) > 1:
        make_folder(output, "Choose another -o.")
    return found


def _ask_models(
    what: "Questioning", jobs: "Sequence[ModelJob]", asked: VqaOptions, missing: Sequence[SvlmError]
) -> None:
    """All files are opened, and compared with what is asked for, before the first model is loaded."""
    outcomes, errors = [], [*missing]
    with ExitStack() as stack:
        opened = [stack.enter_context(job.open(overwrite=asked.overwrite)) for job in jobs]
        with can_go_on(asked.tell):
            for job, results in zip(jobs, opened, strict=True):
                for outcome in _ask_model(job, asked, results):
                    outcomes.append((job, outcome))
                    errors += outcome.errors
    if asked.as_json:
        print_json(what.to_json(outcomes))
    conclude(errors, alone=what.videos == 1)


def _ask_model(job: "ModelJob", asked: VqaOptions, results: "GrowingResults") -> "Iterator[WayOutcome]":
    """One way after the other, each told."""
    from svlm_cli.evals.vqa.run import ModelRun, WayListener

    if results.before.notice:
        asked.tell(results.before.notice)
    for line in introduction(asked, job.ways[0].policy, ""):
        asked.show(line)
    run = ModelRun(results, job.what.interview, job.what.found, job.policy_with_room(), _loader(job, asked))
    wanted = len(job.what.found.questions)
    told: set[str] = set()
    for setting in job.ways:
        left = len(run.left(setting))
        if left == 0:
            asked.tell(f"{job.name}, {setting.way}: there is nothing left to ask.")
        elif left < len(job.what.found.asked):
            asked.tell(f"{job.name}, {setting.way}: {wanted - left} of {wanted} questions are done.")
        with counting("questions", max(left + len(job.what.found.missing), 1), quiet=asked.quiet) as advance:
            outcome = run.ask(setting, asked.jobs, WayListener(once(asked.tell, told), _fail(job, told), advance))
        if left:
            share = outcome.right / outcome.answered if outcome.answered else 0.0
            asked.tell(
                f"{job.name}, {setting.way}: {outcome.answered} questions answered in {outcome.wall_s:.0f} s, "
                f"{share:.3f} of them right; {outcome.failed} without a video that can be read."
            )
        yield outcome


def _fail(job: "ModelJob", told: set[str]) -> Callable[[SvlmError], None]:
    """Of a lone video the error ends the command."""
    alone = job.what.videos == 1

    def hear(error: SvlmError) -> None:
        if not alone:
            once(lambda line: typer.echo(line, err=True), told)(error_sentence(error))

    return hear


def _loader(
    job: "ModelJob", asked: VqaOptions
) -> "Callable[[StreamPolicy, int, Questions, LoadedModel | None], Engine]":
    from svlm_cli.compute.flash import AttentionKernel

    def load_engine(policy: "StreamPolicy", streams: int, room: "Questions", model: "LoadedModel | None") -> "Engine":
        if model is None:
            return load(job.checkpoint, policy, asked, streams, asked.show, room)
        return model.engine(policy, streams, room, AttentionKernel(asked.attention), graphs=asked.graphs)

    return load_engine
