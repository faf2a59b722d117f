"""Progress on stderr of what is only counted: a bar where there is a terminal, else a line now and then."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

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
                line = f"svlm: {done} of {total} {name}{note and f', {note}'}"
                print(line, file=sys.stderr, flush=True)  # noqa: T201  progress

        yield advance
