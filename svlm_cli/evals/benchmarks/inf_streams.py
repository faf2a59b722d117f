"""Inf-Streams-Eval: reads its annotation files, and assigns a commentary's words to clips.

The scoring rules are exactly those of the published benchmark. Knows no judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.chunks import Commentary, CommentedItem, video_key
from svlm_cli.evals.scores import FIFTHS
from svlm_cli.jsonl.lines import JsonLines, LineError, is_time, read_lines, text

MOST_CHARACTERS: Final = 8000  # per judged text


@dataclass(frozen=True, slots=True)
class Narration:
    """What people said about a video, or a clip of one: words with their times."""

    video: str  # as in the file, with its folder
    content: tuple[tuple[float, float, str], ...]  # start and end in seconds, words
    title: str
    preasr: str

    @property
    def key(self) -> str:
        """The video's name in predictions."""
        return video_key(self.video)

    @property
    def span(self) -> tuple[int, int]:
        """From its first word to its last, in whole seconds."""
        return int(self.content[0][0]), int(self.content[-1][1])


@dataclass(frozen=True, slots=True)
class ScoredClip:
    """A part of a video, and what people said there."""

    video: str  # key of the video
    start_s: int
    end_s: int
    fifth: int  # of its video, counted from 0
    reference: str


@dataclass(frozen=True, slots=True)
class CoveredClips:
    """The clips that all commentaries cover, and the number of those left out."""

    clips: tuple[ScoredClip, ...]
    left_out: int


def read_narrations(path: Path) -> tuple[JsonLines, tuple[Narration, ...]]:
    """Read ``eval_all_metadata.jsonl``, a video per line, or ``score_all_clips.jsonl``, a clip per line.

    Raises `InputError`.
    """
    lines = read_lines(path)
    found = []
    folders: dict[str, str] = {}
    for line, row in lines.rows:
        with lines.at(line):
            one = _narration(row)
            if folders.setdefault(one.key, one.video) != one.video:
                raise LineError(f"names {shown(one.video)}, and {shown(folders[one.key])} has the same name")
            found.append(one)
    if not found:
        raise InputError(f"{path} holds no videos or clips.", "Name a file of Inf-Streams-Eval.")
    return lines, tuple(found)


def _narration(row: Mapping[str, Any]) -> Narration:
    content = row.get("content")
    if not isinstance(content, list) or not content:
        raise LineError("cannot be used: content must be a list of words with their times")
    words = []
    for index, one in enumerate(content):
        match one:
            case [start, end, str() as said] if is_time(start) and is_time(end) and start <= end:
                words.append((float(start), float(end), said))
            case _:
                raise LineError(f"cannot be used: content[{index}] must be [start, end, words], not {shown(one)}")
    video = text(row, "video")
    if not video_key(video):
        raise LineError("cannot be used: video names none")
    return Narration(video, tuple(words), text(row, "title", default=""), text(row, "preasr", default=""))


def read_clips(path: Path) -> tuple[JsonLines, tuple[ScoredClip, ...]]:
    """The clips of ``score_all_clips.jsonl``, each with its fifth of the annotated part of its video."""
    lines, narrations = read_narrations(path)
    seen = set()
    spans: dict[str, tuple[int, int]] = {}
    for (line, _), one in zip(lines.rows, narrations, strict=True):
        start, end = one.span
        with lines.at(line):
            if end <= start:
                raise LineError(f"cannot be used: a clip from {start} s to {end} s holds no second")
            if (one.key, start, end) in seen:
                raise LineError(f"repeats the clip from {start} s to {end} s of {shown(one.video)}")
        seen.add((one.key, start, end))
        first, last = spans.get(one.key, (start, end))
        spans[one.key] = min(first, start), max(last, end)
    return lines, tuple(_clip(one, spans[one.key]) for one in narrations)


def _clip(one: Narration, video: tuple[int, int]) -> ScoredClip:
    (start, end), (first, last) = one.span, video
    fifth = min(int(FIFTHS * ((start + end) / 2 - first) / (last - first)), FIFTHS - 1)
    reference = "\n".join(words for _, _, words in one.content)
    return ScoredClip(one.key, start, end, fifth, reference[:MOST_CHARACTERS])


def candidate_text(items: Sequence[CommentedItem], clip: ScoredClip) -> str:
    """The judged text of a commentary: an item belongs to the clip that contains its end, truncated to a second."""
    said = [one.response for one in items if clip.start_s < int(one.end_s) <= clip.end_s]
    return " ".join(said)[:MOST_CHARACTERS]


def covered_by_all(clips: Sequence[ScoredClip], commentaries: Sequence[Commentary]) -> CoveredClips:
    """The clips that every commentary covers."""
    kept = tuple(
        clip for clip in clips if all(one.covers(clip.video, clip.start_s, clip.end_s) for one in commentaries)
    )
    return CoveredClips(kept, len(clips) - len(kept))
