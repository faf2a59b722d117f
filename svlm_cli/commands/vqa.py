"""``svlm eval vqa``: questions of public benchmarks about videos, put to models in several ways of looking.

The asking and the counting are in ``evals/vqa/``, the files of the benchmarks in ``evals/benchmarks/``.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from svlm_cli.commands import options
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.tables import print_json, print_tables
from svlm_cli.commands.vqa_options import VqaOptions
from svlm_cli.commands.vqa_run import ask_benchmark
from svlm_cli.core.sentences import sentence

SeenName = Literal["minute", "all"]

app = typer.Typer(
    name="vqa",
    no_args_is_help=True,
    add_completion=False,
    help="Questions about videos: five benchmarks, four ways of looking.",
)


@dataclass(frozen=True, slots=True)
class _OfStreamingBench:
    asked: VqaOptions = field(default_factory=VqaOptions)
    seen: Annotated[
        SeenName,
        Panel.MEASURING.option(
            help="How much of a video may be seen: the last minute before a question, or all before it."
        ),
    ] = "minute"


@dataclass(frozen=True, slots=True)
class _WithSubtitles:
    asked: VqaOptions = field(default_factory=VqaOptions)
    subtitles: Annotated[
        bool, Panel.MEASURING.option("--subtitles", help="Write what is said in the video before each question.")
    ] = False


@app.command("ovo-bench")
@options.takes(VqaOptions)
def ovo_bench(asked: VqaOptions) -> None:
    """OVO-Bench: what was, what is, and whether it is time to answer.

    A run that was stopped or killed goes on, by the same call.
    """
    ask_benchmark("ovo-bench", asked)


@app.command("streamingbench")
@options.takes(_OfStreamingBench)
def streamingbench(one: _OfStreamingBench) -> None:
    """StreamingBench: questions while a video goes on.

    A run that was stopped or killed goes on, by the same call.
    """
    from svlm_cli.evals.benchmarks.streaming_bench import SeenContext

    ask_benchmark("streamingbench", one.asked, context=SeenContext.ALL if one.seen == "all" else SeenContext.MINUTE)


@app.command("videomme")
@options.takes(_WithSubtitles)
def videomme(one: _WithSubtitles) -> None:
    """Video-MME: questions about whole videos.

    A run that was stopped or killed goes on, by the same call.
    """
    ask_benchmark("videomme", one.asked, subtitles=one.subtitles)


@app.command("longvideobench")
@options.takes(_WithSubtitles)
def longvideobench(one: _WithSubtitles) -> None:
    """LongVideoBench: questions about whole videos of up to an hour.

    A run that was stopped or killed goes on, by the same call.
    """
    ask_benchmark("longvideobench", one.asked, subtitles=one.subtitles)


@app.command("mvbench")
@options.takes(VqaOptions)
def mvbench(asked: VqaOptions) -> None:
    """MVBench: twenty tasks on short videos.

    A run that was stopped or killed goes on, by the same call.
    """
    ask_benchmark("mvbench", asked)


@app.command("report")
def report(
    results: Annotated[
        list[Path], Panel.INPUT.argument(metavar="RESULTS", help="Files of results, or folders of them.")
    ],
    as_json: options.Json = False,
) -> None:
    """Put results side by side: what is right, by task, group and in all, and how ways and models differ."""
    from svlm_cli.evals.vqa.report import make_vqa_report
    from svlm_cli.evals.vqa.results import read_results

    paths = [path for one in results for path in (sorted(one.glob("*.jsonl")) if one.is_dir() else [one])]
    files = [read_results(path) for path in paths]
    for notice in filter(None, (file.notice for file in files)):
        typer.echo(sentence(notice), err=True)
    found = make_vqa_report(files)
    if as_json:
        print_json(found.to_json())
        return
    print_tables(found.tables())
    for note in found.notes():
        typer.echo(sentence(note), err=True)
