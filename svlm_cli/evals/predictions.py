"""Groups words by second, from the rounds of a run or from a JSON lines file of ``svlm caption``.

Knows no match and no meaning.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from svlm_cli.core import strict_json
from svlm_cli.core.errors import InputError

Round = tuple[float, str]
"""Its end in seconds, and its words."""

_ROUNDING_S = 1e-3  # times in files have three decimals
_MOST_S = 1e9


def by_second(rounds: Iterable[Round], seconds: int) -> tuple[str, ...]:
    """The text of each of `seconds` seconds; a round belongs to the one in which it ends. Later rounds are dropped."""
    texts = [""] * seconds
    for end_s, text in rounds:
        second = max(math.ceil(end_s - _ROUNDING_S) - 1, 0)
        if second < seconds:
            texts[second] += text
    return tuple(texts)


def read_rounds(path: Path) -> tuple[Round, ...]:
    """The rounds in a JSON lines file. `InputError` names an invalid line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as text.", "Name a file that `svlm caption -f jsonl` wrote."
        ) from error
    rounds = tuple(_round(path, number, line) for number, line in enumerate(lines, 1) if line.strip())
    if not rounds:
        raise InputError(f"{path} holds no rounds.", "Name a file that `svlm caption -f jsonl` wrote.")
    return rounds


def _round(path: Path, number: int, line: str) -> Round:
    try:
        value: Any = strict_json.parse(line)
    except strict_json.JsonError:
        value = None
    match value:
        case {"end": bool()}:
            pass
        case {"end": int() | float() as end_s, "text": str() as text} if abs(end_s) < _MOST_S:
            return float(end_s), text
    raise InputError(
        f"Line {number} of {path} is not a round: it needs the keys end, a number of seconds, and text.",
        "Name a file that `svlm caption -f jsonl` wrote.",
    )
