"""How a run that takes long tells people how it goes. Commands print that on stderr; a program may do otherwise."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from svlm_cli.core.errors import SvlmError


class Reporter(Protocol):
    """Whom a run tells how it goes."""

    def show(self, line: str) -> None:
        """A line that nobody has to know."""
        ...

    def tell(self, message: str) -> None:
        """A sentence that nobody has to know."""
        ...

    def warn(self, message: str, hint: str = "") -> None:
        """A sentence that people have to know, even if they want quiet."""
        ...

    def counting(self, name: str, total: int) -> AbstractContextManager[Callable[..., None]]:
        """What is to be told how many are done, and maybe a note beside that."""
        ...

    def bar(self, name: str, total: int) -> AbstractContextManager[Callable[..., None]]:
        """The same, where only a terminal shows it."""
        ...


def once(tell: Callable[[str], None], told: set[str]) -> Callable[[str], None]:
    """Tells each line that is not in `told`, and notes it there: of one video several have the same to tell."""

    def hear(line: str) -> None:
        if line not in told:
            told.add(line)
            tell(line)

    return hear


def warn_of(reporter: Reporter, error: SvlmError) -> None:
    """Tells an error that does not end the run."""
    reporter.warn(error.message, error.hint)
