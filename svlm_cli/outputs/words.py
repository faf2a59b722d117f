"""Splits rounds into timed words: where each word ends, and when it was spoken.

Knows the text of one stream, round by round. Knows nothing about cues and lines.

How a round joins the one before it: white space at the end of one or at the start of the other separates them. Without
any, a round starts a new word, since the published checkpoints were trained on rounds of whole words without a leading
space. It continues the last word in these cases only:

- it begins with closing punctuation or a combining mark; or the round before ended with an opening bracket, a currency
  sign or a hyphen (``goal`` ``!``, ``2`` ``-1``, ``well-`` ``known``); or two ideographs meet;
- letters meet, most rounds of this stream start with a space, this one follows without a pause, and the letters are
  not a lower-case and an upper-case one (``Fal`` ``cons``, but ``Goal`` ``Falcons``).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from svlm_cli.core.text import plain_text

_BREAKING_SPACE = re.compile(r"[^\S\u00a0\u2007\u202f]+")
_ONLY_STOPS = re.compile(r"[.,;:!?…。，、！？]+")
_SUFFIX = re.compile(r"'(?:s|t|d|m|re|ve|ll)\b", re.IGNORECASE)
_CLOSING = frozenset(".,;:!?%…)]}»”’。、，．！？：；）］｝」』】〕》〉ー々〜～ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ")
_OPENING = frozenset("([{«“‘¿¡$£€¥（［｛「『【〔《〈")
_HYPHENS = frozenset("-‐‑–—/")
_QUOTES = frozenset("\"'")
_JOINER = "\u200d"
_LONGEST_WORD_MS = 3000  # a word that lasts longer is ended, because unfinished words are not shown


@dataclass(frozen=True, slots=True)
class Word:
    """A unit that no line break may split: a word, an ideograph, or as much of a long word as fits a line."""

    text: str
    columns: int
    spaced: bool  # preceded by a space, except at the start of a line
    round_start_ms: int  # start of the round in which it began
    start_ms: int
    end_ms: int


def columns_of(text: str) -> int:
    """The width of `text` as displayed."""
    from rich.cells import cell_len  # imported late: most importers of this package draw no text

    return cell_len(text)


class WordStream:
    """Splits the rounds of one stream into words. Remembers how its rounds start and how the last one ended."""

    def __init__(self, max_columns: int) -> None:
        self._max_columns = max_columns
        self._spaced_rounds = 0
        self._unspaced_rounds = 0
        self._ended_with_space = False
        self._paused = False

    def words(self, text: str, start_ms: int, end_ms: int, previous: Word | None) -> tuple[Word | None, list[Word]]:
        """Return `previous` with any continuation, and the words after it, spread over the round by their widths.

        `previous` is the stream's last word if it may still grow. Leading punctuation without a word is dropped.
        """
        text = plain_text(text)
        pieces = [piece.strip() for piece in _BREAKING_SPACE.split(text) if piece.strip()]
        if previous is None and pieces and _ONLY_STOPS.fullmatch(pieces[0]):
            del pieces[0]
        if not pieces:
            self._paused = True
            self._ended_with_space |= text != ""
            return previous, []

        parts: list[tuple[str, bool]] = []
        head = ""
        if previous is not None and self._continues(previous, text, pieces[0], end_ms):
            head, *rest = _parts(plain_text(previous.text + pieces.pop(0)), self._max_columns)
            parts += [(part, False) for part in rest]
        for piece in filter(columns_of, pieces):  # combining marks without a letter are not a word
            parts += [(part, index == 0) for index, part in enumerate(_parts(piece, self._max_columns))]
        self._remember(text)

        if previous is None or head in ("", previous.text):
            return previous, _spread(parts, 0, start_ms, end_ms)
        columns = columns_of(head)
        growth = max(0, columns - previous.columns)
        words = _spread(parts, growth, start_ms, end_ms)
        grown_end_ms = words[0].start_ms if words else end_ms
        return replace(previous, text=head, columns=columns, end_ms=grown_end_ms), words

    def _remember(self, text: str) -> None:
        if not self._ended_with_space and (text[0].isspace() or text[0].isalnum()):
            self._spaced_rounds += text[0].isspace()
            self._unspaced_rounds += not text[0].isspace()
        self._ended_with_space = text[-1].isspace()
        self._paused = False

    def _continues(self, previous: Word, text: str, piece: str, end_ms: int) -> bool:
        if text[0].isspace() or self._ended_with_space or end_ms - previous.start_ms > _LONGEST_WORD_MS:
            return False
        before, after = previous.text, piece
        if after[0] in _CLOSING or _extends(after[0]) or _SUFFIX.match(after):
            return True
        if after[0] in _QUOTES and not after[1:2].isalnum():
            return True
        if before[-1] in _OPENING or before in _QUOTES or (before[-1] in _HYPHENS and before not in _HYPHENS):
            return True
        if after[0] in _HYPHENS and before[-1].isalnum() and after[1:2].isalnum():
            return True
        if _ideographic(before[-1]) and _ideographic(after[0]):
            return True
        if self._paused or self._spaced_rounds <= self._unspaced_rounds:
            return False
        return before[-1].isalnum() and after[0].isalnum() and not (before[-1].islower() and after[0].isupper())


def _spread(parts: list[tuple[str, bool]], before: int, start_ms: int, end_ms: int) -> list[Word]:
    """Spread words over a round by their widths, after the first `before` columns."""
    widths = [columns_of(text) for text, _ in parts]
    total = before + sum(widths) + len(widths)
    duration_ms = end_ms - start_ms
    words = []
    passed = before
    for (text, spaced), width in zip(parts, widths, strict=True):
        word_start_ms = start_ms + duration_ms * passed // total
        passed += width + 1
        words.append(Word(text, width, spaced, start_ms, word_start_ms, start_ms + duration_ms * passed // total))
    return words


def _parts(piece: str, max_columns: int) -> list[str]:
    """Split `piece` where lines may break: between ideographs, and anywhere if it is wider than a line."""
    if piece.isascii() and len(piece) <= max_columns:
        return [piece]
    parts = [""]
    for grapheme in _graphemes(piece):
        last = parts[-1]
        if last and (_breaks_between(last[-1], grapheme[0]) or columns_of(last + grapheme) > max_columns):
            parts.append(grapheme)
        else:
            parts[-1] += grapheme
    return [part for part in map(str.strip, parts) if columns_of(part)]


def _graphemes(text: str) -> Iterator[str]:
    """User-perceived characters: letters with their marks, joined emoji, flags."""
    grapheme = ""
    for char in text:
        pair = len(grapheme) == 1 and _regional_indicator(grapheme) and _regional_indicator(char)
        if grapheme and (pair or _extends(char) or grapheme[-1] == _JOINER):
            grapheme += char
        else:
            if grapheme:
                yield grapheme
            grapheme = char
    if grapheme:
        yield grapheme


def _extends(char: str) -> bool:
    """Whether `char` is displayed as part of the character before it."""
    return (
        unicodedata.category(char)[0] == "M"
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= char <= "\U000e007f"  # tags, of regional flags
        or char in "\u200c\u200d"
    )


def _regional_indicator(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _ideographic(char: str) -> bool:
    """Han, kana and their punctuation, which are written without spaces; not Hangul, which uses spaces."""
    if char < "\u2e80" or "\uac00" <= char <= "\ud7ff" or "\u3130" <= char <= "\u318f":
        return False
    return unicodedata.east_asian_width(char) in "WF" and unicodedata.category(char)[0] in "LP"


def _breaks_between(before: str, after: str) -> bool:
    return (_ideographic(before) or _ideographic(after)) and after not in _CLOSING and before not in _OPENING
