"""Parses values of the command line: formats, times, sizes, contexts. `UsageError` for what cannot be understood.

Knows no option.
"""

import os
import re
from pathlib import Path

from svlm_cli.core.errors import UsageError
from svlm_cli.core.text import did_you_mean
from svlm_cli.outputs.format import Format

_MOST_CONTEXT_BYTES = 1_000_000
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RESERVED = ("protocol_whitelist", "format_whitelist", "f", "i")  # options of ffmpeg that svlm sets itself


def formats_of(text: str) -> tuple[Format, ...]:
    """Names of formats, with commas between."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    known = {one.value: one for one in Format}
    if text and not names:
        raise UsageError(f"{text} names no format.", f"Use {', '.join(known)}.")
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no format {name}.", did_you_mean(name, list(known)) or f"Use {', '.join(known)}."
            )
    return tuple(known[name] for name in names)


def seconds_of(text: str | None) -> float | None:
    """Seconds, or [H:]MM:SS, both with decimals."""
    if text is None:
        return None
    match = re.fullmatch(r"(?:(?:(\d{1,9}):)?(\d{1,9}):)?(\d{1,12}(?:\.\d*)?)", text.strip())
    if match is None:
        raise UsageError(f"{text} is not a time.", "Write seconds (90.5) or [H:]MM:SS (1:30.5).")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)


def context_of(text: str) -> str:
    """The text itself, or that of the file after an ``@``."""
    if not text.startswith("@"):
        if text and os.path.isfile(text):  # noqa: PTH113  False for texts that are too long
            raise UsageError(f"{text} is the name of a file.", f"For what is in it, write --context @{text}.")
        return text
    try:
        with Path(text[1:]).open("rb") as file:
            context = file.read(_MOST_CONTEXT_BYTES + 1).decode("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The context file {text[1:]} cannot be read as text.", "Check its name, or its encoding."
        ) from error
    if len(context.encode("utf-8")) > _MOST_CONTEXT_BYTES:
        raise UsageError(f"The context file {text[1:]} has more than {_MOST_CONTEXT_BYTES} bytes.", "Check its name.")
    return context


def device_option_of(text: str) -> tuple[str, str]:
    """KEY=VALUE, as ffmpeg's input devices take it."""
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"\w+", key) or key in _RESERVED:
        raise UsageError(f"{text} is not an option for a device.", "Write it like video_size=1280x720.")
    return key, value


def length_of(text: str, what_for: str, examples: str, *, least_s: float) -> float:
    """Seconds, from a number with s, m, h or d behind it. The error says what it is for."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    seconds = float(match[1]) * _UNITS_S[match[2] or "s"] if match else 0.0
    if seconds < least_s:
        raise UsageError(f"{text} is not a length {what_for}.", f"Write it like {examples}.")
    return seconds


def size_of(text: str) -> tuple[int, int]:
    """Width and height, from WxH."""
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None:
        raise UsageError(f"A size looks like 1280x720, not like {text}.")
    return int(match[1]), int(match[2])
