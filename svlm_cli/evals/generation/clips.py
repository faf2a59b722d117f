"""The clips of Inf-Streams-Eval as separate stretches to comment on. Knows no model.

By the scoring rule, a comment must belong to its own clip and to no other, even if the times of two clips overlap by a
word.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.chunks import CommentaryFile, CommentedChunk, CommentedItem
from svlm_cli.evals.benchmarks.inf_streams import Narration, read_clips, read_narrations
from svlm_cli.evals.generation.journal import SaidRound
from svlm_cli.evals.generation.predictions import Prediction, Predictions
from svlm_cli.evals.generation.stretches import FoundStretches, VideoStretch, find_video


@dataclass(frozen=True, slots=True)
class ClipPlace:
    """The place of a clip's single comment in a prediction file, whose chunks are disjoint."""

    start_s: float  # of the chunk: the clip's start, or the end of the clip before
    item_end_s: float  # the clip's end, or the start of the next one
    end_s: float


def clip_stretches(annotations: Path, videos: Path) -> FoundStretches:
    """All clips of ``score_all_clips.jsonl``. Raises `InputError` if there are no videos."""
    read_clips(annotations)  # rejects invalid and duplicate clips
    lines, narrations = read_narrations(annotations)
    found: list[VideoStretch] = []
    missing: dict[str, InputError] = {}
    for one in narrations:
        try:
            path = find_video(videos, one.video)
        except InputError as error:
            missing[one.key] = error
        else:
            found.append(_stretch(one, path))
    if not found:
        raise next(iter(missing.values()))
    return FoundStretches(tuple(found), tuple(missing.values()), (lines.notice,) if lines.notice else ())


def _stretch(one: Narration, path: Path) -> VideoStretch:
    start, end = one.span
    return VideoStretch(PurePosixPath(one.video).name, path, float(start), float(end), one.preasr, one.title)


class ClipPredictions(Predictions):
    """For Inf-Streams-Eval by clip: one line with one item per clip. Raises what `CommentaryFile` does.

    `InputError` if the comments of two clips could not be distinguished.
    """

    def __init__(self, path: Path, clips: Iterable[VideoStretch]) -> None:
        self._places = _places_of(clips)
        self._file = CommentaryFile(path)
        self.notice = self._file.notice

    def is_done(self, stretch: VideoStretch) -> bool:
        """Whether its line exists."""
        return self._file.holds(stretch.video, self._places[stretch].start_s)

    def begin(self, stretch: VideoStretch) -> Prediction:
        """The prediction for a clip."""
        return _OfClip(stretch, self._places[stretch], self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _OfClip:
    def __init__(self, stretch: VideoStretch, place: ClipPlace, file: CommentaryFile) -> None:
        self._stretch, self._place, self._file = stretch, place, file
        self._said: list[str] = []

    def add(self, one: SaidRound) -> None:
        """Add its words."""
        self._said.append(one.text)

    def finish(self, end_s: float) -> None:  # noqa: ARG002  the line has the clip's own times
        """Write everything said as one item."""
        place = self._place
        item = CommentedItem(" ".join(self._said), self._stretch.start_s, place.item_end_s)
        self._file.append(CommentedChunk(self._stretch.video, place.start_s, place.end_s, (item,)))


def _places_of(stretches: Iterable[VideoStretch]) -> dict[VideoStretch, ClipPlace]:
    by_video: dict[str, list[VideoStretch]] = {}
    for one in stretches:
        by_video.setdefault(one.video, []).append(one)
    return dict(place for clips in by_video.values() for place in _places(clips))


def _places(clips: list[VideoStretch]) -> Iterator[tuple[VideoStretch, ClipPlace]]:
    """The places of the clips of one video."""
    clips = sorted(clips, key=lambda one: (one.start_s, one.end_s))
    reached_s = 0.0
    for index, one in enumerate(clips):
        next_s = clips[index + 1].start_s if index + 1 < len(clips) else one.end_s
        place = ClipPlace(max(one.start_s, reached_s), min(one.end_s, next_s), one.end_s)
        if place.item_end_s <= place.start_s:
            raise InputError(
                f"The clip of {shown(one.video)} from {one.start_s:g} s to {one.end_s:g} s has no second to itself.",
                "Correct the clips, or name another file.",
            )
        reached_s = one.end_s
        yield one, place
