"""The pairs to judge, by each benchmark's rules: what both commentaries cover, or a commentary and a control.

Knows the files of the benchmarks; no prompt and no judge.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.chunks import read_commentary
from svlm_cli.evals.benchmarks.inf_streams import candidate_text, covered_by_all, read_clips
from svlm_cli.evals.benchmarks.livesports import read_events, read_predictions
from svlm_cli.evals.judge.questions import NO_FIFTH, JudgedPair


class Control(StrEnum):
    """What a commentary is compared with to test the judge."""

    SAME = "same"
    REFERENCE = "reference"
    EMPTY = "empty"


CONTROL_TEXTS: Final[Mapping[Control, Callable[[str, str], str]]] = {  # given the reference and the commentary
    Control.SAME: lambda _, said: said,
    Control.REFERENCE: lambda reference, _: reference,
    Control.EMPTY: lambda reference, said: "",
}


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs, the number of parts left out, and remarks about the files."""

    pairs: tuple[JudgedPair, ...]
    left_out: int
    notices: tuple[str, ...]


def commentary_pairs(clips: Path, a: Path, b: Path | None, control: Control | None) -> Pairs:
    """The clips of Inf-Streams-Eval. Raises `InputError`."""
    lines, listed = read_clips(clips)
    said = [read_commentary(path) for path in (a, b) if path is not None]
    covered = covered_by_all(listed, said)
    pairs = []
    for clip in covered.clips:
        texts = [candidate_text(one.items[clip.video], clip) for one in said]
        place = f"{clip.start_s}-{clip.end_s}"
        sides = _sides(texts, clip.reference, control)
        pairs.append(JudgedPair(clip.video, place, clip.fifth, clip.reference, *sides))
    notices = (lines.notice, *(one.notice for one in said))
    return _pairs(pairs, covered.left_out, notices, clips)


def livesports_pairs(events: Path, a: Path, b: Path | None, control: Control | None) -> Pairs:
    """The events of LiveSports-3K CC. Raises `InputError`."""
    listed = read_events(events)
    read = [read_predictions(path) for path in (a, b) if path is not None]
    pairs = []
    for event in listed:
        if all(event.key in said for said, _ in read):
            texts = [said[event.key].pred for said, _ in read]
            sides = _sides(texts, event.event_asr_text, control)
            pairs.append(JudgedPair(event.video_id, event.event_id, NO_FIFTH, event.event_asr_text, *sides))
    return _pairs(pairs, len(listed) - len(pairs), tuple(notice for _, notice in read), events)


def _sides(texts: list[str], reference: str, control: Control | None) -> tuple[str, str]:
    if control is None:
        return texts[0], texts[1]
    return CONTROL_TEXTS[control](reference, texts[0]), texts[0]


def _pairs(pairs: list[JudgedPair], left_out: int, notices: tuple[str, ...], data: Path) -> Pairs:
    if not pairs:
        raise InputError(f"Nothing in {data} is covered by all predictions.", "Name predictions of these videos.")
    return Pairs(tuple(pairs), left_out, tuple(filter(None, notices)))
