"""``svlm simulate``: a match of the simulator as files: video, events, reference commentary, context.

What it writes has no name that `svlm caption` gives to captions of the video.
"""

import json
import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from svlm_cli.commands import options
from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Segment
from svlm_cli.media.part import PartVideo
from svlm_cli.media.writer import VideoWriter
from svlm_cli.outputs.destination import open_destination, text_file
from svlm_cli.outputs.progress import Progress, ProgressStyle, open_progress
from svlm_cli.outputs.style import CueStyle
from svlm_cli.outputs.subtitles import SrtOutput
from svlm_cli.simulator.commentary import second_text, words
from svlm_cli.simulator.match import HEIGHT, WIDTH, Event, Match, Split
from svlm_cli.simulator.render import render

app = typer.Typer(add_completion=False)

_BLOCK_S = 15  # what is in memory at once


@app.command()
def simulate(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.mp4",
            help="The video; the rest is put beside it.",
            rich_help_panel=Panel.OUTPUT,
        ),
    ] = Path("match.mp4"),
    seed: Annotated[
        int,
        typer.Option(
            "--seed", min=0, help="Picks the match: the same seed gives the same match.", rich_help_panel=Panel.MATCH
        ),
    ] = 0,
    minutes: Annotated[float, typer.Option(min=0.05, max=6000.0, help="How long.", rich_help_panel=Panel.MATCH)] = 5.0,
    fps: Annotated[
        int,
        typer.Option(
            min=1, max=60, help="Frames a second; the world moves 8 times a second.", rich_help_panel=Panel.MATCH
        ),
    ] = 8,
    split: Annotated[
        Split,
        typer.Option(help="Which team names: those of training, or those of evaluation.", rich_help_panel=Panel.MATCH),
    ] = (Split.EVAL),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=Panel.OUTPUT)
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Play a match of the Endless Match, whose truth is known.

    Writes the video, and beside it what happened (.events.jsonl), what there is to say of it (.truth.srt), and the text
    that names the teams (.context.txt).
    """
    if output.suffix.lower() != ".mp4":
        raise UsageError(f"{output} is not the name of an MP4 file.", "Give one like match.mp4.")
    match = Match(seed, split, keep_s=3600.0)
    PartVideo(output, overwrite=overwrite)  # refused before anything is written
    with (
        _progress(str(output), minutes * 60, quiet=quiet) as progress,
        text_file(output.with_suffix(".context.txt"), overwrite=overwrite) as context,
        text_file(output.with_suffix(".events.jsonl"), overwrite=overwrite) as events,
        _subtitles(output.with_suffix(".truth.srt"), overwrite=overwrite) as subtitles,
        # The last, and so the first that is closed: without the video, nothing else gets its name.
        VideoWriter(output, width=WIDTH, height=HEIGHT, rate=Fraction(fps), overwrite=overwrite) as video,
    ):
        context.write(f"{match.context}\n")
        for start_s, end_s in _blocks(minutes * 60):
            frames = np.arange(math.ceil(start_s * fps - 1e-9), math.ceil(end_s * fps - 1e-9))
            video.write(render(match.scenes(frames / fps)))
            events.write("".join(_event_line(match, event) for event in match.events(start_s, end_s)))
            for segment in _segments(match, start_s, end_s):
                subtitles.write(segment)
            progress.move(str(output), end_s)
    if not quiet:
        typer.echo(f"{match.context} {minutes:g} min in {output}, the rest beside it.", err=True)


def _blocks(duration_s: float) -> Iterator[tuple[float, float]]:
    for start in range(0, math.ceil(duration_s), _BLOCK_S):
        yield float(start), min(start + _BLOCK_S, duration_s)


def _event_line(match: Match, event: Event) -> str:
    name = None if event.team is None else match.teams[event.team].name
    row = {"time_s": event.time_s, "kind": event.kind, "team": event.team, "name": name, "score": event.score}
    return json.dumps(row) + "\n"


def _segments(match: Match, start_s: float, end_s: float) -> Iterator[Segment]:
    """The reference commentary as rounds of one second."""
    by_second = groupby(words(match, start_s, end_s), key=attrgetter("second"))
    spoken = {second: second_text(said) for second, said in by_second}
    for second in range(int(start_s), math.ceil(end_s)):
        until_s = min(second + 1, end_s)
        yield Segment(0, second, float(second), until_s, spoken.get(second, ""), token_ids=(), work_s=0.0)


@contextmanager
def _progress(name: str, length_s: float, *, quiet: bool) -> Iterator[Progress]:
    """How far the match is: a bar on a terminal, else a line now and then."""
    with closing(open_progress(ProgressStyle.AUTO, quiet=quiet)) as progress:
        progress.begin(name, length_s)
        yield progress
        progress.end(name)


@contextmanager
def _subtitles(path: Path, *, overwrite: bool) -> Iterator[SrtOutput]:
    output, complete = SrtOutput(open_destination(path, overwrite=overwrite), CueStyle()), False
    try:
        yield output
        complete = True
    finally:
        output.close(complete=complete)
