"""The options of the two ``generate`` commands, and what they generate of what."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from svlm_cli.cli.command import given
from svlm_cli.cli.panels import Panel
from svlm_cli.commands import chat_options, options
from svlm_cli.core.errors import UsageError

Output = Annotated[
    Path,
    Panel.OUTPUT.option(
        "--output",
        "-o",
        metavar="PRED.jsonl",
        help="The predictions. Existing ones are kept, so a stopped run can continue.",
        show_default=False,
    ),
]

Videos = Annotated[
    Path,
    Panel.INPUT.option(
        metavar="FOLDER",
        help="Folder of the videos, with or without the subfolders that the annotations name.",
        show_default=False,
    ),
]

BackendName = Literal["svlm", "openai"]

_Backend = Annotated[
    BackendName,
    Panel.MODEL.option(
        help="Who comments: a streaming model on this machine, or a chat completions server that receives pictures."
    ),
]

_Jobs = Annotated[
    int | None,
    Panel.INPUT.option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        help="Streams in one batch; with --backend openai, parallel requests.",
        show_default="1, and 8",
    ),
]


@dataclass(frozen=True, slots=True)
class GenerateOptions(options.EngineOptions):
    """What the two ``generate`` commands share, in the order of the help."""

    backend: _Backend = "svlm"
    streams: _Jobs = None
    fleet: Annotated[
        str | None,
        Panel.INPUT.option(
            "--fleet",
            metavar="local|ADDRESS",
            help="Spread the videos over all GPUs of this machine or of a Ray cluster; without GPUs, over the cores.",
        ),
    ] = None
    overwrite: options.StartAgain = False
    model: options.Model = None
    adapter: options.Adapter = None
    query: options.Query = None
    mode: options.ForgetsBy = None
    temperature: options.Temperature = None
    as_json: options.Json = False


def _show_prompts(asked: bool) -> None:
    if asked:
        from svlm_cli.evals.prompt_files import prompts_file

        typer.echo(prompts_file("baseline").read_text(encoding="utf-8").rstrip("\n"))
        raise typer.Exit


@dataclass(frozen=True, slots=True)
class ServerOptions(chat_options.ChatOptions):
    """What the two ``generate`` commands take for `--backend openai` alone."""

    show_prompts: Annotated[
        bool,
        Panel.OUTPUT.option(
            "--show-prompts",
            callback=_show_prompts,
            is_eager=True,
            help="Print the prompts of --backend openai, and exit.",
        ),
    ] = False
    base_url: chat_options.BaseUrl = chat_options.DEFAULT_BASE_URL

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
            help="eval_all_metadata.jsonl of the benchmark, or score_all_clips.jsonl for --backend openai.",
            show_default=False,
        ),
    ]
    videos: Videos
    output: Output
    start: Annotated[
        str,
        Panel.INPUT.option(
            metavar="TIME",
            help="Where to start in each video: seconds, or [H:]MM:SS. The end is its last annotated word.",
        ),
    ] = "1000"
    chunk: Annotated[
        float | None,
        Panel.INPUT.option(
            metavar="SECONDS",
            help="Start a new stream this often, with the preceding human commentary as context; the paper uses 100.",
        ),
    ] = None
    asked: GenerateOptions = field(default_factory=GenerateOptions)
    server: ServerOptions = field(default_factory=ServerOptions)


@dataclass(frozen=True, slots=True)
class OfEvents:
    """Of `svlm eval livesports generate`."""

    events: Annotated[
        Path,
        Panel.INPUT.option(
            metavar="FILE", help="The events, as JSON lines, a JSON list or Parquet.", show_default=False
        ),
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
