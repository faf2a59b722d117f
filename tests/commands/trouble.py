"""A command that ends in every way a command can end. Stands in for the real ones at the boundary."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.commands import app as application
from svlm_cli.commands.command_table import COMMANDS
from svlm_cli.core import errors

app = typer.Typer(add_completion=False)


@app.command("raise")
def raise_error(name: str, message: str, hint: str = "") -> None:
    """One of our own errors, or one that nobody foresaw."""
    if name == "CapacityError":
        raise errors.CapacityError(message, hint, stream=0)
    raise getattr(errors, name)(message, hint) if hasattr(errors, name) else RuntimeError(message)


@app.command()
def interrupt() -> None:
    """Control-C, without a keyboard."""
    raise KeyboardInterrupt


@app.command("exit")
def exit_with(code: Annotated[int, typer.Argument(metavar="CODE")]) -> None:
    """What a command does that has already said what went wrong."""
    raise typer.Exit(code)


@app.command()
def pour(lines: int) -> None:
    """More or less of stdout."""
    for line in range(lines):
        typer.echo(f"line {line}")


@app.command()
def other_pipe() -> None:
    """A broken pipe that is not stdout's."""
    raise BrokenPipeError(32, "Broken pipe")


@contextmanager
def _file_that_takes_a_while_to_finish(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        time.sleep(0.5)
        path.write_text("finished")


@app.command()
def wait(path: Path) -> None:
    """Works until a signal comes."""
    with _file_that_takes_a_while_to_finish(path):
        typer.echo("ready")
        sys.stdout.flush()
        for _ in range(600):
            time.sleep(0.1)  # a signal that comes just before a sleep is heard after it


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    COMMANDS["trouble"] = (__name__, "Ends in every way.")
    sys.exit(application.main())
