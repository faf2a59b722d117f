"""The options that the commands of ``svlm eval vqa`` share. What they mean is decided in ``vqa_run.py``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.cli import choices
from svlm_cli.cli.panels import Panel
from svlm_cli.commands import options
from svlm_cli.evals.vqa.choices import AnswerBy, Way

_MOST_FRAMES: Final = 4096


@dataclass(frozen=True, slots=True)
class VqaOptions(options.EngineOptions):
    """What the commands of all benchmarks share, in the order of the help."""

    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="Folder of the benchmark as published, with its videos.")
    ] = None
    tasks: Annotated[
        list[str] | None,
        Panel.INPUT.option("--only", metavar="TASK", help="Ask only the questions of this task. Repeatable."),
    ] = None
    limit: Annotated[int | None, Panel.INPUT.option(min=1, metavar="N", help="Ask only the first N questions.")] = None
    prompts: options.Prompts = None
    jobs: Annotated[
        int,
        Panel.INPUT.option(
            "--jobs", "-j", min=1, metavar="N", help="Number of streams in one batch, or of clips read at once."
        ),
    ] = 1
    output: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            "--output",
            "-o",
            metavar="RESULTS.jsonl|FOLDER",
            help="The answers; a later call adds to them. For several models, a folder with a file for each.",
        ),
    ] = None
    overwrite: options.StartAgain = False
    show_prompts: options.ShowPrompts = False
    models: Annotated[
        list[str] | None,
        Panel.MODEL.option(
            "--model",
            "-m",
            envvar="SVLM_MODEL",
            metavar="NAME|PATH|HUB_ID",
            autocompletion=choices.models_to_run,
            help="A known model, a checkpoint folder, OWNER/NAME on the hub, or `auto`. Repeat it to compare models.",
            show_default=DEFAULT_MODEL,
        ),
    ] = None
    adapter: options.Adapter = None
    ways: Annotated[
        list[Way] | None,
        Panel.MEASURING.option(
            "--way",
            metavar="|".join(Way),
            help="How the model sees a video. `streaming`: as a stream; `window`: as a stream that regularly forgets "
            "everything; `full`, `recent`: all at once, frames of the whole video or only the last ones. Repeatable.",
            show_default="streaming",
        ),
    ] = None
    answer: Annotated[
        AnswerBy,
        Panel.MEASURING.option(
            help="How an answer is read: the most likely letter, or strictly from the generated words."
        ),
    ] = AnswerBy.LETTERS
    frames: Annotated[
        int,
        Panel.MEASURING.option(
            min=1, max=_MOST_FRAMES, help="Maximum number of frames for --way full, at most two per second."
        ),
    ] = 64
    recent_frames: Annotated[
        int, Panel.MEASURING.option(min=1, max=_MOST_FRAMES, help="Number of frames for --way recent, two per second.")
    ] = 4
    max_pixels: Annotated[
        int | None,
        Panel.MEASURING.option(min=1, help="Maximum pixels of a frame, in all ways.", show_default="the model's"),
    ] = None
    temperature: options.Temperature = None
    as_json: options.Json = False

    @property
    def model(self) -> str | None:
        """The first that was named."""
        return self.models[0] if self.models else None
