"""``svlm data windows``: words files in, annotation files for `svlm train` out. The work is in ``curation/``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from svlm_cli.cli.command import given
from svlm_cli.cli.messages import print_json
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import options
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import PromptPolicy
from svlm_cli.curation.previous import PREVIOUS_WORDS
from svlm_cli.outputs.tables import error_console, print_tables

if TYPE_CHECKING:
    from svlm_cli.curation.windows import WindowRules
    from svlm_cli.curation.windows_run import WindowsOutput

_CLIPS_S = (16.0, 64.0)
_CLIPS_SILENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class WindowsOptions(options.QuietOptions):
    """What was asked for, in the order of the help."""

    words: Annotated[
        list[Path],
        typer.Argument(metavar="WORDS.jsonl", help="Files written by `svlm data words` or `svlm data clean`."),
    ]
    output: Annotated[Path, Panel.OUTPUT.option("--output", "-o", metavar="FILE.jsonl", help="The annotation file.")]
    seconds: Annotated[float, Panel.WINDOWS.option(min=1.0, max=3600.0, help="Length of a window.")] = 24.0
    overlap: Annotated[
        float, Panel.WINDOWS.option(min=0.0, metavar="SECONDS", help="Overlap of a window with the previous one.")
    ] = 12.0
    annealing: Annotated[
        bool,
        Panel.WINDOWS.option(
            "--annealing", help="Make clips of 16 to 64 s instead, cut between segments, with at most 3 s of silence."
        ),
    ] = False
    words_per_second: Annotated[
        float, Panel.WINDOWS.option(min=0.0, help="Leave out windows with fewer words per second.")
    ] = 2.0
    silence: Annotated[
        float | None,
        Panel.WINDOWS.option(
            min=0.0,
            metavar="SECONDS",
            help="Leave out windows with a longer silence.",
            show_default="no limit, or 3 with --annealing",
        ),
    ] = None
    language: Annotated[
        str, Panel.WINDOWS.option(metavar="CODE", help="Only videos in this language, as named in the words files.")
    ] = ""
    similar: Annotated[
        float,
        Panel.WINDOWS.option(
            min=0.5,
            max=1.0,
            help="Leave out a window if its word trigrams have this Jaccard similarity or more with an earlier one.",
        ),
    ] = 0.8
    query: Annotated[str, Panel.WINDOWS.option(help="What the model is asked to do.")] = PromptPolicy().query
    previous_words: Annotated[
        int, Panel.WINDOWS.option(min=0, help="Maximum number of earlier words in front of a window.")
    ] = PREVIOUS_WORDS
    held_out: Annotated[
        float,
        Panel.OUTPUT.option(
            min=0.0, max=0.9, metavar="SHARE", help="Fraction of the videos to hold out for validation."
        ),
    ] = 0.0
    held_out_to: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FILE.jsonl", help="Where to write the held-out windows.", show_default="held-out.jsonl beside -o"
        ),
    ] = None
    index: Annotated[
        bool, Panel.OUTPUT.option("--index", help="Also write a seek index, FILE_seeks.jsonl: where each line begins.")
    ] = False
    plot: Annotated[Path | None, Panel.OUTPUT.option(metavar="FILE.png", help="Plot what was left out, and why.")] = (
        None
    )
    overwrite: options.Overwrite = False
    as_json: options.Json = False

    def rules(self) -> "WindowRules":
        """Which windows are good. Raises `UsageError`."""
        from svlm_cli.curation.windows import WindowRules

        clips_s, silence_s = (_CLIPS_S, _CLIPS_SILENCE_S) if self.annealing else (None, None)
        if self.silence is not None:
            silence_s = self.silence
        return WindowRules(self.seconds, self.overlap, clips_s, self.words_per_second, silence_s, self.language)

    def outputs(self) -> "WindowsOutput":
        """Which files are written. Raises `UsageError`."""
        from svlm_cli.curation.windows_run import WindowsOutput

        held_out = None
        if self.held_out:
            held_out = self.held_out_to or self.output.with_name("held-out.jsonl")
        found = WindowsOutput(
            self.output, held_out, self.held_out, self.query, self.previous_words, self.index, self.overwrite
        )
        if len({path.absolute() for path in found.all_files}) < len(found.all_files):
            raise UsageError(f"Two files would be {self.output}.", "Give --held-out-to another name.")
        return found


@takes(WindowsOptions)
def windows(asked: WindowsOptions) -> None:
    """Cut what is said in videos into training windows: an annotation file for `svlm train`.

    Windows that are left out are counted by reason. With --annealing, makes the second training set of the paper.
    """
    _refuse_idle(asked)
    from svlm_cli.curation.windows_run import cut_windows
    from svlm_cli.outputs.figures import require_plot

    if asked.plot is not None:
        require_plot(asked.plot)
    rules, outputs = asked.rules(), asked.outputs()
    report = cut_windows(asked.words, rules, outputs, similar=asked.similar, tell=asked.show)
    if asked.plot is not None:
        from svlm_cli.curation.windows_plots import draw_windows

        draw_windows(report, asked.plot)
    if asked.as_json:
        row = {"output": str(outputs.train), "held_out_to": outputs.held_out and str(outputs.held_out)}
        print_json(row | report.to_json())
    if asked.quiet:
        return
    print_tables(report.tables(), error_console())
    if asked.held_out and not report.held_out:
        asked.tell("No video fell into the share that is held out.")


def _refuse_idle(asked: WindowsOptions) -> None:
    """What would do nothing in this call."""
    for name in ("seconds", "overlap"):
        if asked.annealing and given(name):
            raise UsageError(f"--{name} would do nothing: --annealing makes clips of other lengths.", "Leave one out.")
    if asked.held_out_to is not None and not asked.held_out:
        raise UsageError("--held-out-to would do nothing: nothing is held out.", "Add --held-out, or leave it out.")
