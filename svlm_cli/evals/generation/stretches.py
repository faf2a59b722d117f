"""The stretches of video to comment on, from the benchmarks' annotation files. Knows no model."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.inf_streams import Narration, read_narrations
from svlm_cli.evals.benchmarks.livesports import SportsEvent, read_events
from svlm_cli.jsonl.lines import LineError

_SEED_BYTES = 8


@dataclass(frozen=True, slots=True)
class VideoStretch:
    """A stretch of video to comment on."""

    video: str  # as in predictions: ``ID.mp4``; for an event, the id of its video
    path: Path
    start_s: float
    end_s: float
    context: str  # previous text
    title: str = ""
    event_id: str = ""  # of LiveSports
    is_piece: bool = False  # one of several pieces of its video, each with its own stream

    @property
    def is_whole(self) -> bool:
        """Whether it is all that is annotated of its video."""
        return not (self.is_piece or self.event_id)

    @property
    def key(self) -> str:
        """Unique within a run."""
        piece = f"/{self.start_s:g}" if self.is_piece else ""
        return f"{self.video}/{self.event_id}" if self.event_id else f"{self.video}{piece}"

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"{self.video}, event {self.event_id}" if self.event_id else self.video

    def seed(self, base: int) -> int:
        """The seed of its random numbers, independent of other stretches."""
        return int.from_bytes(hashlib.sha256(f"{base}/{self.key}".encode()).digest()[:_SEED_BYTES])


@dataclass(frozen=True, slots=True)
class StreamSeed:
    """What every stream of a run begins with."""

    seed: int
    query: str | None = None


@dataclass(frozen=True, slots=True)
class FoundStretches:
    """Stretches whose videos exist, the longest first, and errors about the others."""

    stretches: tuple[VideoStretch, ...]
    missing: tuple[InputError, ...] = ()
    notices: tuple[str, ...] = ()


def commentary_stretches(annotations: Path, videos: Path, *, start_s: float, chunk_s: float | None) -> FoundStretches:
    """Each video of ``eval_all_metadata.jsonl`` from `start_s` to its last word; with `chunk_s`, cut into pieces.

    Raises `InputError` for duplicate videos, or if there is nothing to comment on.
    """
    found: list[VideoStretch] = []
    missing, notices = [], []
    for one in _one_a_video(annotations):
        end_s = float(one.span[1])
        if end_s <= start_s:
            notices.append(f"{one.video} is left out: its words end at {end_s:g} s, before --start.")
            continue
        try:
            path = find_video(videos, one.video)
        except InputError as error:
            missing.append(error)
            continue
        found += _stretches(one, path, start_s, end_s, chunk_s)
    return _longest_first(found, missing, notices, annotations)


def event_stretches(events: Path, videos: Path) -> FoundStretches:
    """Each event of LiveSports-3K CC. Raises `InputError` if there is nothing to comment on."""
    found, missing = [], []
    for one in read_events(events):
        _require_length(one)
        try:
            path = find_video(videos, one.video)
        except InputError as error:
            missing.append(error)
            continue
        found.append(
            VideoStretch(one.video_id, path, one.begin_s, one.end_s, one.preasr_text, one.event_title, one.event_id)
        )
    return _longest_first(found, missing, [], events)


def find_video(folder: Path, name: str) -> Path:
    """``FOLDER/Sport/ID.mp4`` for ``Sport/ID.mp4``, or ``FOLDER/ID.mp4``. `InputError` names the paths tried."""
    named = PurePosixPath(name)
    inside = not named.is_absolute() and ".." not in named.parts
    tried = dict.fromkeys((folder / named, folder / named.name) if inside else (folder / named.name,))
    for path in tried:
        if path.is_file():
            return path
    raise InputError(f"There is no {' and no '.join(map(str, tried))}.", "Correct --videos, or fetch the video.")


def _one_a_video(annotations: Path) -> Iterator[Narration]:
    lines, narrations = read_narrations(annotations)
    seen = set()
    for (line, _), one in zip(lines.rows, narrations, strict=True):
        with lines.at(line):
            if one.key in seen:
                raise LineError(
                    f"names the video {shown(one.key)} again, as a file of clips does: "
                    "eval_all_metadata.jsonl has a video a line"
                )
        seen.add(one.key)
        yield one


def _stretches(
    one: Narration, path: Path, start_s: float, end_s: float, chunk_s: float | None
) -> Iterator[VideoStretch]:
    video = PurePosixPath(one.video).name
    if chunk_s is None:
        yield VideoStretch(video, path, start_s, end_s, one.preasr, one.title)
        return
    for begin_s, until_s in cut(start_s, end_s, chunk_s):
        said = (words.strip() for _, end, words in one.content if end <= begin_s)
        context = " ".join(filter(None, (one.preasr.strip(), *said)))
        yield VideoStretch(video, path, begin_s, until_s, context, one.title, is_piece=True)


def cut(start_s: float, end_s: float, piece_s: float) -> Iterator[tuple[float, float]]:
    """Pieces of `piece_s`; the last may be shorter."""
    count = 0
    while (begin_s := start_s + count * piece_s) < end_s:
        yield begin_s, min(begin_s + piece_s, end_s)
        count += 1


def _require_length(event: SportsEvent) -> None:
    if not 0 <= event.begin_s < event.end_s:
        raise InputError(
            f"The event {shown(event.event_id)} of the video {shown(event.video_id)} is from {event.begin_s:g} s to "
            f"{event.end_s:g} s.",
            "Correct it, or name another file.",
        )


def _longest_first(
    found: Sequence[VideoStretch], missing: Sequence[InputError], notices: Sequence[str], annotations: Path
) -> FoundStretches:
    """Longest first, so that no long one runs alone at the end. `InputError` if there are none."""
    if not found and not missing:
        raise InputError(f"{annotations} has nothing to comment on.", "Choose an earlier --start.")
    order = sorted(found, key=lambda one: one.start_s - one.end_s)
    return FoundStretches(tuple(order), tuple(missing), tuple(notices))
