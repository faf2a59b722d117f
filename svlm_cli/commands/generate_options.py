"""The options of the two ``generate`` commands, and what they generate of what."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from svlm_cli.commands import chat_options, options
from svlm_cli.commands.command import given
from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.reporting import UnlessQuiet

Output = Annotated[
    Path,
    Panel.OUTPUT.option(
        "--output",
        "-o",
        metavar="PRED.jsonl",
        help="The predictions. Those that are there are kept, and a run that was stopped goes on.",
        show_default=False,
    ),
]

Videos = Annotated[
    Path,
    Panel.INPUT.option(
        metavar="FOLDER",
        help="Where the videos are, in the folders that the file names, or without them.",
        show_default=False,
    ),
]

BackendName = Literal["svlm", "openai"]

_Backend = Annotated[
    BackendName,
    Panel.MODEL.option(
        help="Who comments: a streaming model here, or one behind chat completions that is shown pictures."
    ),
]

_Jobs = Annotated[
    int | None,
    Panel.INPUT.option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        help="Streams at once, in one batch; with --backend openai, requests at once.",
        show_default="1, and 8",
    ),
]


@dataclass(frozen=True, slots=True)
class GenerateOptions(UnlessQuiet, options.EngineOptions):
    """What the two ``generate`` commands share, in the order of the help."""

    backend: _Backend = "svlm"
    streams: _Jobs = None
    overwrite: Annotated[
        bool, Panel.OUTPUT.option("--overwrite", help="Begin anew, and lose what was predicted there.")
    ] = False
    model: options.Model = None
    adapter: options.Adapter = None
    query: options.Query = None
    seed: options.Seed = 0
    mode: options.ForgetsBy = None
    fps: options.Fps = None
    temperature: options.Temperature = None
    policy: options.PolicyFile = None
    policy_keys: options.PolicyKeys = None
    as_json: options.Json = False
    quiet: options.Quiet = False


def _show_prompts(asked: bool) -> None:
    if asked:
        from svlm_cli.evals.prompt_files import prompts_file

        typer.echo(prompts_file("baseline").read_text(encoding="utf-8").rstrip("\n"))
        raise typer.Exit


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the two ``generate`` commands take for `--backend openai` alone."""

    prompts: chat_options.Prompts = None
    show_prompts: Annotated[
        bool,
        Panel.OUTPUT.option(
            "--show-prompts",
            callback=_show_prompts,
            is_eager=True,
            help="Print what a model of --backend openai is asked, and exit.",
        ),
    ] = False
    cache: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FOLDER", help="What is answered there is not asked again.", show_default="~/.cache/svlm/baseline"
        ),
    ] = None
    base_url: chat_options.BaseUrl = chat_options.DEFAULT_BASE_URL
    tries: chat_options.Tries = 6
    answer_timeout: chat_options.AnswerTimeout = 120.0
    price_in: chat_options.PriceIn = None
    price_out: chat_options.PriceOut = None

    def refuse(self) -> None:
        """`UsageError` for one that was typed where no server is asked."""
        refuse_typed(tuple(asdict(self)), "needs --backend openai")


@dataclass(frozen=True, slots=True)
class OfVideos:
    """Of `svlm eval commentary generate`."""

    annotations: Annotated[
        Path,
        Panel.INPUT.option(
            metavar="FILE.jsonl",
            help="eval_all_metadata.jsonl of the benchmark; for --backend openai score_all_clips.jsonl.",
            show_default=False,
        ),
    ]
    videos: Videos
    output: Output
    start: Annotated[
        str,
        Panel.INPUT.option(metavar="TIME", help="Of each video: seconds, or [H:]MM:SS. It ends with its last word."),
    ] = "1000"
    chunk: Annotated[
        float | None,
        Panel.INPUT.option(
            metavar="SECONDS",
            help="A new stream every so often, which is told what people said before: the published protocol has 100.",
        ),
    ] = None
    asked: GenerateOptions = field(default_factory=GenerateOptions)
    server: ServerOptions = field(default_factory=ServerOptions)


@dataclass(frozen=True, slots=True)
class OfEvents:
    """Of `svlm eval livesports generate`."""

    events: Annotated[
        Path,
        Panel.INPUT.option(metavar="FILE", help="The events: JSON lines, a JSON list, or Parquet.", show_default=False),
    ]
    videos: Videos
    output: Output
    asked: GenerateOptions = field(default_factory=GenerateOptions)
    server: ServerOptions = field(default_factory=ServerOptions)


def refuse_typed(names: Sequence[str], why: str) -> None:
    """`UsageError` for an option that was typed where it has no use."""
    for name in names:
        if given(name):
            option = {"policy_keys": "set"}.get(name, name.replace("_", "-"))
            raise UsageError(f"--{option} {why}.", "Leave it out.")
