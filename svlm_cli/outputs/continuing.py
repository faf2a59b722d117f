"""Going on with a file of a live source where an earlier run was interrupted. Knows how each format ends.

Only whole files are continued: one that is damaged, or that has become something else, is left as it is.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import srt

from svlm_cli.outputs.encoding import Encoding
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.jsonl import DOCUMENT_END

_VTT_CUE: Final = re.compile(r"^\d+:\d\d:\d\d\.\d{3} --> (\d+):(\d\d):(\d\d\.\d{3})$", re.MULTILINE)
_MAY_BE_EMPTY: Final = (Format.SRT, Format.TXT, Format.JSONL)


@dataclass(frozen=True, slots=True)
class Continued:
    """A file to go on with."""

    path: Path
    kept_bytes: int  # what follows these is written anew
    cues: int = 0  # in it, where cues are numbered
    shown_until_s: float = 0.0  # the end of the last one, where cues must not overlap


def continued(path: Path, format: Format, encoding: Encoding) -> Continued | None:  # noqa: A002  named so elsewhere
    """How to go on with the file at `path`; None if it is not there, or not as an interrupted run leaves it."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        content = path.read_bytes()
        text = content.decode(format.encoded(encoding).name).replace("\r\n", "\n")
    except (OSError, ValueError):
        return None
    whole = Continued(path, len(content))
    if not text:
        return whole if format in _MAY_BE_EMPTY else None
    match format:
        case Format.JSON:
            rounds = text.endswith("}" + DOCUMENT_END)
            return Continued(path, len(content) - len(DOCUMENT_END.encode())) if rounds else None
        case Format.SRT:
            return _srt(whole, text)
        case Format.VTT:
            return _vtt(whole, text)
    return whole if text.endswith("\n") else None


def _srt(whole: Continued, text: str) -> Continued | None:
    try:
        cues = list(srt.parse(text))
    except srt.SRTParseError:
        return None
    if not cues or not text.endswith("\n\n"):
        return None
    return Continued(whole.path, whole.kept_bytes, len(cues), cues[-1].end.total_seconds())


def _vtt(whole: Continued, text: str) -> Continued | None:
    if not text.startswith("WEBVTT\n\n") or not text.endswith("\n\n"):
        return None
    cues = _VTT_CUE.findall(text)
    hours, minutes, seconds = map(float, cues[-1]) if cues else (0.0, 0.0, 0.0)
    return Continued(whole.path, whole.kept_bytes, len(cues), hours * 3600 + minutes * 60 + seconds)
