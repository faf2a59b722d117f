"""The clips of Inf-Streams-Eval as stretches, each to be commented on alone. Knows no model.

A comment on a clip has to belong to that clip by the scoring rule, and to no other, also where the times of two clips
overlap by a word.
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
    """Where the one comment on a clip stands in a file of predictions, whose chunks do not overlap."""

    start_s: float  # of the chunk: the clip's, or where the clip before it ends
    item_end_s: float  # the clip's end, or where the next one begins
    end_s: float


def clip_stretches(annotations: Path, videos: Path) -> FoundStretches:
    """Each clip of ``score_all_clips.jsonl``. Raises `InputError` if no video is there."""
    read_clips(annotations)  # refuses what is no clip, or is there twice
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
    """Of Inf-Streams-Eval, clip by clip: a line with one item for each. Raises as `CommentaryFile` does.

    `InputError` for clips whose comments could not be told apart.
    """

    def __init__(self, path: Path, clips: Iterable[VideoStretch]) -> None:
        self._places = _places_of(clips)
        self._file = CommentaryFile(path)
        self.notice = self._file.notice

    def is_done(self, stretch: VideoStretch) -> bool:
        """Whether its line is there."""
        return self._file.holds(stretch.video, self._places[stretch].start_s)

    def begin(self, stretch: VideoStretch) -> Prediction:
        """That of a clip."""
        return _OfClip(stretch, self._places[stretch], self._file)

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


class _OfClip:
    def __init__(self, stretch: VideoStretch, place: ClipPlace, file: CommentaryFile) -> None:
        self._stretch, self._place, self._file = stretch, place, file
        self._said: list[str] = []

    def add(self, one: SaidRound) -> None:
        """Its words."""
        self._said.append(one.text)

    def finish(self, end_s: float) -> None:  # noqa: ARG002  a clip's line has the clip's times
        """All that was said, as one item."""
        place = self._place
        item = CommentedItem(" ".join(self._said), self._stretch.start_s, place.item_end_s)
        self._file.append(CommentedChunk(self._stretch.video, place.start_s, place.end_s, (item,)))


def _places_of(stretches: Iterable[VideoStretch]) -> dict[VideoStretch, ClipPlace]:
    by_video: dict[str, list[VideoStretch]] = {}
    for one in stretches:
        by_video.setdefault(one.video, []).append(one)
    return dict(place for clips in by_video.values() for place in _places(clips))


def _places(clips: list[VideoStretch]) -> Iterator[tuple[VideoStretch, ClipPlace]]:
    """Of one video."""
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
