"""Prints reports: of votes and answers, and of what was measured, as JSON or as tables."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rich.table import Table

from svlm_cli.cli.messages import print_json, warn
from svlm_cli.outputs.tables import add_rows, print_tables, table_console

if TYPE_CHECKING:
    from svlm_cli.evals.judge.report import JudgeReport
    from svlm_cli.evals.vqa.report import VqaReport


class MeasuredTables(Protocol):
    """What a bench has measured."""

    @property
    def tables(self) -> Iterable[tuple[Sequence[str], Sequence[Sequence[str]]]]:
        """The headings and the cells of each."""
        ...

    @property
    def caption(self) -> str: ...
    def to_json(self) -> dict[str, Any]: ...


def print_report(found: "JudgeReport | VqaReport", *, as_json: bool) -> None:
    """JSON; or tables on standard output and notes on standard error."""
    if as_json:
        print_json(found.to_json())
        return
    print_tables(found.tables())
    for note in found.notes():
        warn(note)


def print_bench(found: MeasuredTables, *, as_json: bool) -> None:
    """What a bench has measured: JSON, or tables on standard output."""
    if as_json:
        print_json(found.to_json())
        return
    for headings, rows in found.tables:
        table = Table(*headings, caption=found.caption or None)
        add_rows(table, rows)
        table_console().print(table)
