"""Makes untrusted text safe to show, in terminals and files; suggests similar names.

Pure. Does not deal with lines, widths or words: whoever shows the text breaks it.
"""

import difflib
import re
import unicodedata
from collections.abc import Sequence

from svlm_cli.core.logins import without_logins

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC and other string sequences
    r"|\x1b[ -/]*[0-~]"
)
_LINE_BREAK_OR_TAB = re.compile(r"\r\n|[\t-\r\x1c-\x1f\x85\u2028\u2029]")
_FLAG_OR_STRAY_TAG = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)"  # the flags of England, Scotland, Wales
    "|[\U000e0000-\U000e007f]"
)
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\ufdd0-\ufdef" + "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF)) + "]"
)
_JOINERS = frozenset("\u200c\u200d")
_VIRAMA = 9  # canonical combining class of the sign that joins Indic consonants
_MOST_MARKS = 8  # per letter; written languages need up to four


def plain_text(text: str) -> str:
    """`text` without anything that moves the cursor or hides or reorders characters; the rest reads the same.

    Line breaks and tabs become one space each, so the result is one line; spaces at its ends are kept, because they
    show how it joins its neighbours. Lone surrogates become U+FFFD, pairs the character that they encode. Removed:
    escape sequences, control characters, zero-width and bidirectional controls, noncharacters, and more than eight
    marks on one letter. Kept: emoji sequences, regional flags, and the joiners that Indic and Persian spelling needs.

    Idempotent. An escape sequence that is split between two tokens loses its escape character; harmless letters stay.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = _ESCAPE_SEQUENCE.sub("", text)
    text = _LINE_BREAK_OR_TAB.sub(" ", text)
    text = _INVISIBLE.sub("", text)
    text = _FLAG_OR_STRAY_TAG.sub(lambda match: match[1] or "", text)
    if text.isascii():
        return text
    return _without_stray_joiners(_without_piled_marks(text))


def presentable(text: str) -> str:
    """Text from elsewhere or from the user, safe for logs and terminals: plain, and without credentials."""
    return without_logins(plain_text(text))


def _without_piled_marks(text: str) -> str:
    kept = []
    marks = 0
    for char in text:
        if char in _JOINERS:
            kept.append(char)
            continue
        marks = marks + 1 if unicodedata.category(char)[0] == "M" else 0
        if marks <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def _without_stray_joiners(text: str) -> str:
    if _JOINERS.isdisjoint(text):
        return text
    kept: list[str] = []
    for index, char in enumerate(text):
        if char not in _JOINERS or (kept and _join(kept[-1], text[index + 1 : index + 2])):
            kept.append(char)
    return "".join(kept)


def _join(before: str, after: str) -> bool:
    """Whether a joiner between the two affects how they look."""
    if unicodedata.combining(before) == _VIRAMA:
        return after not in _JOINERS
    return _can_join(before) and _can_join(after)


def _can_join(char: str) -> bool:
    if char == "" or char.isascii():
        return False
    category = unicodedata.category(char)
    return category[0] in "LM" or category in ("So", "Sk")


def says_something(text: str) -> bool:
    """Whether the text contains a letter, a digit or a symbol, and not just punctuation."""
    return any(unicodedata.category(char)[0] in "LNS" for char in plain_text(text))


def did_you_mean(name: object, known: Sequence[str], *, quoted: bool = False) -> str:
    """A question that suggests the most similar known name; empty if none is similar, or `name` is not a string.

    For dotted keys, the right key in another table counts as the most similar.
    """
    if not isinstance(name, str):
        return ""
    leaf = name.rpartition(".")[2]
    elsewhere = [one for one in known if one.rpartition(".")[2] == leaf]
    by_lower = {one.lower(): one for one in known}
    close = elsewhere or [by_lower[one] for one in difflib.get_close_matches(name.lower(), by_lower, n=1)]
    return f"Did you mean {close[0]!r}?" if close and quoted else f"Did you mean {close[0]}?" if close else ""


_LONGEST_SLUG = 200  # bytes; file systems allow 255, and a time, a number and suffixes are added


def slug(name: str, *, otherwise: str) -> str:
    """A file name made from `name`: letters, digits, dots and dashes, of limited length.

    It contains no folder, is not hidden, and has no `strftime` field. `otherwise` is used if nothing is left.
    """
    whole = unicodedata.normalize("NFC", name.partition("://")[2] or name)
    kept = re.sub(r"[^\w.]+", "-", whole).strip("-.")
    return kept.encode()[:_LONGEST_SLUG].decode(errors="ignore").strip("-.") or otherwise
