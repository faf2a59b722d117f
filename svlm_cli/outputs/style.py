"""Limits that make cues readable. The defaults follow common guidelines for adults (Netflix, BBC).

Does not know how cues are made: see ``cues.py``.
"""

import math
from dataclasses import dataclass

from svlm_cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class CueStyle:
    """Limits of a cue. Widths are displayed columns: ideographs and emoji take two."""

    max_line_width: int = 42
    max_lines: int = 2
    max_cps: float = 20.0  # columns per second; a soft limit, as the speaker cannot be slowed down
    min_s: float = 5 / 6
    max_s: float = 7.0
    sentence_s: float = 1.5  # a sentence at least this long ends its cue
    silence_s: float = 2.0  # ends a cue
    hold_s: float = 1.5  # how long a cue may stay after its last word
    drift_s: float = 1.5  # how late a cue may start, when the one before it needs the time
    gap_s: float = 1 / 12  # between two cues: two frames of film
    bridge_s: float = 0.5  # shorter gaps than this are closed down to `gap_s`

    def __post_init__(self) -> None:
        _require(self.max_line_width >= 2, f"A line needs 2 columns or more, not {self.max_line_width}.")
        _require(self.max_lines >= 1, f"A cue needs 1 line or more, not {self.max_lines}.")
        _require(
            math.isfinite(self.max_cps) and self.max_cps > 0,
            f"max_cps, the columns that a reader can follow in a second, must be above 0, not {self.max_cps:g}.",
        )
        _require(
            0.001 <= self.min_s <= self.max_s < math.inf,
            f"min_s ({self.min_s:g}) must be 0.001 or more and at most max_s ({self.max_s:g}).",
        )
        for name in ("sentence_s", "silence_s", "hold_s", "drift_s", "gap_s", "bridge_s"):
            value = getattr(self, name)
            _require(math.isfinite(value) and value >= 0, f"{name} must be 0 or more, not {value}.")
        _require(
            self.hold_s <= self.silence_s,
            f"hold_s ({self.hold_s:g}) must be at most silence_s ({self.silence_s:g}), "
            "or a cue could still stand when the next words come.",
        )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)


DEFAULT_STYLE = CueStyle()
