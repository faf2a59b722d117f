"""The part of faster-whisper's API that svlm uses, with a model that hears tones: each is the word "beep".

It takes what the package takes and nothing else. Two models exist: ``tones``, and ``missing``, which cannot be fetched.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE, WINDOW = 16_000, 160


@dataclass
class Word:
    start: float
    end: float
    word: str
    probability: float


@dataclass
class Segment:
    id: int
    start: float
    end: float
    text: str
    words: list[Word] | None


@dataclass
class TranscriptionInfo:
    language: str
    language_probability: float
    duration: float


class WhisperModel:
    def __init__(
        self,
        model_size_or_path: str,
        device: str = "auto",
        device_index: int = 0,
        compute_type: str = "default",
        download_root: str | None = None,
        local_files_only: bool = False,
    ) -> None:
        if model_size_or_path != "tones":
            raise ValueError(f"Invalid model size '{model_size_or_path}', expected one of: tones")
        if device not in ("auto", "cpu", "cuda"):
            raise ValueError(f"unsupported device {device}")

    def transcribe(
        self,
        audio: NDArray[np.float32],
        language: str | None = None,
        condition_on_previous_text: bool = True,
        word_timestamps: bool = False,
        vad_filter: bool = False,
    ) -> tuple[Iterator[Segment], TranscriptionInfo]:
        assert audio.dtype == np.float32
        assert audio.ndim == 1
        assert abs(audio).max(initial=0.0) <= 1.0
        info = TranscriptionInfo(language or "xx", 1.0, len(audio) / RATE)
        return iter(_segments(audio, word_timestamps)), info


def _segments(audio: NDArray[np.float32], word_timestamps: bool) -> list[Segment]:
    whole = audio[: len(audio) // WINDOW * WINDOW].reshape(-1, WINDOW)
    loud = np.concatenate(([False], abs(whole).max(axis=1, initial=0.0) > 0.01, [False]))
    edges = np.flatnonzero(np.diff(loud)) * WINDOW / RATE
    found = []
    for index, (start, end) in enumerate(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)):
        words = [Word(start, end, " beep", 1.0)] if word_timestamps else None
        found.append(Segment(index + 1, start, end, " beep", words))
    return found
