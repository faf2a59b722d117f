"""Writes a simulated world as files beside each other: video, context, events and reference commentary."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Picture, Segment
from svlm_cli.evals.match_files import Stretch, stretches
from svlm_cli.media.part import PartVideo
from svlm_cli.media.writer import VideoWriter
from svlm_cli.outputs.destination import open_destination, text_file
from svlm_cli.outputs.style import CueStyle
from svlm_cli.outputs.subtitles import SrtOutput


class Recording(Protocol):
    """What there is to write about a world."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        ...

    @property
    def context(self) -> str:
        """What is known before it begins; empty: there is nothing."""
        ...

    def pictures(self, stretch: Stretch, fps: int) -> Picture:
        """``[N, H, W, 3]``: the pictures of a stretch, at `fps`."""
        ...

    def event_lines(self, stretch: Stretch) -> str:
        """One line of JSON per event that begins in a stretch."""
        ...

    def said(self, stretch: Stretch) -> Mapping[int, str]:
        """The reference commentary: what is said in each second of a stretch."""
        ...


def refuse_output(output: Path, *, overwrite: bool) -> None:
    """Before anything is written: `UsageError` or `OutputError` for an impossible output."""
    if output.suffix.lower() != ".mp4":
        raise UsageError(f"{output} is not the name of an MP4 file.", "Give one like match.mp4.")
    PartVideo(output, overwrite=overwrite)


def write_world(
    world: Recording, output: Path, seconds: float, fps: int, *, overwrite: bool, progress: Callable[[float], None]
) -> None:
    """Write this many seconds. `progress` is called with the seconds written. Raises `OutputError`.

    File names differ from those of `svlm caption` for the same video.
    """
    height, width = world.size
    with ExitStack() as files:
        context = text_file(output.with_suffix(".context.txt"), overwrite=overwrite) if world.context else nullcontext()
        known = files.enter_context(context)
        events = files.enter_context(text_file(output.with_suffix(".events.jsonl"), overwrite=overwrite))
        subtitles = files.enter_context(_subtitles(output.with_suffix(".truth.srt"), overwrite=overwrite))
        # Opened last, so closed first: without the video, no other file gets its name.
        writer = VideoWriter(output, width=width, height=height, rate=Fraction(fps), overwrite=overwrite)
        video = files.enter_context(writer)
        if known is not None:
            known.write(f"{world.context}\n")
        for stretch in stretches(seconds):
            video.write(world.pictures(stretch, fps))
            events.write(world.event_lines(stretch))
            for segment in _segments(world, stretch):
                subtitles.write(segment)
            progress(stretch[1])


def _segments(world: Recording, stretch: Stretch) -> Iterator[Segment]:
    """The reference commentary as rounds of one second."""
    start_s, end_s = stretch
    spoken = world.said(stretch)
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
