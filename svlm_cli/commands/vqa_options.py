"""The options that the commands of ``svlm eval vqa`` share. What they mean is decided in ``vqa_run.py``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.commands import choices, options
from svlm_cli.commands.panels import Panel
from svlm_cli.evals.vqa.choices import AnswerBy, Way
from svlm_cli.outputs.reporting import UnlessQuiet

_MOST_FRAMES: Final = 4096


@dataclass(frozen=True, slots=True)
class VqaOptions(UnlessQuiet, options.EngineOptions):
    """What the commands of all benchmarks share, in the order of the help."""

    folder: Annotated[
        Path | None, Panel.INPUT.argument(metavar="FOLDER", help="The benchmark, as it was published, with its videos.")
    ] = None
    tasks: Annotated[
        list[str] | None, Panel.INPUT.option("--only", metavar="TASK", help="Ask these alone. Repeatable.")
    ] = None
    limit: Annotated[int | None, Panel.INPUT.option(min=1, metavar="N", help="Ask the first N questions.")] = None
    prompts: Annotated[Path | None, Panel.INPUT.option(metavar="FILE.toml", help="Ask in other words than ours.")] = (
        None
    )
    jobs: Annotated[
        int,
        Panel.INPUT.option(
            "--jobs", "-j", min=1, metavar="N", help="Streams at once, in one batch; or clips that are read at once."
        ),
    ] = 1
    output: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            "--output",
            "-o",
            metavar="RESULTS.jsonl|FOLDER",
            help="The answers, to which a later call adds; of several models a folder, with a file for each.",
        ),
    ] = None
    overwrite: Annotated[bool, Panel.OUTPUT.option("--overwrite", help="Begin anew, and lose what was answered.")] = (
        False
    )
    show_prompts: Annotated[
        bool, Panel.OUTPUT.option("--show-prompts", help="Print how questions are put, and exit.")
    ] = False
    models: Annotated[
        list[str] | None,
        Panel.MODEL.option(
            "--model",
            "-m",
            envvar="SVLM_MODEL",
            metavar="NAME|PATH|HUB_ID",
            autocompletion=choices.models_to_run,
            help="A known model, a checkpoint folder, OWNER/NAME on the hub, or `auto`; given again, "
            "another to compare with.",
            show_default=DEFAULT_MODEL,
        ),
    ] = None
    adapter: options.Adapter = None
    ways: Annotated[
        list[Way] | None,
        Panel.MEASURING.option(
            "--way",
            help="How the model looks: as a stream that remembers; at frames of the whole, or "
            "the last frames alone, at once; as a stream that forgets everything every so "
            "often. Repeatable.",
            show_default="streaming",
        ),
    ] = None
    answer: Annotated[
        AnswerBy,
        Panel.MEASURING.option(
            help="Which option counts as the answer: that of the likeliest letter, or what the model says, read "
            "strictly."
        ),
    ] = AnswerBy.LETTERS
    frames: Annotated[
        int,
        Panel.MEASURING.option(min=1, max=_MOST_FRAMES, help="Of the way `full`, at most, and at most two a second."),
    ] = 64
    recent_frames: Annotated[
        int, Panel.MEASURING.option(min=1, max=_MOST_FRAMES, help="Of the way `recent`, two a second.")
    ] = 4
    max_pixels: Annotated[
        int | None, Panel.MEASURING.option(min=1, help="Of a frame, in all ways.", show_default="the model's")
    ] = None
    seed: options.Seed = 0
    fps: options.Fps = None
    temperature: options.Temperature = None
    policy: options.PolicyFile = None
    policy_keys: options.PolicyKeys = None
    as_json: options.Json = False
    quiet: options.Quiet = False

    @property
    def model(self) -> str | None:
        """The first that was named."""
        return self.models[0] if self.models else None
