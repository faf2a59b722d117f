"""Tables of measurements: what a program or a file calls a thing is no markup, and steers no terminal."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from svlm_cli.commands.tables import add_rows, bar


@pytest.mark.parametrize("quiet", [False, True])
def test_a_bar_is_drawn_unless_nobody_wants_it(
    quiet: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards `--quiet` on a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with bar("rounds", 2, quiet=quiet) as (show, _):
        show(1)
    told = capsys.readouterr()
    assert (told.out, "rounds" in told.err, told.err == "") == ("", not quiet, quiet)


def test_cells_are_shown_as_they_are() -> None:
    """Guards kernels, whose names hold brackets: Rich would leave them out, and raise at one that closes nothing."""
    table = Table("kernel", box=None)
    add_rows(table, [["gemm[clone]"], ["[/red]sum"], ["a\x1b[31mb\nc"], ["rtsp://me:secret@h/a"]])
    shown = io.StringIO()
    Console(file=shown, width=80).print(table)
    assert [line.strip() for line in shown.getvalue().splitlines()[1:]] == [
        "gemm[clone]",
        "[/red]sum",
        "ab c",
        "rtsp://...@h/a",
    ]
