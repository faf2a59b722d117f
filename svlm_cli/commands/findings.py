"""What ``svlm doctor`` says of one thing, as data."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What a check found."""

    OK = "ok"
    OPTIONAL = "optional"  # not there, and captions do without it
    WARNING = "warning"  # there, and not as it should be; captions can be made
    MISSING = "missing"  # not there, and captions need it


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    state: State
    detail: str
    advice: str = ""
