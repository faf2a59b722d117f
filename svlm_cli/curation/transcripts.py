"""Transcripts beside videos: SRT, WebVTT, and the JSON of Whisper and WhisperX, parsed strictly.

Raises `InputError` for invalid files. Knows no sound.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from svlm_cli.core import strict_json
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.curation.timing import HeardSegment, HeardWord, in_order, spread
from svlm_cli.curation.words_file import SpokenSegment, is_time

_MOST_BYTES: Final = 1 << 28
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")  # <i>, <font color=...>, {\an8}


class TranscriptFormat(StrEnum):
    """In order of preference: formats that may have word times come first."""

    JSON = "json"
    VTT = "vtt"
    SRT = "srt"


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of a video, from a file."""

    segments: tuple[SpokenSegment, ...]
    source: str
    language: str = ""


def find_transcript(video: Path, formats: tuple[TranscriptFormat, ...], language: str) -> Path | None:
    """The file beside a video with the same stem, as ``a.srt``; with a language, preferably ``a.en.srt``."""
    for format_ in formats:
        for tag in (f".{language}", "") if language else ("",):
            path = video.with_name(f"{video.stem}{tag}.{format_}")
            if path.is_file():
                return path
    return None


def read_transcript(path: Path) -> Transcript:
    """Read a file in the format of its suffix, which is in `TranscriptFormat`."""
    text = _text(path)
    match TranscriptFormat(path.suffix[1:]):
        case TranscriptFormat.SRT:
            return Transcript(in_order(_srt(path, text)), "srt")
        case TranscriptFormat.VTT:
            return Transcript(in_order(_vtt(path, text)), "vtt")
        case TranscriptFormat.JSON:
            return _whisper(path, text)


def _text(path: Path) -> str:
    name = plain_text(str(path))
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{name} is larger than any transcript.", "Check what it is.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8.", "Convert it, as with iconv -t utf-8.") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _srt(path: Path, text: str) -> Iterator[HeardSegment]:
    import srt

    try:
        cues = list(srt.parse(text))
    except (srt.SRTParseError, ValueError, OverflowError) as error:
        raise _wrong(path, "is not valid SRT", str(error)) from error
    for number, cue in enumerate(cues, 1):
        yield _cue(path, number, cue.start.total_seconds(), cue.end.total_seconds(), _TAG.sub("", cue.content))


def _vtt(path: Path, text: str) -> Iterator[HeardSegment]:
    import webvtt

    try:
        cues = webvtt.from_string(text, strict=True).captions
    except (webvtt.errors.MalformedFileError, webvtt.errors.MalformedCaptionError) as error:
        raise _wrong(path, "is not valid WebVTT", str(error)) from error
    for number, cue in enumerate(cues, 1):
        yield _cue(path, number, _seconds(cue.start), _seconds(cue.end), html.unescape(cue.text))


def _seconds(timestamp: str) -> float:
    """The seconds of ``HH:MM:SS.mmm``, as the library writes it."""
    hours, minutes, seconds = timestamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _cue(path: Path, number: int, start_s: float, end_s: float, text: str) -> HeardSegment:
    if end_s < start_s:
        raise _wrong(path, f"has a cue, number {number}, that ends before it starts")
    words = tuple(HeardWord(word.text, word.start_s, word.end_s) for word in spread(text, start_s, end_s))
    return HeardSegment(start_s, end_s, words)


def _whisper(path: Path, text: str) -> Transcript:
    try:
        document = strict_json.parse(text)
    except strict_json.JsonError as error:
        raise _wrong(path, "cannot be used", str(error)) from error
    if not isinstance(document, dict) or not isinstance(document.get("segments"), list):
        raise _wrong(path, "is not Whisper's JSON", "it has no list of segments")
    language = document.get("language")
    segments = in_order(_whisper_segment(path, index, row) for index, row in enumerate(document["segments"]))
    source = "whisperx-json" if "word_segments" in document else "whisper-json"
    return Transcript(segments, source, language if isinstance(language, str) else "")


def _whisper_segment(path: Path, index: int, row: Any) -> HeardSegment:
    name = f"segments[{index}]"
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise _wrong(path, "is not Whisper's JSON", f"{name} has no text")
    start_s, end_s = _time(path, row, "start", name), _time(path, row, "end", name)
    if start_s is None or end_s is None or end_s < start_s:
        raise _wrong(path, "is not Whisper's JSON", f"{name} has no start, or no end after it")
    if not row.get("words"):
        return _cue(path, index + 1, start_s, end_s, row["text"])
    words = row["words"] if isinstance(row["words"], list) else [None]
    heard = tuple(_whisper_word(path, word, f"{name}.words[{number}]") for number, word in enumerate(words))
    return HeardSegment(start_s, end_s, heard)


def _whisper_word(path: Path, row: Any, name: str) -> HeardWord:
    """WhisperX omits times of words it could not align, such as numbers."""
    if not isinstance(row, dict) or not isinstance(row.get("word"), str):
        raise _wrong(path, "is not Whisper's JSON", f"{name} has no word")
    return HeardWord(row["word"], _time(path, row, "start", name), _time(path, row, "end", name))


def _time(path: Path, row: Mapping[str, Any], key: str, name: str) -> float | None:
    value = row.get(key)
    if value is not None and not is_time(value):
        raise _wrong(path, "is not Whisper's JSON", f"{key} of {name} is {shown(value)}")
    return None if value is None else float(value)


def _wrong(path: Path, what: str, why: str = "") -> InputError:
    reason = f": {plain_text(why).rstrip('.')[:200]}" if why else ""
    return InputError(f"{plain_text(str(path))} {what}{reason}.", "Correct it, or take words from elsewhere: --from.")
