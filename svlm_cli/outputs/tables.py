"""Tables on the terminal, by Rich. Names from files are plain text: no markup, no control sequences."""

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from svlm_cli.core.text import presentable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDTH: Final = 160  # where there is no terminal to ask


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


def print_tables(
    tables: Iterable[tuple[Sequence[str], Sequence[Sequence[str]]]], console: "Console | None" = None
) -> None:
    """Prints tables, each a list of headings and rows, on standard output or on another console."""
    from rich.table import Table

    console = console or table_console()
    for headings, rows in tables:
        table = Table(box=None)
        for heading in headings:
            table.add_column(heading, overflow="fold")  # a name that is cut off cannot be looked up
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
        console.out(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), highlight=False
        )
