"""Markdown for the claims page: wrapped text, table rows, rates, and safe names. Knows no result."""

import re
import textwrap
from collections.abc import Sequence
from typing import Final

from svlm_cli.core.text import plain_text
from svlm_cli.evals.scores import Estimate

_WIDTH: Final = 120
_BLOCK_STARTS: Final = re.compile(r" (?=(?:[-+*>]|#+|\d+[.)])(?: |$))")


def plain(text: str) -> str:
    """Make a name from a file safe: it cannot end a cell, a line or a block."""
    return " ".join(plain_text(text).split()).translate(str.maketrans("|`<>", "/'()"))


def wrapped(text: str, *, indent: str = "") -> str:
    """Wrap a paragraph, or with `indent` a list item; no line begins with a sign that would start another block."""
    kept = _BLOCK_STARTS.sub("\0", text)
    lines = textwrap.fill(kept, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", " ")


def bullet(text: str) -> str:
    """A list item."""
    return wrapped(f"- {text}", indent="  ")


def table_line(cells: Sequence[str]) -> str:
    """A table row."""
    return f"| {' | '.join(cells)} |"


def estimate(one: Estimate, *, signed: bool = False) -> str:
    """A rate with its interval; without one, there is nothing to say."""
    if one.value is None or one.low is None or one.high is None:
        return "-"
    sign = "+" if signed else ""
    return f"{one.value:{sign}.3f} [{one.low:{sign}.3f}, {one.high:{sign}.3f}]"


def share(one: Estimate, *, signed: bool = False) -> str:
    """A rate, with its interval if it has one."""
    return one.number(signed=signed) if one.low is None else estimate(one, signed=signed)
