"""Collects the words of one video: from a transcript beside it, or from its sound. Knows no words file or terminal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.curation.about import About
from svlm_cli.curation.pieces import cut
from svlm_cli.curation.recognisers import FasterWhisper, PocketSphinx, Recogniser, has_faster_whisper
from svlm_cli.curation.timing import HeardSegment, HeardWord, in_order, within
from svlm_cli.curation.transcripts import Transcript, TranscriptFormat, find_transcript, read_transcript
from svlm_cli.curation.words_file import SpokenVideo
from svlm_cli.media.conversion import Header, read_header
from svlm_cli.media.ffmpeg import Address, Ffmpeg, file_address
from svlm_cli.media.header import StreamKind
from svlm_cli.media.sound import SoundPipe

NO_SOUND: Final = "no sound"
"""The source, in words files, of a video without sound."""


class WordsFrom(StrEnum):
    """The source of words."""

    AUTO = "auto"  # a transcript if there is one, else faster-whisper
    SRT = "srt"
    VTT = "vtt"
    JSON = "json"
    FASTER_WHISPER = "faster-whisper"
    POCKETSPHINX = "pocketsphinx"

    @property
    def formats(self) -> tuple[TranscriptFormat, ...]:
        """The transcript formats to look for."""
        if self is WordsFrom.AUTO:
            return tuple(TranscriptFormat)
        return (TranscriptFormat(self),) if self in (WordsFrom.SRT, WordsFrom.VTT, WordsFrom.JSON) else ()


@dataclass(slots=True)
class RecogniserChoice:
    """The recogniser, loaded when the first video needs it."""

    words_from: WordsFrom
    model: str  # for faster-whisper
    device: str
    language: str
    _loaded: Recogniser | None = None

    def get(self) -> Recogniser:
        """Load it. Raises `UsageError` if its package is missing, and `ModelError`."""
        if self._loaded is None:
            if self.words_from is WordsFrom.POCKETSPHINX:
                self._loaded = PocketSphinx(self.language)
            else:
                self._loaded = FasterWhisper(self.model, self.device)
        return self._loaded


@dataclass(slots=True)
class WordCollector:
    """Collects the words of videos, one by one."""

    program: Ffmpeg
    words_from: WordsFrom
    recogniser: RecogniserChoice
    language: str = ""
    tell: Callable[[str], None] = lambda line: None  # called with remarks about a video
    on_progress: Callable[[float], None] = lambda done_s: None  # called with the seconds of sound done

    def collect(self, video: Path, about: About) -> SpokenVideo:
        """Raises `InputError` if the video or its transcript is bad."""
        address = file_address(video)
        header = read_header(self.program, address)
        if not header.of(StreamKind.VIDEO):
            raise InputError(f"{address.name} has no video.", "Name a file with pictures.")
        path = find_transcript(video, self.words_from.formats, self.language)
        if path is not None:
            found = self._ending_with_video(path, read_transcript(path), header.duration_s)
        else:
            self._require_recogniser(address)
            found = self._listen(address, header)
        duration_s = header.duration_s or max((segment.end_s for segment in found.segments), default=0.0)
        language = self.language or found.language
        return SpokenVideo(video, duration_s, found.segments, about.title, about.category, language, found.source)

    def _ending_with_video(self, path: Path, found: Transcript, duration_s: float | None) -> Transcript:
        if duration_s is None:
            return found
        segments, lost = within(found.segments, duration_s)
        if lost:
            name = plain_text(str(path))
            self.tell(f"{lost} words of {name} come after the video's end ({duration_s:.1f} s) and are left out.")
        return Transcript(segments, found.source, found.language)

    def _require_recogniser(self, address: Address) -> None:
        """`InputError` if only transcripts are allowed, or there is no recogniser."""
        if self.words_from in (WordsFrom.FASTER_WHISPER, WordsFrom.POCKETSPHINX):
            return
        wanted = ", ".join(f".{format_}" for format_ in self.words_from.formats)
        if self.words_from is not WordsFrom.AUTO:
            raise InputError(f"{address.name} has no {wanted} beside it.", "Put one there, or choose another --from.")
        if not has_faster_whisper():
            raise InputError(
                f"{address.name} has no transcript beside it ({wanted}), and faster-whisper is not installed.",
                "Install svlm-cli[speech], or choose another --from.",
            )

    def _listen(self, address: Address, header: Header) -> Transcript:
        if not header.of(StreamKind.AUDIO):
            self.tell(f"{address.name} has no sound: nothing is said in it.")
            return Transcript((), NO_SOUND)
        recogniser, language, heard = self.recogniser.get(), self.language, list[HeardSegment]()
        with SoundPipe(self.program, address, origin_s=header.origin_s) as sound:
            for piece in cut(sound.blocks(), recogniser.longest_s):
                found = recogniser.hear(piece.pcm, language)
                language = language or found.language
                heard += _moved(found.segments, piece.start_s)
                self.on_progress(piece.start_s + piece.seconds)
        segments = in_order(heard)
        if header.duration_s is not None:
            segments, _ = within(segments, header.duration_s)  # the last word may end within a last, partial frame
        return Transcript(segments, recogniser.source, language)


def _moved(segments: Sequence[HeardSegment], by_s: float) -> Iterator[HeardSegment]:
    """Shift from the start of a piece of sound to its place in the video."""
    for one in segments:
        words = (HeardWord(word.text, _plus(word.start_s, by_s), _plus(word.end_s, by_s)) for word in one.words)
        yield HeardSegment(one.start_s + by_s, one.end_s + by_s, tuple(words))


def _plus(time_s: float | None, by_s: float) -> float | None:
    return None if time_s is None else time_s + by_s
