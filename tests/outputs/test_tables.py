"""Tables of measurements: what a program or a file calls a thing is no markup, and steers no terminal."""

import io

from rich.console import Console
from rich.table import Table

from svlm_cli.outputs.tables import add_rows


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
