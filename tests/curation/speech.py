"""What is said in made-up videos: words files and annotation files for tests, without a video or with tiny ones."""

import random
from collections.abc import Sequence
from pathlib import Path

from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo, TimedWord, words_line
from tests.clips import run_ffmpeg


def spoken(
    video: Path,
    seconds: float,
    *,
    seed: int = 0,
    words_per_second: float = 3.0,
    pauses_s: Sequence[float] = (0.2, 0.4),
    title: str = "Reds against blues",
    language: str = "en",
) -> SpokenVideo:
    """Sentences of 5 to 12 words from a vocabulary of 5,000, at that speed, with pauses between them."""
    rng = random.Random(seed)
    word_s, time_s = 1 / words_per_second, 0.0
    segments: list[SpokenSegment] = []
    while True:
        words = []
        for _ in range(rng.randint(5, 12)):
            words.append(TimedWord(round(time_s, 3), round(time_s + word_s, 3), f"w{rng.randrange(5000)}"))
            time_s = round(time_s + word_s, 3)
        if time_s > seconds:
            return SpokenVideo(video, seconds, tuple(segments), title, "football", language, "made up")
        segments.append(SpokenSegment(words[0].start_s, words[-1].end_s, tuple(words)))
        time_s = round(time_s + rng.choice(pauses_s), 3)


def write_words(path: Path, videos: Sequence[SpokenVideo]) -> Path:
    """A words file."""
    path.write_text("".join(words_line(video, path.parent) for video in videos), encoding="utf-8")
    return path


def tiny_video(path: Path, seconds: float, *, rate: int = 5) -> Path:
    """A real one, of a few kilobytes."""
    arguments = ("-f", "lavfi", "-i", f"testsrc=size=64x48:rate={rate}:duration={seconds}", "-c:v", "libx264")
    run_ffmpeg(*arguments, "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(path))
    return path
