"""``svlm data check``: can all of an annotation file be learned from? The work is in ``curation/``."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.cli.messages import ExitCode, print_json
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import options
from svlm_cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class CheckOptions(options.QuietOptions):
    """What was asked for, in the order of the help."""

    files: Annotated[list[Path], typer.Argument(metavar="FILE.jsonl", help="Annotation files.")]
    videos: Annotated[
        Path | None,
        Panel.INPUT.option(
            metavar="FOLDER",
            help="Folder that relative names of videos start from.",
            show_default="beside the annotation file",
        ),
    ] = None
    output: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            "--output", "-o", metavar="BAD.jsonl", help="Write what is bad, and why, here instead of to stderr."
        ),
    ] = None
    write: Annotated[Path | None, Panel.OUTPUT.option(metavar="GOOD.jsonl", help="Write the good rows.")] = None
    jobs: Annotated[
        int | None,
        Panel.MEASURING.option(
            "--jobs",
            "-j",
            min=1,
            max=256,
            help="Number of rows or videos checked at once.",
            show_default="one per processor",
        ),
    ] = None
    overwrite: options.Overwrite = False
    as_json: options.Json = False

    @property
    def journal(self) -> Path | None:
        """Where it is kept what was found of videos, so that the next call need not open them."""
        beside = self.output or self.write
        return None if beside is None else beside.with_name(f"{beside.name}.checked")


@takes(CheckOptions)
def check(asked: CheckOptions) -> None:
    """Check annotation files: can `svlm train` read every row, and does every video have the pictures that rows name?

    Exits with 1 if anything is bad. With -o or --write, a stopped call continues when it is repeated, and later calls
    open only videos that have changed. Seek indices are checked, too.
    """
    _refuse_elsewhere(asked)
    from svlm_cli.curation.check_run import check_files

    report = check_files(
        asked.files,
        asked.videos,
        asked,
        journal=asked.journal,
        bad=asked.output,
        good=asked.write,
        overwrite=asked.overwrite,
        jobs=asked.jobs or os.cpu_count() or 1,
    )
    if asked.as_json:
        print_json(report.to_json())
    asked.tell(report.sentence())
    if not report.is_good:
        raise typer.Exit(ExitCode.FAILED)


def _refuse_elsewhere(asked: CheckOptions) -> None:
    """Rows are written as they are, so relative names of videos must lead where they led."""
    if asked.write is None:
        return
    if asked.output is not None and asked.output.absolute() == asked.write.absolute():
        raise UsageError(f"-o and --write are both {asked.write}.", "Name two files.")
    folder = asked.write.parent.resolve()
    if asked.videos is None and any(path.parent.resolve() != folder for path in asked.files):
        raise UsageError(
            f"{asked.write} is not beside the annotation files, so its rows would not find their videos.",
            "Write it beside them, or name the --videos folder.",
        )
