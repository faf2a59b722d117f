"""What a command of ``svlm eval vqa`` does: everything is checked, then each model is loaded once and asked.

The asking is in ``evals/vqa/``. Knows not which options there are for which benchmark.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from svlm_cli.checkpoints import policy_changes
from svlm_cli.commands.auto_model import settled_name
from svlm_cli.commands.command import given
from svlm_cli.commands.loading import introduction, load
from svlm_cli.commands.messages import conclude, error_sentence, once
from svlm_cli.commands.signals import Terminated
from svlm_cli.commands.tables import counting, print_json
from svlm_cli.commands.vqa_options import VqaOptions
from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.core.policy import PolicyOverrides
from svlm_cli.core.text import did_you_mean, slug
from svlm_cli.outputs.destination import make_folder, refuse_unwritable

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.core.policy import StreamPolicy
    from svlm_cli.engine.engine import Engine
    from svlm_cli.engine.footprint import Questions
    from svlm_cli.evals.benchmarks.endless_questions import QuestionsSetting
    from svlm_cli.evals.benchmarks.streaming_bench import SeenContext
    from svlm_cli.evals.benchmarks.vqa import VideoQuestion
    from svlm_cli.evals.vqa.asked import WayOutcome
    from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
    from svlm_cli.evals.vqa.interview import Interview
    from svlm_cli.evals.vqa.results import GrowingResults, VqaRun
    from svlm_cli.evals.vqa.run import FoundQuestions, LoadedModel
    from svlm_cli.evals.vqa.ways import WaySetting


@dataclass(frozen=True, slots=True, eq=False)
class _Questioning:
    """What all models are asked."""

    benchmark: "VqaBenchmark"
    questions: "Sequence[VideoQuestion]"  # all of the benchmark's
    interview: "Interview"
    found: "FoundQuestions"  # those of this call
    subtitles: bool
    matches: "QuestionsSetting | None"  # that are asked about, if they are simulated


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One model, how it looks, and where its answers go."""

    what: _Questioning
    asked: VqaOptions
    checkpoint: "Checkpoint"
    output: Path
    run: "VqaRun"
    ways: "tuple[WaySetting, ...]"

    @property
    def name(self) -> str:
        """The model's."""
        return self.run.setting.model


def ask_benchmark(
    benchmark: str, asked: VqaOptions, *, context: "SeenContext | None" = None, subtitles: bool = False
) -> None:
    """Ask all models all that is left. Raises as commands do."""
    from svlm_cli.evals.benchmarks.endless_questions import made_by
    from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
    from svlm_cli.evals.vqa.interview import Interview
    from svlm_cli.evals.vqa.run import find_questions, read_subtitles
    from svlm_cli.questions.prompts import OWN_PROMPTS, read_vqa_prompts

    prompts, text = read_vqa_prompts(asked.prompts or OWN_PROMPTS)
    if asked.show_prompts:
        typer.echo(text.rstrip("\n"))
        return
    folder, output = _required(asked)
    kind = VqaBenchmark(benchmark)
    questions = kind.read(folder) if context is None else kind.read(folder, context)
    found = find_questions(folder, _chosen(questions, asked))
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
    jobs = _jobs(_Questioning(kind, questions, interview, found, subtitles, matches), asked, output)
    _ask_models(kind, jobs, missing)


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


def _chosen(questions: "Sequence[VideoQuestion]", asked: VqaOptions) -> "Sequence[VideoQuestion]":
    """Those that are to be asked. `UsageError` for a task that is none."""
    known = [*dict.fromkeys(one.task for one in questions)]
    for task in asked.tasks or ():
        if task not in known:
            hint = did_you_mean(task, known) or f"There is {', '.join(known)}."
            raise UsageError(f"There are no questions of a task {task}.", hint)
    chosen = [one for one in questions if not asked.tasks or one.task in asked.tasks]
    return chosen[: asked.limit]


def _jobs(what: _Questioning, asked: VqaOptions, output: Path) -> list[_Job]:
    """A model each. Raises `ModelError` and `UsageError`."""
    from svlm_cli.checkpoints.resolve import resolve
    from svlm_cli.evals.vqa.choices import Way
    from svlm_cli.evals.vqa.ways import WaySetting

    changes, found = policy_changes.read(asked.policy, asked.policy_keys or ()), list[_Job]()
    models: Sequence[str | None] = asked.models or [None]
    if asked.adapter is not None:
        models = models if given("models") else [None]
        if len(models) > 1:
            raise UsageError("--adapter belongs to one model.", "Name its base alone with --model, or none.")
    overrides = PolicyOverrides(fps=asked.fps, max_pixels=asked.max_pixels, temperature=asked.temperature)
    for model in [settled_name(one, asked) for one in models]:
        checkpoint = resolve(
            model, revision=asked.revision, offline=asked.offline, quiet=asked.quiet, adapter=asked.adapter
        )
        policy = changes.applied(checkpoint.policy, overrides)
        ways = tuple(
            WaySetting.of(way, policy, frames=asked.frames, recent_frames=asked.recent_frames, seed=asked.seed)
            for way in dict.fromkeys(asked.ways or [Way.STREAMING])
        )
        run = _run_of(what, asked, checkpoint)
        path = output / f"{slug(run.setting.model, otherwise='model')}.jsonl" if len(models) > 1 else output
        if any(one.output == path for one in found):
            raise UsageError(f"Two models would write {path}.", "Give their folders different names.")
        found.append(_Job(what, asked, checkpoint, path, run, ways))
    if len(models) > 1:
        make_folder(output, "Choose another -o.")
    return found


