"""Sets a cue's display times from the times of its words and of its neighbours. Knows no text.

All times are whole milliseconds, the resolution of subtitle files.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from svlm_cli.outputs.style import CueStyle
from svlm_cli.outputs.words import Word


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What a cue has to leave room for."""

    previous_end_ms: int | None = None
    next_start_ms: int | None = None  # time of the next word, if no gap in the source precedes it
    next_end_ms: int = 0  # end of the last word that may share a cue with it
    limit_ms: int | None = None  # where the source breaks off: no cue is shown longer


class Scheduler:
    """Places cues one after another.

    A cue starts no earlier than the round of its first word and the end of the previous cue, and at most `drift_s`
    after its first word; it ends at most `hold_s` after its last word. Within these limits it is shown as long as
    reading takes. A late cue follows without a gap; a cue that cannot be read in time anyway delays the next one no
    further than it is late itself.
    """

    def __init__(self, style: CueStyle) -> None:
        self._max_cps = style.max_cps
        self._min_ms = math.ceil(style.min_s * 1000 - 1e-6)
        self._max_ms = math.floor(style.max_s * 1000 + 1e-6)
        self._hold_ms = round(style.hold_s * 1000)
        self._drift_ms = round(style.drift_s * 1000)
        self._gap_ms = round(style.gap_s * 1000)
        self._bridge_ms = round(style.bridge_s * 1000)

    def place(self, words: Sequence[Word], columns: int, around: Neighbours) -> tuple[int, int]:
        """Start and end of the cue of `words`, in ms: at least 1 ms, at most `max_s`, never overlapping a neighbour."""
        said_ms, end_said_ms = words[0].start_ms, words[-1].end_ms
        wanted_ms = max(self._min_ms, math.ceil(columns * 1000 / self._max_cps))
        latest_ms = self._latest_end(end_said_ms, around)

        start_ms = said_ms
        earliest_ms = words[0].round_start_ms
        if around.previous_end_ms is not None:
            late = around.previous_end_ms > said_ms
            start_ms = max(said_ms, around.previous_end_ms + (0 if late else self._gap_ms))
            earliest_ms = max(earliest_ms, around.previous_end_ms)
        start_ms = min(start_ms, max(earliest_ms, latest_ms - wanted_ms))
        latest_ms = min(latest_ms, start_ms + self._max_ms)

        read_ms = start_ms + wanted_ms
        end_ms = max(read_ms, end_said_ms)
        if around.next_start_ms is not None:
            if end_ms > around.next_start_ms - self._bridge_ms:
                end_ms = max(read_ms, around.next_start_ms - self._gap_ms, words[-1].start_ms)
            if end_ms > latest_ms:
                end_ms = max(end_said_ms + start_ms - said_ms, start_ms + self._min_ms)
        return start_ms, max(min(end_ms, latest_ms), start_ms + 1)

    def _latest_end(self, end_said_ms: int, around: Neighbours) -> int:
        latest_ms = end_said_ms + self._hold_ms
        if around.limit_ms is not None:
            latest_ms = min(latest_ms, around.limit_ms)
        if around.next_start_ms is not None:
            next_lasts_ms = around.next_end_ms + self._hold_ms - self._min_ms  # or the next would be shorter
            latest_ms = min(latest_ms, around.next_start_ms + self._drift_ms, max(next_lasts_ms, end_said_ms))
        return latest_ms
