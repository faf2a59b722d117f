"""The options that several commands share, each defined once.

A command takes one with its default: ``device: Device = "auto"``; one that takes many takes a dataclass of them
(``cli/takes.py``). What the values mean is decided where they are used.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.cli import choices
from svlm_cli.cli.panels import Panel
from svlm_cli.core.policy import Mode
from svlm_cli.outputs.reporting import UnlessQuiet

Model = Annotated[
    str | None,  # None: DEFAULT_MODEL; an empty string names no model, like a variable that is not set
    Panel.MODEL.option(
        "--model",
        "-m",
        envvar="SVLM_MODEL",
        metavar="NAME|PATH|HUB_ID",
        autocompletion=choices.models_to_run,
        help="A known model (`svlm models list`), a checkpoint folder, or OWNER/NAME on the hub. `auto`: the best "
        "known model that is on this machine and fits.",
        show_default=DEFAULT_MODEL,
    ),
]

Adapter = Annotated[
    Path | None,
    Panel.MODEL.option(
        "--adapter",
        metavar="DIR",
        help="A LoRA adapter written by `svlm train` or peft. Its base is the model that it names, or --model.",
    ),
]

Revision = Annotated[
    str | None,
    Panel.MODEL.option(
        "--revision", envvar="SVLM_REVISION", metavar="REV", help="Branch, tag or commit of a model on the hub."
    ),
]

Offline = Annotated[
    bool,
    Panel.MODEL.option("--offline", envvar="SVLM_OFFLINE", help="Use only files that are already on this machine."),
]

Device = Annotated[
    str,
    Panel.MODEL.option(
        "--device",
        envvar="SVLM_DEVICE",
        metavar="auto|cpu|cuda[:N]",
        autocompletion=choices.devices,
        help="Device to run on. `auto`: a GPU if there is one.",
    ),
]

DtypeName = Literal["auto", "float32", "bfloat16", "float16", "fp8"]

Dtype = Annotated[
    DtypeName,
    Panel.MODEL.option(
        "--dtype",
        envvar="SVLM_DTYPE",
        help="Number format of the weights. `auto` depends on the device: float32 on a CPU. `fp8` halves their size.",
    ),
]

AttentionName = Literal["auto", "sdpa", "flash2", "flash4"]

Attention = Annotated[
    AttentionName,
    Panel.MODEL.option(
        "--attention",
        envvar="SVLM_ATTENTION",
        help="Attention kernel for new frames on a GPU. `auto`: the fastest one installed.",
    ),
]

Graphs = Annotated[
    bool,
    Panel.MODEL.option(
        "--graphs/--no-graphs",
        envvar="SVLM_GRAPHS",
        help="Replay each step as a recorded CUDA graph. GPU only.",
    ),
]

Seed = Annotated[
    int,
    Panel.COMMENTARY.option(
        "--seed", envvar="SVLM_SEED", min=0, help="Random seed: the same seed gives the same words."
    ),
]

MatchSeed = Annotated[
    int,
    Panel.MATCH.option(
        "--seed",
        envvar="SVLM_SEED",
        min=0,
        help="Seed of the match, or of the first of several: the same seed gives the same match.",
    ),
]

Fps = Annotated[
    float | None,
    Panel.COMMENTARY.option("--fps", help="Frames per second that the model sees.", show_default="the model's"),
]

Context = Annotated[
    str,
    Panel.COMMENTARY.option(
        "--context", metavar="TEXT|@FILE", help="What the model should know, such as title, teams and names."
    ),
]

Query = Annotated[
    str | None,
    Panel.COMMENTARY.option("--query", help="What the model is asked to do.", show_default="the model's"),
]

Temperature = Annotated[
    float | None,
    Panel.COMMENTARY.option("--temperature", help="Sampling temperature; 0 always picks the most likely token."),
]

ForgetsBy = Annotated[
    Mode | None,
    Panel.COMMENTARY.option("--mode", help="How a stream forgets what is old.", show_default="streaming"),
]

PolicyFile = Annotated[
    Path | None,
    Panel.COMMENTARY.option(
        "--policy",
        metavar="FILE.toml",
        help="A policy whose keys override the model's own; `svlm models show NAME --toml` prints one.",
    ),
]

PolicyKeys = Annotated[
    list[str] | None,
    Panel.COMMENTARY.option(
        "--set",
        metavar="KEY=VALUE",
        autocompletion=choices.policy_keys,
        help="Set one key of the policy as in TOML, such as windows.sink_tokens=8; overrides --policy. Repeatable.",
    ),
]

Matches = Annotated[
    int,
    Panel.MATCH.option("--matches", min=1, help="Number of matches, with seeds from --seed on, all in one batch."),
]

BatchFile = Annotated[
    str | None,
    Panel.INPUT.option(
        "--batch-file",
        "-a",
        metavar="FILE|-",
        help="Read more inputs from a file, one per line (or separated by NUL); # starts a comment.",
    ),
]

Overwrite = Annotated[bool, Panel.OUTPUT.option("--overwrite", help="Replace existing files.")]

StartAgain = Annotated[bool, Panel.OUTPUT.option("--overwrite", help="Discard existing results, and start again.")]

Photos = Annotated[
    Path | None,
    Panel.MATCH.option(metavar="FOLDER", help="Photos to make footage from.", show_default="patterns only"),
]

Prompts = Annotated[Path | None, Panel.INPUT.option(metavar="FILE.toml", help="Prompts to use instead of ours.")]

ShowPrompts = Annotated[bool, Panel.OUTPUT.option("--show-prompts", help="Print the prompts, and exit.")]

Quiet = Annotated[bool, Panel.OTHER.option("--quiet", "-q", help="Print only errors on stderr.")]

Json = Annotated[bool, Panel.OUTPUT.option("--json", help="Print one JSON document on stdout.")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QuietOptions(UnlessQuiet):
    """Whether people want to hear how it goes."""

    quiet: Quiet = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOptions(QuietOptions):
    """Where a model comes from, and what it runs on."""

    revision: Revision = None
    offline: Offline = False
    device: Device = "auto"
    dtype: Dtype = "auto"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOptions(PlaceOptions):
    """The same, and how a model streams."""

    fps: Fps = None
    policy: PolicyFile = None
    policy_keys: PolicyKeys = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions(PolicyOptions):
    """The same, and how an engine computes."""

    attention: Attention = "auto"
    graphs: Graphs = True
    seed: Seed = 0
