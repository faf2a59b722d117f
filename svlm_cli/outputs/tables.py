"""Tables for people, by Rich: what a program or a file calls a thing is no markup, and steers no terminal."""

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from svlm_cli.core.text import plain_text, presentable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDTH: Final = 120  # where there is no terminal to ask


def table_console() -> "Console":
    """Standard output, wide enough for tables."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def error_console() -> "Console":
    """Standard error, for tables about what went to files or to standard output."""
    from rich.console import Console

    return Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH)


def add_rows(table: "Table", rows: Iterable[Sequence[str]]) -> None:
    """Cells as they are: names of kernels hold brackets, which Rich would take for markup."""
    from rich.text import Text

    for row in rows:
        table.add_row(*(Text(presentable(cell)) for cell in row))


def print_tables(
    tables: Iterable[tuple[Sequence[str], Sequence[Sequence[str]]]], console: "Console | None" = None
) -> None:
    """Headings and rows of each, an empty line after it; on standard output, unless a console is given."""
    from rich.table import Table

    console = console or table_console()
    for headings, rows in tables:
        table = Table(*headings, box=None)
        add_rows(table, rows)
        console.print(table)
        console.print()


def print_columns(headings: Sequence[str], rows: Iterable[Sequence[str]], *, folded: Collection[str]) -> None:
    """On a terminal a table, in which the columns that may be `folded` are; else lines whose columns are aligned."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console, cells = Console(), [[plain_text(cell) for cell in row] for row in rows]
    if console.is_terminal:
        table = Table(box=None, pad_edge=False)
        for name in headings:
            table.add_column(name, overflow="fold", no_wrap=name not in folded)
        for row in cells:
            table.add_row(*map(Text, row))
        console.print(table)
        return
    lines = [list(headings), *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        console.out(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), highlight=False
        )
