"""The options of commands that ask a server of chat completions, each defined once."""

import math
from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import UsageError

Prompts = Annotated[
    Path | None,
    typer.Option(metavar="FILE.toml", help="Ask in other words than ours.", rich_help_panel=Panel.INPUT),
]

BaseUrl = Annotated[
    str,
    typer.Option(
        metavar="URL",
        help="A server of chat completions. Its key is taken from OPENAI_API_KEY.",
        rich_help_panel=Panel.MODEL,
    ),
]

DEFAULT_BASE_URL = "https://api.openai.com/v1"

Tries = Annotated[
    int, typer.Option(min=1, max=100, help="How often each is asked, at most.", rich_help_panel=Panel.MEASURING)
]

AnswerTimeout = Annotated[
    float,
    typer.Option(min=1, metavar="SECONDS", help="How long an answer may take.", rich_help_panel=Panel.MEASURING),
]

PriceIn = Annotated[
    float | None, typer.Option(min=0, help="Of a million tokens that are read.", rich_help_panel=Panel.MEASURING)
]

PriceOut = Annotated[
    float | None, typer.Option(min=0, help="Of a million tokens that are written.", rich_help_panel=Panel.MEASURING)
]


def require_finite(*values: float | None) -> None:
    """`UsageError` for what is no price and no time."""
    for value in values:
        if value is not None and not math.isfinite(value):
            raise UsageError(f"{value:g} is no price and no number of seconds.", "Give a number.")
