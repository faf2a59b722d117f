"""The options of ``svlm train``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from svlm_cli.cli.panels import Panel
from svlm_cli.commands import options
from svlm_cli.commands.train_following import FOLLOWING
from svlm_cli.core.errors import UsageError

TFLOPS: Final = 300.0  # model TFLOP/s of a GPU, if nothing else is said


def _behind(incomplete: str) -> list[tuple[str, str]]:
    """What may stand in the place of a recipe, once it is begun: until then, files are what is wanted."""
    return [(name, "") for name in FOLLOWING] if incomplete else []


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """In the order of the help."""

    context: typer.Context
    recipe: Annotated[
        Path,
        typer.Argument(metavar="RECIPE.toml", autocompletion=_behind, help="What to train, on which data, and how."),
    ]
    steps: Annotated[int | None, Panel.INPUT.option(min=1, help="Number of steps, instead of the recipe's.")] = None
    output: Annotated[
        Path | None,
        Panel.OUTPUT.option("--output", "-o", metavar="DIR", help="Output folder, instead of one beside the recipe."),
    ] = None
    resume: Annotated[bool, Panel.OUTPUT.option("--resume", help="Continue the run in the output folder.")] = False
    device: options.Device = "auto"
    gpus: Annotated[int | None, Panel.MODEL.option(min=1, help="Number of GPUs of this machine to train on.")] = None
    plot: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FILE", help="Plot the curves (.png or .svg), updated every half minute and at the end."
        ),
    ] = None
    tensorboard: Annotated[
        Path | None,
        Panel.OUTPUT.option(metavar="DIR", help="Also write the metrics there, for TensorBoard."),
    ] = None
    dry_run: Annotated[
        bool,
        Panel.PLANNING.option(
            "--dry-run",
            help="Estimate memory, tokens and hours without training. Loads no weights, and needs no GPU.",
        ),
    ] = False
    tflops: Annotated[
        float | None,
        Panel.PLANNING.option(
            min=0.001,
            metavar="X",
            help="Model TFLOP/s per GPU, used to estimate the hours.",
            show_default=f"{TFLOPS:g}",
        ),
    ] = None
    as_json: Annotated[
        bool, Panel.PLANNING.option("--json", help="With --dry-run: print one JSON document on stdout.")
    ] = False
    quiet: options.Quiet = False

    @property
    def folder(self) -> Path:
        """Of the run."""
        return self.output or self.recipe.absolute().with_suffix("")

    def refuse_idle(self) -> None:
        """`UsageError` for an option that would do nothing."""
        idle = (
            {
                "--output": self.output is not None,
                "--resume": self.resume,
                "--plot": self.plot is not None,
                "--tensorboard": self.tensorboard is not None,
            }
            if self.dry_run
            else {"--tflops": self.tflops is not None, "--json": self.as_json}
        )
        for option, given in idle.items():
            if given:
                rest = "with --dry-run nothing is trained" if self.dry_run else "it is for --dry-run"
                raise UsageError(f"{option} would do nothing: {rest}.", "Leave it out.")

    def of_a_rank(self) -> list[str]:
        """The arguments by which each of several processes runs the same."""
        flags = {"--resume": self.resume, "--quiet": self.quiet}
        return [
            *(["--debug"] if self.context.obj.debug else []),
            *("train", str(self.recipe), "--output", str(self.folder), "--device", self.device),
            *([] if self.steps is None else ["--steps", str(self.steps)]),
            *(name for name, given in flags.items() if given),
            *([] if self.plot is None else ["--plot", str(self.plot)]),
            *([] if self.tensorboard is None else ["--tensorboard", str(self.tensorboard)]),
        ]
