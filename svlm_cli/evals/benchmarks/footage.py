"""Finds the video of a question below a benchmark's folder, and the part that may be seen. Opens no video."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from svlm_cli.evals.benchmarks.vqa import VideoQuestion


@dataclass(frozen=True, slots=True)
class Footage:
    """The video of a question."""

    path: Path  # a video, or a folder of pictures
    start_s: float | None  # on its own clock; None: from the beginning
    end_s: float | None  # None: to the end
    frames_fps: float | None = None  # frame rate of a folder of pictures


def find_footage(folder: Path, question: VideoQuestion) -> Footage | None:
    """Prefers a file cut for the question to the whole video. None if neither exists."""
    for name in question.clips:
        if (folder / name).is_file():
            return Footage(folder / name, None, None)
    for name in question.places:
        path = folder / name
        if path.is_dir() if question.frames_fps else path.is_file():
            return Footage(path, question.start_s, question.end_s, question.frames_fps)
    return None


def missing_videos(folder: Path, questions: Iterable[VideoQuestion]) -> tuple[str, ...]:
    """The videos, each once, that are needed but do not exist."""
    return tuple(dict.fromkeys(one.video for one in questions if find_footage(folder, one) is None))
