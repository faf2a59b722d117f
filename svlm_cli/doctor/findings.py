"""What ``svlm doctor`` says of one thing, as data."""

from dataclasses import dataclass
from enum import StrEnum

from svlm_cli.core.text import presentable


class CheckState(StrEnum):
    """What a check found."""

    OK = "ok"
    OPTIONAL = "optional"  # not there, and captions do without it
    WARNING = "warning"  # there, and not as it should be; captions can be made
    MISSING = "missing"  # not there, and captions need it


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    state: CheckState
    detail: str
    advice: str = ""

    def presentable(self) -> "Finding":
        """As people and programs may see it, whatever a variable, a file or a server said."""
        name, detail, advice = (presentable(one) for one in (self.name, self.detail, self.advice))
        return Finding(name, self.state, detail, advice)
