"""What the claims' page is written with: lines of tables, rates, and names that break no page. Knows no result."""

from collections.abc import Sequence

from svlm_cli.core.text import plain_text
from svlm_cli.evals.scores import Estimate


def plain(text: str) -> str:
    """Names come from files: nothing in them may end a cell, a line or a block."""
    return " ".join(plain_text(text).split()).translate(str.maketrans("|`<>", "/'()"))


def table_line(cells: Sequence[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def estimate(one: Estimate, *, signed: bool = False) -> str:
    """A rate with its interval; where there is none, nothing can be said."""
    if one.value is None or one.low is None or one.high is None:
        return "-"
    sign = "+" if signed else ""
    return f"{one.value:{sign}.3f} [{one.low:{sign}.3f}, {one.high:{sign}.3f}]"


def share(one: Estimate, *, signed: bool = False) -> str:
    """A rate, with its interval where it has one."""
    return one.number(signed=signed) if one.low is None else estimate(one, signed=signed)
