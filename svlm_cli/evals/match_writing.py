"""Writes a match as files beside each other: video, context, events and reference commentary."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Segment
from svlm_cli.evals.match_files import Stretch, event_lines, pictures, stretches
from svlm_cli.media.part import PartVideo
from svlm_cli.media.writer import VideoWriter
from svlm_cli.outputs.destination import open_destination, text_file
from svlm_cli.outputs.style import CueStyle
from svlm_cli.outputs.subtitles import SrtOutput
from svlm_cli.simulator.match.commentary import second_text, words
from svlm_cli.simulator.match.match import HEIGHT, WIDTH, Match


def refuse_output(output: Path, *, overwrite: bool) -> None:
    """Before anything is written: `UsageError` or `OutputError` for an impossible output."""
    if output.suffix.lower() != ".mp4":
        raise UsageError(f"{output} is not the name of an MP4 file.", "Give one like match.mp4.")
    PartVideo(output, overwrite=overwrite)


def write_match(
    match: Match, output: Path, seconds: float, fps: int, *, overwrite: bool, progress: Callable[[float], None]
) -> None:
    """Write this many seconds. `progress` is called with the seconds written. Raises `OutputError`.

    File names differ from those of `svlm caption` for the same video.
    """
    with (
        text_file(output.with_suffix(".context.txt"), overwrite=overwrite) as context,
        text_file(output.with_suffix(".events.jsonl"), overwrite=overwrite) as events,
        _subtitles(output.with_suffix(".truth.srt"), overwrite=overwrite) as subtitles,
        # Opened last, so closed first: without the video, no other file gets its name.
        VideoWriter(output, width=WIDTH, height=HEIGHT, rate=Fraction(fps), overwrite=overwrite) as video,
    ):
        context.write(f"{match.context}\n")
        for stretch in stretches(seconds):
            video.write(pictures(match, stretch, fps))
            events.write(event_lines(match, stretch))
            for segment in _segments(match, stretch):
                subtitles.write(segment)
            progress(stretch[1])


def _segments(match: Match, stretch: Stretch) -> Iterator[Segment]:
    """The reference commentary as rounds of one second."""
    start_s, end_s = stretch
    by_second = groupby(words(match, start_s, end_s), key=attrgetter("second"))
    spoken = {second: second_text(said) for second, said in by_second}
    for second in range(int(start_s), math.ceil(end_s)):
        until_s = min(second + 1, end_s)
        yield Segment(0, second, float(second), until_s, spoken.get(second, ""), token_ids=(), work_s=0.0)


@contextmanager
def _subtitles(path: Path, *, overwrite: bool) -> Iterator[SrtOutput]:
    output, complete = SrtOutput(open_destination(path, overwrite=overwrite), CueStyle()), False
    try:
        yield output
        complete = True
    finally:
        output.close(complete=complete)
