"""``svlm eval commentary`` and ``svlm eval livesports``: two commentaries of real footage before a judge.

The judging is in ``evals/judge/``, the files of the benchmarks in ``evals/benchmarks/``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from svlm_cli.cli.messages import ExitCode, print_json, warn
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import chat_options, options
from svlm_cli.commands.reports import print_report
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.reporting import UnlessQuiet

if TYPE_CHECKING:
    from svlm_cli.evals.judge.pairs import Control, Pairs

ControlName = Literal["same", "reference", "empty"]

commentary = typer.Typer(
    name="commentary",
    no_args_is_help=True,
    add_completion=False,
    help="Inf-Streams-Eval: commentaries of full games, made and judged.",
)
livesports = typer.Typer(
    name="livesports",
    no_args_is_help=True,
    add_completion=False,
    help="LiveSports-3K CC: commentaries of short events, made and judged.",
)


@dataclass(frozen=True, slots=True)
class JudgeOptions(UnlessQuiet, chat_options.ChatOptions):
    """What the two ``judge`` commands share, in the order of the help."""

    a: Annotated[Path | None, typer.Argument(metavar="A.jsonl", help="The predictions whose win rate is measured.")] = (
        None
    )
    b: Annotated[Path | None, typer.Argument(metavar="B.jsonl", help="The predictions to compare them with.")] = None
    control: Annotated[
        ControlName | None,
        Panel.INPUT.option(help="Test the judge: compare A with itself, with the reference, or with an empty text."),
    ] = None
    output: Annotated[
        Path | None,
        Panel.OUTPUT.option("--output", "-o", metavar="FILE.jsonl", help="The votes. Existing ones are kept."),
    ] = None
    show_prompts: options.ShowPrompts = False
    judge: Annotated[
        str | None, Panel.MODEL.option(metavar="MODEL", help="Name of the judging model on its server.")
    ] = None
    base_url: chat_options.BaseUrl = chat_options.DEFAULT_BASE_URL
    jobs: Annotated[int, Panel.MEASURING.option(min=1, max=256, help="Number of parallel requests.")] = 8
    as_json: options.Json = False
    quiet: options.Quiet = False


@dataclass(frozen=True, slots=True)
class _OfClips(JudgeOptions):
    clips: Annotated[
        Path | None, Panel.INPUT.option(metavar="FILE.jsonl", help="score_all_clips.jsonl of the benchmark.")
    ] = None


@dataclass(frozen=True, slots=True)
class _OfEvents(JudgeOptions):
    events: Annotated[
        Path | None, Panel.INPUT.option(metavar="FILE", help="The events: JSON lines, a JSON list, or Parquet.")
    ] = None


@commentary.command("judge")
@takes(_OfClips)
def judge_commentary(one: _OfClips) -> None:
    """Have a model judge which of two commentaries is better, clip by clip, in both orders.

    Each vote is one line of the output. To continue a stopped run, repeat the call; nothing is paid for twice.
    """
    from svlm_cli.evals.judge.pairs import commentary_pairs

    _judge("commentary", one, "--clips", one.clips, commentary_pairs)


@livesports.command("judge")
@takes(_OfEvents)
def judge_livesports(one: _OfEvents) -> None:
    """Have a model judge which of two commentaries is closer to a person's, event by event, in both orders.

    Each vote is one line of the output. To continue a stopped run, repeat the call; nothing is paid for twice.
    """
    from svlm_cli.evals.judge.pairs import livesports_pairs

    _judge("livesports", one, "--events", one.events, livesports_pairs)


_Votes = Annotated[
    list[Path], typer.Argument(metavar="VOTES.jsonl", help="Files of votes, including those of controls.")
]

_Plot = Annotated[Path | None, Panel.OUTPUT.option("--plot", metavar="FILE.png", help="Plot the win rates.")]


@commentary.command("report")
def report_commentary(votes: _Votes, plot: _Plot = None, as_json: options.Json = False) -> None:
    """Count votes: who wins, overall and by fifths of the games, and how reliable the judge is."""
    _report("commentary", votes, plot, as_json=as_json)


@livesports.command("report")
def report_livesports(votes: _Votes, plot: _Plot = None, as_json: options.Json = False) -> None:
    """Count votes: who wins, and how reliable the judge is."""
    _report("livesports", votes, plot, as_json=as_json)


def _judge(
    benchmark: str,
    asked: JudgeOptions,
    data_option: str,
    data: Path | None,
    pairs_of: "Callable[[Path, Path, Path | None, Control | None], Pairs]",
) -> None:
    from svlm_cli.chat.prompts import read_prompts
    from svlm_cli.evals.judge.prompts import JudgePrompts
    from svlm_cli.evals.prompt_files import prompts_file

    prompts, text = read_prompts(JudgePrompts, asked.prompts or prompts_file(benchmark))
    if asked.show_prompts:
        typer.echo(text.rstrip("\n"))
        return
    a, data, output, judge = _required(asked, data_option, data)
    from svlm_cli.evals.judge.asking import JUDGE, JudgeAsker, JudgeForm
    from svlm_cli.evals.judge.described import describe_run
    from svlm_cli.evals.judge.pairs import Control
    from svlm_cli.evals.judge.questions import Benchmark
    from svlm_cli.evals.judge.run import judge_pairs

    form = JudgeForm(asked.base_url.rstrip("/"), judge, prompts, Benchmark(benchmark).seed)
    server, cache, patience = chat_options.connect(asked, JUDGE, judge, form.address, "judge")
    asker = JudgeAsker(server, form.asked, cache, seed=form.seed, patience=patience)
    control = None if asked.control is None else Control(asked.control)
    found = pairs_of(data, a, asked.b, control)
    run = describe_run(Benchmark(benchmark), form, data, a, asked.b, control, found)
    spent = judge_pairs(found, run, output, asker, asked, jobs=asked.jobs)
    bill = chat_options.bill_of(spent, asker.requests, asked)
    asked.tell(f"{spent.sentence()} {bill.sentence()}")
    if asked.as_json:
        print_json(spent.to_json(run, output) | bill.to_json())
    if spent.unanswered:
        asked.warn("Some questions were not answered.", "The same call asks them again.")
        raise typer.Exit(ExitCode.FAILED)


def _required(asked: JudgeOptions, data_option: str, data: Path | None) -> tuple[Path, Path, Path, str]:
    """What a question cannot be asked without. Raises `UsageError`."""
    if asked.a is None or (asked.b is None and asked.control is None):
        raise UsageError("Two files of predictions are compared.", "Name both, or one and a --control.")
    if asked.b is not None and asked.control is not None:
        raise UsageError("A --control takes only one file of predictions.", "Leave out the other.")
    if data is None:
        raise UsageError(f"{data_option} is missing.", "Name the file of the benchmark.")
    if asked.output is None:
        raise UsageError("-o is missing.", "Name a file for the votes.")
    if not asked.judge:
        raise UsageError("--judge is missing.", "Name the model that judges.")
    chat_options.require_prices(asked)
    return asked.a, data, asked.output, asked.judge


def _report(benchmark: str, paths: Sequence[Path], plot: Path | None, *, as_json: bool) -> None:
    from svlm_cli.evals.judge.report import make_report
    from svlm_cli.evals.judge.votes import read_votes

    if plot is not None:
        from svlm_cli.outputs.figures import require_plot

        require_plot(plot)
    files = [read_votes(path) for path in paths]
    for file in files:
        if file.runs[0].setting.benchmark != benchmark:
            other = file.runs[0].setting.benchmark
            raise UsageError(f"{file.path} holds votes of {other}.", f"Call `svlm eval {other} report`.")
        if file.notice:
            warn(file.notice)
    found = make_report(files)
    if plot is not None:
        from svlm_cli.evals.judge.plots import draw_report

        draw_report(found, plot)
    print_report(found, as_json=as_json)
