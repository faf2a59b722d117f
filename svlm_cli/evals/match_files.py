"""A match as pictures, stretch by stretch, and as a log of JSON lines.

Knows the simulator; does not know where files go.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np

from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Picture
from svlm_cli.simulator.match.commentary import second_text, words
from svlm_cli.simulator.match.match import HEIGHT, WIDTH, Event, Match
from svlm_cli.simulator.match.render import render

_STRETCH_S: Final = 15  # length held in memory at once

Stretch = tuple[float, float]
"""Start and end, in seconds."""


def stretches(duration_s: float) -> Iterator[Stretch]:
    """Divides a match into parts to write one at a time."""
    for start in range(0, math.ceil(duration_s), _STRETCH_S):
        yield float(start), min(start + _STRETCH_S, duration_s)


def pictures(match: Match, stretch: Stretch, fps: int) -> Picture:
    """``[N, H, W, 3]``: the pictures of a stretch, at `fps`."""
    first, last = (math.ceil(time_s * fps - 1e-9) for time_s in stretch)
    return render(match.scenes(np.arange(first, last) / fps))


def event_lines(match: Match, stretch: Stretch) -> str:
    """One line per event in a stretch."""
    return "".join(_event_line(match, event) for event in match.events(*stretch))


def _event_line(match: Match, event: Event) -> str:
    name = None if event.team is None else match.teams[event.team].name
    row = {"time_s": event.time_s, "kind": event.kind, "team": event.team, "name": name, "score": event.score}
    return json.dumps(row) + "\n"


@dataclass(frozen=True, slots=True)
class MatchRecording:
    """A match as `Recording` has it."""

    match: Match

    @property
    def size(self) -> tuple[int, int]:
        """See `Recording`."""
        return HEIGHT, WIDTH

    @property
    def context(self) -> str:
        """See `Recording`."""
        return self.match.context

    def pictures(self, stretch: Stretch, fps: int) -> Picture:
        """See `Recording`."""
        return pictures(self.match, stretch, fps)

    def event_lines(self, stretch: Stretch) -> str:
        """See `Recording`."""
        return event_lines(self.match, stretch)

    def said(self, stretch: Stretch) -> dict[int, str]:
        """See `Recording`."""
        by_second = groupby(words(self.match, *stretch), key=attrgetter("second"))
        return {second: second_text(said) for second, said in by_second}


def match_seconds(minutes: float) -> int:
    """Whole seconds; `UsageError` if invalid."""
    seconds = round(minutes * 60) if abs(minutes) < 1e6 else 0
    if seconds < 1:
        raise UsageError(
            f"{minutes:g} minutes is not a valid length of a match.", "Give a number above 0, like 2 or 120."
        )
    return seconds
