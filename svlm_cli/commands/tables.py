"""Tables on the terminal, JSON for scripts, and progress of long commands."""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import typer

from svlm_cli.core.text import presentable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDTH: Final = 120  # where there is no terminal to ask
_TENTHS: Final = 10


def table_console() -> "Console":
    """Standard output, wide enough for tables."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def error_console() -> "Console":
    """Standard error, for tables about what went to files or to standard output."""
    from rich.console import Console

    return Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH)


def add_rows(table: "Table", rows: Iterable[Sequence[str]]) -> None:
    """Adds cells as plain text: names of kernels hold brackets, which Rich would take for markup."""
    from rich.text import Text

    for row in rows:
        table.add_row(*(Text(presentable(cell)) for cell in row))


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on one line of standard output, for programs."""
    typer.echo(json.dumps(document, separators=(",", ":"), allow_nan=False))


def print_tables(
    tables: Iterable[tuple[Sequence[str], Sequence[Sequence[str]]]], console: "Console | None" = None
) -> None:
    """Prints tables, each a list of headings and rows, on standard output or on another console."""
    from rich.table import Table

    console = console or table_console()
    for headings, rows in tables:
        table = Table(*headings, box=None)
        add_rows(table, rows)
        console.print(table)
        console.print()


def print_columns(headings: Sequence[str], rows: Iterable[Sequence[str]], *, folded: Collection[str]) -> None:
    """Prints a table on a terminal, which wraps only the columns named in `folded`; else aligned lines, for scripts."""
    from rich.console import Console
    from rich.table import Table

    console, cells = Console(), [[presentable(cell) for cell in row] for row in rows]
    if console.is_terminal:
        table = Table(box=None, pad_edge=False)
        for name in headings:
            table.add_column(name, overflow="fold", no_wrap=name not in folded)
        add_rows(table, cells)
        console.print(table)
        return
    lines = [list(headings), *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@contextmanager
def bar(name: str, total: int, *, quiet: bool = False) -> Iterator[tuple[Callable[..., None], bool]]:
    """A progress bar on stderr, if that is a terminal, unless `quiet`.

    Yields a function that takes the number done and a note to show beside it, and whether stderr is a terminal.
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
    """Progress on stderr: a bar on a terminal, else a line for every tenth; nothing if `quiet`.

    Yields a function that takes the number done and a note, as `bar` does.
    """
    told = 0
    with bar(name, total, quiet=quiet) as (show, seen):

        def advance(done: int, note: str = "") -> None:
            nonlocal told
            show(done, note)
            tenth = done * _TENTHS // total
            if not quiet and not seen and tenth > told:
                told = tenth
                typer.echo(f"svlm: {done} of {total} {name}{note and f', {note}'}", err=True)

        yield advance