def _run_of(what: _Questioning, asked: VqaOptions, checkpoint: "Checkpoint") -> "VqaRun":
    import torch

    from svlm_cli.compute.device import dtype_name, hardware_name, resolve_device, resolve_dtype
    from svlm_cli.core.version import __version__
    from svlm_cli.evals.benchmarks.vqa import fingerprint_of_questions
    from svlm_cli.evals.claims.setting import fingerprint
    from svlm_cli.evals.vqa.results import VqaRun, VqaSetting

    device = resolve_device(asked.device)
    setting = VqaSetting(
        what.benchmark,
        fingerprint_of_questions(tuple(what.questions)),
        what.interview.prompts.fingerprint,
        checkpoint.title,
        fingerprint(checkpoint.folder, checkpoint.adapter),
        dtype_name(resolve_dtype(asked.dtype, device)),
        what.interview.by,
        what.subtitles,
    )
    return VqaRun(
        setting,
        len(what.questions),
        __version__,
        torch.__version__,
        folder=(asked.folder or Path()).resolve().name,  # results travel: where it lies is nobody else's affair
        device=device.type,
        hardware=hardware_name(device),
        jobs=asked.jobs,
    )


def _ask_models(benchmark: "VqaBenchmark", jobs: Sequence[_Job], missing: Sequence[SvlmError]) -> None:
    """All files are opened, and compared with what is asked for, before the first model is loaded."""
    from svlm_cli.evals.vqa.results import GrowingResults
    from svlm_cli.jsonl.locked_lines import empty

    asked, outcomes, errors = jobs[0].asked, [], [*missing]
    with ExitStack() as stack:
        opened = []
        for job in jobs:
            if asked.overwrite:
                empty(job.output)
            results = stack.enter_context(GrowingResults(job.output, job.run))
            results.describe({one.id: one.choices for one in job.what.questions}, job.what.matches)
            for setting in job.ways:
                results.begin(setting.way, setting.to_json())
            opened.append(results)
        try:
            for job, results in zip(jobs, opened, strict=True):
                for outcome in _ask_model(job, results):
                    outcomes.append((job, outcome))
                    errors += outcome.errors
        except (KeyboardInterrupt, Terminated):
            asked.tell("Stopped. The same call goes on where it was.")
            raise
    if asked.as_json:
        print_json(_told(benchmark, outcomes))
    videos = {one.video for one in jobs[0].what.found.questions}
    conclude(errors, alone=len(videos) == 1)


def _ask_model(job: _Job, results: "GrowingResults") -> "Iterator[WayOutcome]":
    """One way after the other, each told."""
    from svlm_cli.evals.vqa.run import ModelRun, WayListener

    asked = job.asked
    if results.before.notice:
        asked.tell(results.before.notice)
    for line in introduction(asked, job.ways[0].policy, ""):
        asked.show(line)
    run = ModelRun(results, job.what.interview, job.what.found, _policy_with_room(job), _loader(job))
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


def _fail(job: _Job, told: set[str]) -> Callable[[SvlmError], None]:
    """Of a lone video the error ends the command."""
    alone = len({one.video for one in job.what.found.questions}) == 1

    def hear(error: SvlmError) -> None:
        if not alone:
            once(lambda line: typer.echo(line, err=True), told)(error_sentence(error))

    return hear


def _policy_with_room(job: _Job) -> "Callable[[WaySetting, Sequence[VideoQuestion]], StreamPolicy]":
    from svlm_cli.engine.tokenizer import Tokenizer
    from svlm_cli.evals.vqa.ways import with_room
    from svlm_cli.networks.weights import load_family

    folder, interview = job.checkpoint.folder, job.what.interview

    def policy_of(setting: "WaySetting", questions: "Sequence[VideoQuestion]") -> "StreamPolicy":
        queries = [query for one in questions for query in interview.queries(one, setting.way)]
        return with_room(setting, queries, Tokenizer(folder), load_family(folder))

    return policy_of


def _loader(job: _Job) -> "Callable[[StreamPolicy, int, Questions, LoadedModel | None], Engine]":
    from svlm_cli.compute.flash import AttentionKernel

    asked = job.asked

    def load_engine(policy: "StreamPolicy", streams: int, room: "Questions", model: "LoadedModel | None") -> "Engine":
        if model is None:
            asks = room.forks > 0
            return load(job.checkpoint, policy, asked, streams, asked.show, asks=asks, answer_tokens=room.answer_tokens)
        return model.engine(policy, streams, room, AttentionKernel(asked.attention), graphs=asked.graphs)

    return load_engine


def _told(benchmark: "VqaBenchmark", outcomes: "Sequence[tuple[_Job, WayOutcome]]") -> dict[str, Any]:
    """For programs: what this call has done."""
    rows = [
        {
            "model": job.name,
            "model_files": job.run.setting.model_files,
            "way": outcome.way,
            "output": str(job.output),
            "answered": outcome.answered,
            "right": outcome.right,
            "failed": outcome.failed,
            "wall_s": round(outcome.wall_s, 3),
        }
        for job, outcome in outcomes
    ]
    what = outcomes[0][0].what
    videos = len({one.video for one in what.found.questions})
    return {"eval": str(benchmark), "questions": len(what.found.questions), "videos": videos, "ways": rows}
