"""Prints a report of votes or answers, as all commands do that end with one."""

from typing import TYPE_CHECKING

from svlm_cli.cli.messages import print_json, warn
from svlm_cli.outputs.tables import print_tables

if TYPE_CHECKING:
    from svlm_cli.evals.judge.report import JudgeReport
    from svlm_cli.evals.vqa.report import VqaReport


def print_report(found: "JudgeReport | VqaReport", *, as_json: bool) -> None:
    """JSON; or tables on standard output and notes on standard error."""
    if as_json:
        print_json(found.to_json())
        return
    print_tables(found.tables())
    for note in found.notes():
        warn(note)
