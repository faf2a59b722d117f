"""The options of commands that ask a server of chat completions, each defined once."""

import math
from pathlib import Path
from typing import Annotated

from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import UsageError

Prompts = Annotated[Path | None, Panel.INPUT.option(metavar="FILE.toml", help="Ask in other words than ours.")]

BaseUrl = Annotated[
    str, Panel.MODEL.option(metavar="URL", help="A server of chat completions. Its key is taken from OPENAI_API_KEY.")
]

DEFAULT_BASE_URL = "https://api.openai.com/v1"

Tries = Annotated[int, Panel.MEASURING.option(min=1, max=100, help="How often each is asked, at most.")]

AnswerTimeout = Annotated[float, Panel.MEASURING.option(min=1, metavar="SECONDS", help="How long an answer may take.")]

PriceIn = Annotated[float | None, Panel.MEASURING.option(min=0, help="Of a million tokens that are read.")]

PriceOut = Annotated[float | None, Panel.MEASURING.option(min=0, help="Of a million tokens that are written.")]


def require_finite(*values: float | None) -> None:
    """`UsageError` for what is no price and no time."""
    for value in values:
        if value is not None and not math.isfinite(value):
            raise UsageError(f"{value:g} is no price and no number of seconds.", "Give a number.")
