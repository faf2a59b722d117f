"""Speech recognition: faster-whisper and pocketsphinx behind one interface, imported only here.

A recogniser gets pieces of audio, with times from 0. Knows no file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, Protocol

from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.core.text import presentable
from svlm_cli.curation.timing import HeardSegment, HeardWord, grouped
from svlm_cli.curation.words_file import TimedWord
from svlm_cli.media.sound import RATE

_FRAMES_A_SECOND: Final = 100  # in pocketsphinx
_NOT_WORDS: Final = ("<", "[", "+")  # as in <sil>, [NOISE], ++COUGH++
_SHORTEST_BYTES: Final = RATE // 5  # 0.1 s; pocketsphinx recognises nothing in less


@dataclass(frozen=True, slots=True)
class HeardPiece:
    """The words in a piece, and their language, if known."""

    segments: Sequence[HeardSegment]
    language: str = ""


class Recogniser(Protocol):
    """Recognises words."""

    @property
    def source(self) -> str:
        """Its name in words files."""
        ...

    @property
    def longest_s(self) -> float:
        """The longest piece it can process."""
        ...

    def hear(self, pcm: bytes, language: str) -> HeardPiece:
        """The words in these samples. Without a language it is detected."""
        ...


class FasterWhisper:
    """A Whisper model on CTranslate2. Raises `UsageError` without the package, `ModelError` without the model."""

    longest_s = 600.0

    def __init__(self, model: str, device: str) -> None:
        if not has_faster_whisper():
            raise UsageError("faster-whisper is not installed.", "Install svlm-cli[speech].")
        kind, _, index = device.partition(":")
        try:
            import faster_whisper

            self._model = faster_whisper.WhisperModel(model, device=kind, device_index=int(index or 0))
        except ImportError as error:
            raise UsageError(f"faster-whisper cannot be used: {error}.", "Install svlm-cli[speech] again.") from error
        except (OSError, RuntimeError, ValueError) as error:
            said = presentable(str(error)).rstrip(".")[:200]
            raise ModelError(
                f"The speech model {presentable(model)} cannot be loaded: {said}.",
                "Name one that faster-whisper knows, such as large-v3, or the folder of a converted model.",
            ) from error
        self.source = f"faster-whisper {presentable(model)}"

    def hear(self, pcm: bytes, language: str) -> HeardPiece:
        """Words timed by cross-attention; none where voice activity detection finds no speech."""
        import numpy as np

        samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768
        segments, info = self._model.transcribe(
            samples,
            language=language or None,
            word_timestamps=True,
            vad_filter=True,
            condition_on_previous_text=False,  # otherwise errors in crowd noise repeat for minutes
        )
        heard = [_whisper_segment(one) for one in segments]
        return HeardPiece(heard, info.language if heard else "")


def _whisper_segment(one: Any) -> HeardSegment:
    words = [HeardWord(word.word, float(word.start), float(word.end)) for word in one.words or ()]
    return HeardSegment(float(one.start), float(one.end), tuple(words or [HeardWord(one.text)]))


class PocketSphinx:
    """An English model included in its package. Raises `UsageError` without it, and for other languages."""

    source = "pocketsphinx"
    longest_s = 20.0  # its search grows with the length

    def __init__(self, language: str) -> None:
        if language and language.partition("-")[0].lower() != "en":
            raise UsageError(
                f"pocketsphinx understands only English, not {presentable(language)}.", "Use faster-whisper."
            )
        if find_spec("pocketsphinx") is None:
            raise UsageError("pocketsphinx is not installed.", "Install svlm-cli[pocketsphinx].")
        from pocketsphinx import Decoder

        self._decoder = Decoder(samprate=RATE, loglevel="FATAL")

    def hear(self, pcm: bytes, language: str) -> HeardPiece:  # noqa: ARG002  always English
        """The words of the best path."""
        if len(pcm) < _SHORTEST_BYTES:
            return HeardPiece((), "en")
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        return HeardPiece(tuple(grouped(filter(None, map(_sphinx_word, self._decoder.seg() or ())))), "en")


def _sphinx_word(one: Any) -> TimedWord | None:
    """A word without the number of its pronunciation; None for silence and noise."""
    if one.word.startswith(_NOT_WORDS):
        return None
    word = one.word.partition("(")[0]
    return TimedWord(one.start_frame / _FRAMES_A_SECOND, (one.end_frame + 1) / _FRAMES_A_SECOND, word)


def has_faster_whisper() -> bool:
    """Whether it is installed."""
    return find_spec("faster_whisper") is not None
