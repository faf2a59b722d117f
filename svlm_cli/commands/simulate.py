"""``svlm simulate``: a match or footage as files: video, events, reference commentary, context; or benchmarks."""

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.cli.command import given
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import options
from svlm_cli.core.errors import UsageError
from svlm_cli.evals.footage.files import FootageRecording
from svlm_cli.evals.match_files import MatchRecording, match_seconds
from svlm_cli.evals.world_writing import refuse_output, write_world
from svlm_cli.outputs.progress import ProgressStyle, open_progress
from svlm_cli.simulator.match.match import Match, Split

app = typer.Typer(add_completion=False)

_MINUTES, _FPS = 5.0, 8
_BENCHMARK_MATCHES, _BENCHMARK_MINUTES, _BENCHMARK_FPS = 20, 120.0, 2


@dataclass(frozen=True, slots=True)
class _Asked(options.QuietOptions):
    """The options, in the order of the help."""

    output: Annotated[
        Path,
        Panel.OUTPUT.option(
            "--output",
            "-o",
            metavar="FILE.mp4",
            help="The video; the other files are put beside it.",
            show_default="match.mp4 or footage.mp4",
        ),
    ] = Path("match.mp4")
    footage: Annotated[
        bool, Panel.OUTPUT.option("--footage", help="Write everyday things that move, filmed, instead of a match.")
    ] = False
    benchmark: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FOLDER",
            help="Write many matches instead, in the format of Inf-Streams-Eval: videos and annotation files.",
        ),
    ] = None
    questions: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FOLDER",
            help="Write many matches instead, in the format of OVO-Bench: videos and questions about them.",
        ),
    ] = None
    photos: options.Photos = None
    seed: Annotated[
        int, Panel.MATCH.option(min=0, help="Seed of the match or footage: the same seed gives the same.")
    ] = 0
    minutes: Annotated[
        float | None,
        Panel.MATCH.option(
            min=0.05, max=6000.0, help="Length of the video.", show_default="5, or 120 for many matches"
        ),
    ] = None
    fps: Annotated[
        int | None,
        Panel.MATCH.option(
            min=1,
            max=60,
            help="Frames per second; a match has 8 steps per second.",
            show_default="8, or 2 for many matches",
        ),
    ] = None
    split: Annotated[Split, Panel.MATCH.option(help="Use the team names of training or those of evaluation.")] = (
        Split.EVAL
    )
    matches: Annotated[
        int | None,
        Panel.MATCH.option(
            min=1,
            help="Number of matches for --benchmark and --questions, with seeds from --seed on.",
            show_default="20",
        ),
    ] = None
    start: Annotated[
        int | None,
        Panel.MATCH.option(
            min=0,
            metavar="SECONDS",
            help="Where the commentary of --benchmark matches starts.",
            show_default="1000, or 0 in shorter matches",
        ),
    ] = None
    overwrite: options.Overwrite = False


@app.command()
@takes(_Asked)
def simulate(asked: _Asked) -> None:
    """Simulate a match of the ball game Endless Match, or everyday footage, with its exact truth.

    Writes the video, and beside it the events (.events.jsonl), the reference commentary (.truth.srt), and the text that
    names the teams (.context.txt). With --benchmark, writes many matches in the format of Inf-Streams-Eval; with
    --questions, many matches with questions in the format of OVO-Bench.
    """
    _refuse_idle(asked)
    if asked.benchmark is None and asked.questions is None:
        _write_one(asked, asked.minutes or _MINUTES, asked.fps or _FPS)
    else:
        _write_many(asked)


def _refuse_idle(asked: _Asked) -> None:
    """What would do nothing in this call."""
    named = (("--benchmark", asked.benchmark), ("--questions", asked.questions))
    folders = {name: path.absolute() for name, path in named if path is not None}
    if len(folders) > len(set(folders.values())):
        raise UsageError("--benchmark and --questions name the same folder.", "Name two.")
    if folders and given("output"):
        raise UsageError(f"-o names one video, and {next(iter(folders))} a folder of many.", "Leave one of them out.")
    idle = {
        "--matches would do nothing: it is for --benchmark and --questions.": asked.matches is not None and not folders,
        "--start would do nothing: it is for --benchmark.": asked.start is not None and asked.benchmark is None,
        "--photos would do nothing: it is for --footage.": asked.photos is not None and not asked.footage,
        "--split would do nothing: --footage has no teams.": asked.footage and given("split"),
        "--footage would do nothing: benchmarks are of matches.": asked.footage and bool(folders),
    }
    for reason, found in idle.items():
        if found:
            raise UsageError(reason, "Leave it out.")


def _write_one(asked: _Asked, minutes: float, fps: int) -> None:
    output = Path("footage.mp4") if asked.footage and not given("output") else asked.output
    refuse_output(output, overwrite=asked.overwrite)
    footage = FootageRecording.of(asked.seed, asked.photos) if asked.footage else None
    world = footage or MatchRecording(Match(asked.seed, asked.split, keep_s=3600.0))
    name = str(output)
    with closing(open_progress(ProgressStyle.AUTO, quiet=asked.quiet)) as progress:
        progress.begin(name, minutes * 60)
        move = partial(progress.move, name)
        write_world(world, output, minutes * 60, fps, overwrite=asked.overwrite, progress=move)
        progress.end(name)
    asked.show(f"{world.context or 'Footage:'} {minutes:g} min in {output}, the rest beside it.")


def _write_many(asked: _Asked) -> None:
    """As one benchmark has them, or another, or both."""
    from svlm_cli.evals.benchmarks.many_matches import ManyMatches

    seconds = match_seconds(asked.minutes or _BENCHMARK_MINUTES)
    matches, fps = asked.matches or _BENCHMARK_MATCHES, asked.fps or _BENCHMARK_FPS
    many = ManyMatches(asked.seed, matches, seconds, fps, asked.split)
    if asked.benchmark is not None:
        many.write_games(asked.benchmark, asked.start, asked, overwrite=asked.overwrite)
    if asked.questions is not None:
        many.write_questions(asked.questions, asked, overwrite=asked.overwrite)
