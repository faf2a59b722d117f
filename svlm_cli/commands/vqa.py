"""``svlm eval vqa``: questions of public benchmarks about videos, put to models in several ways of looking.

The asking and the counting are in ``evals/vqa/``, the files of the benchmarks in ``evals/benchmarks/``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from svlm_cli.checkpoints import policy_changes
from svlm_cli.cli.command import given
from svlm_cli.cli.messages import conclude, print_json, warn
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import options
from svlm_cli.commands.loading import introduction, load, place_of, settled_name
from svlm_cli.commands.reports import print_report
from svlm_cli.commands.vqa_options import VqaOptions
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.policy import PolicyOverrides
from svlm_cli.outputs.destination import refuse_unwritable

if TYPE_CHECKING:
    from svlm_cli.engine.place import EnginePlace
    from svlm_cli.evals.vqa.model_job import ModelJob, Questioning

SeenName = Literal["minute", "all"]

app = typer.Typer(
    name="vqa",
    no_args_is_help=True,
    add_completion=False,
    help="Questions about videos: five benchmarks, four ways of looking.",
)


@dataclass(frozen=True, slots=True)
class _OfStreamingBench(VqaOptions):
    seen: Annotated[
        SeenName,
        Panel.MEASURING.option(
            help="How much of the video the model sees: the last minute before a question, or everything before it."
        ),
    ] = "minute"


@dataclass(frozen=True, slots=True)
class _WithSubtitles(VqaOptions):
    subtitles: Annotated[
        bool, Panel.MEASURING.option("--subtitles", help="Put the subtitles of the video before each question.")
    ] = False


def _command(name: str, kind: type[VqaOptions], summary: str) -> None:
    """Adds the command of a benchmark."""

    @app.command(name, help=f"{summary}\n\nTo continue a run that was stopped or killed, repeat the call.")
    @takes(kind)
    def command(asked: VqaOptions) -> None:
        _ask(name, asked)


_command("ovo-bench", VqaOptions, "OVO-Bench: questions about the past, the present, and when to answer.")
_command("streamingbench", _OfStreamingBench, "StreamingBench: questions asked during a video.")
_command("videomme", _WithSubtitles, "Video-MME: questions about whole videos.")
_command("longvideobench", _WithSubtitles, "LongVideoBench: questions about whole videos of up to an hour.")
_command("mvbench", VqaOptions, "MVBench: twenty tasks on short videos.")


@app.command("report")
def report(
    results: Annotated[list[Path], typer.Argument(metavar="RESULTS", help="Files of results, or folders of them.")],
    as_json: options.Json = False,
) -> None:
    """Compare results: accuracy by task, by group and overall, and how ways and models differ."""
    from svlm_cli.evals.vqa.report import make_vqa_report
    from svlm_cli.evals.vqa.results import read_results

    paths = [path for one in results for path in (sorted(one.glob("*.jsonl")) if one.is_dir() else [one])]
    files = [read_results(path) for path in paths]
    for notice in filter(None, (file.notice for file in files)):
        warn(notice)
    found = make_vqa_report(files)
    print_report(found, as_json=as_json)


def _ask(benchmark: str, asked: VqaOptions) -> None:
    """Everything is checked, then each model is loaded once and asked all that is left."""
    from svlm_cli.evals.benchmarks.endless_questions import made_by
    from svlm_cli.evals.benchmarks.streaming_bench import SeenContext
    from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
    from svlm_cli.evals.vqa.interview import Interview
    from svlm_cli.evals.vqa.model_job import Questioning, choose_questions
    from svlm_cli.evals.vqa.models_run import ModelsRun, warn_missing
    from svlm_cli.evals.vqa.run import find_questions, read_subtitles
    from svlm_cli.questions.prompts import OWN_PROMPTS, read_vqa_prompts

    prompts, text = read_vqa_prompts(asked.prompts or OWN_PROMPTS)
    if asked.show_prompts:
        typer.echo(text.rstrip("\n"))
        return
    folder, output = _required(asked)
    kind = VqaBenchmark(benchmark)
    questions = (
        kind.read(folder, SeenContext[asked.seen.upper()])
        if isinstance(asked, _OfStreamingBench)
        else kind.read(folder)
    )
    subtitles = isinstance(asked, _WithSubtitles) and asked.subtitles
    found = find_questions(folder, choose_questions(questions, asked.tasks or (), asked.limit))
    missing = warn_missing(found, asked)
    interview = Interview(prompts, asked.answer, read_subtitles(folder, found.questions) if subtitles else {})
    matches = made_by(folder) if kind is VqaBenchmark.OVO_BENCH else None
    what = Questioning(kind, folder, questions, interview, found, subtitles, matches)
    place = place_of(asked)
    jobs = _jobs(what, asked, output, place)
    run = ModelsRun(
        lambda checkpoint, policy, streams, room: load(checkpoint, policy, asked, streams, asked.show, room),
        place,
        asked,
        jobs=asked.jobs,
        introduction=lambda policy: introduction(asked, policy),
    )
    outcomes = run.ask(jobs, overwrite=asked.overwrite)
    if asked.as_json:
        print_json(what.to_json(outcomes))
    conclude([*missing, *(error for _, one in outcomes for error in one.errors)], alone=what.videos == 1)


def _required(asked: VqaOptions) -> tuple[Path, Path]:
    """Where everything lies. Raises `UsageError`, `InputError` and `OutputError`."""
    if asked.folder is None:
        raise UsageError("FOLDER is missing.", "Name the folder of the benchmark.")
    if asked.output is None:
        raise UsageError("-o is missing.", "Name a file for the answers or, for several models, a folder.")
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


def _jobs(what: "Questioning", asked: VqaOptions, output: Path, place: "EnginePlace") -> "list[ModelJob]":
    """A model each. Raises `ModelError` and `UsageError`."""
    from svlm_cli.checkpoints.resolve import resolve
    from svlm_cli.evals.vqa.choices import Way
    from svlm_cli.evals.vqa.model_job import Looking

    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    overrides = PolicyOverrides(fps=asked.fps, max_pixels=asked.max_pixels, temperature=asked.temperature)
    ways = asked.ways or [Way.STREAMING]
    looking = Looking(ways, changes, overrides, asked.frames, asked.recent_frames, asked.seed)
    names: Sequence[str | None] = asked.models or [None]
    if asked.adapter is not None:
        names = names if given("models") else [None]
        if len(names) > 1:
            raise UsageError("--adapter belongs to one model.", "Name only its base with --model, or nothing.")
    models = [
        resolve(
            settled_name(name, asked, asked.adapter),
            revision=asked.revision,
            offline=asked.offline,
            quiet=asked.quiet,
            adapter=asked.adapter,
        )
        for name in names
    ]
    return looking.jobs(what, models, place, output, jobs=asked.jobs)
