"""A reporter on stderr. What is only counted is a bar where there is a terminal, else a line now and then."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from svlm_cli.core.sentences import sentence

_TENTHS: Final = 10


@contextmanager
def bar(name: str, total: int, *, quiet: bool = False) -> Iterator[tuple[Callable[..., None], bool]]:
    """On stderr, if that is a terminal, unless `quiet`: what tells it how many are done, and whether it is one.

    With the number comes a note, if there is something to say beside it.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task(name, total=total, note="")

        def advance(done: int, note: str = "") -> None:
            progress.update(task, completed=done, note=note)

        yield advance, console.is_terminal


@contextmanager
def counting(name: str, total: int, *, quiet: bool) -> Iterator[Callable[..., None]]:
    """On stderr, a bar if that is a terminal, else a line for every tenth; nothing if `quiet`.

    With the number comes a note, as in `bar`.
    """
    told = 0
    with bar(name, total, quiet=quiet) as (show, seen):

        def advance(done: int, note: str = "") -> None:
            nonlocal told
            show(done, note)
            tenth = done * _TENTHS // total
            if not quiet and not seen and tenth > told:
                told = tenth
                _say(f"svlm: {done} of {total} {name}{note and f', {note}'}")

        yield advance


class UnlessQuiet:
    """A `Reporter` on stderr. The options of a command with ``--quiet`` inherit this, and have `quiet`."""

    __slots__ = ()

    quiet: bool

    def show(self, line: str) -> None:
        """What nobody has to know."""
        if not self.quiet:
            _say(line)

    def tell(self, message: str) -> None:
        """The same, as one of our sentences."""
        self.show(sentence(message))

    def warn(self, message: str, hint: str = "") -> None:
        """A sentence that people have to know, even if they want quiet."""
        _say(sentence(message, hint))

    def counting(self, name: str, total: int) -> AbstractContextManager[Callable[..., None]]:
        """What is to be told how many are done, and maybe a note beside that."""
        return counting(name, total, quiet=self.quiet)

    @contextmanager
    def bar(self, name: str, total: int) -> Iterator[Callable[..., None]]:
        """The same, where only a terminal shows it."""
        with bar(name, total, quiet=self.quiet) as (advance, _):
            yield advance


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201  stdout is for data
