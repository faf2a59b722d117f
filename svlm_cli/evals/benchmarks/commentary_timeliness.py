"""How timely a commentary is, by comparing predictions with human annotations, word by word.

Compares the time that both cover: from the annotation's first word to its last, as far as the predictions reach. Knows
neither judge nor terminal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.chunks import Commentary, read_commentary
from svlm_cli.evals.benchmarks.inf_streams import Narration, read_narrations
from svlm_cli.evals.benchmarks.telling_words import annotated_moments, item_moments
from svlm_cli.evals.pairing import Moment
from svlm_cli.evals.timeliness import TimedControls, Timeliness, hold_against, measure_timeliness

SHIFT_S: Final = 3


@dataclass(frozen=True, slots=True)
class TimedCommentary:
    """The scores of a prediction file and of its controls, and remarks about the files."""

    timeliness: Timeliness
    controls: TimedControls
    videos: int
    left_out: int  # annotated, but not covered
    notices: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The contents of the report, except file names."""
        return {
            "videos": self.videos,
            "left_out": self.left_out,
            "timeliness": self.timeliness.to_json(),
            "shift_s": SHIFT_S,
            "controls": self.controls.to_json(),
        }


@dataclass(frozen=True, slots=True)
class _Game:
    """The part of a video that is compared. Times are relative to its start."""

    seconds: int
    wanted: tuple[Moment, ...]
    said: tuple[Moment, ...]


def time_commentary(predictions: Path, annotations: Path) -> TimedCommentary:
    """Score all videos that are in both files. Raises `InputError`."""
    lines, narrations = read_narrations(annotations)
    seen: set[str] = set()
    for (line, _), one in zip(lines.rows, narrations, strict=True):
        if one.key in seen:
            raise InputError(
                f"Line {line} of {annotations} names {shown(one.video)} again: these are clips, not whole videos.",
                "Name eval_all_metadata.jsonl.",
            )
        seen.add(one.key)
    commentary = read_commentary(predictions)
    games = [game for one in narrations if (game := _game(one, commentary)) is not None]
    if not games:
        raise InputError(
            f"{predictions} covers no video of {annotations}.", "Name predictions and annotations of the same videos."
        )
    return TimedCommentary(
        measure_timeliness([hold_against(game.wanted, game.said, game.seconds) for game in games]),
        _controls(games),
        len(games),
        len(narrations) - len(games),
        tuple(filter(None, (lines.notice, commentary.notice))),
    )


def _game(one: Narration, commentary: Commentary) -> _Game | None:
    if one.key not in commentary.items:
        return None
    start, end = math.floor(one.content[0][0]), math.ceil(one.content[-1][1])
    covered = commentary.chunks.get(one.key, ((start, end),))  # the older format covers the videos that it names
    start, end = max(start, math.floor(covered[0][0])), min(end, math.ceil(covered[-1][1]))
    if end <= start:
        return None

    def compared(moments: Sequence[Moment]) -> tuple[Moment, ...]:
        inside = (moment for moment in moments if start < moment[0] <= end)
        return tuple((time_s - start, word) for time_s, word in inside if _is_covered(time_s, covered))

    items = commentary.items[one.key]
    return _Game(end - start, compared([*annotated_moments(one.content)]), compared([*item_moments(items)]))


def _is_covered(time_s: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(start < time_s <= end for start, end in spans)


def _controls(games: Sequence[_Game]) -> TimedControls:
    reference = [hold_against(one.wanted, one.wanted, one.seconds) for one in games]
    shifted = [
        hold_against(one.wanted, [(time_s + SHIFT_S, word) for time_s, word in one.wanted], one.seconds)
        for one in games
    ]
    empty = [hold_against(one.wanted, (), one.seconds) for one in games]
    return TimedControls(measure_timeliness(reference), measure_timeliness(shifted), measure_timeliness(empty))
