"""The options of commands that ask a server of chat completions, each defined once."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from svlm_cli.cli.panels import Panel
from svlm_cli.commands import options
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.destination import make_folder

if TYPE_CHECKING:
    from svlm_cli.chat.asking import Patience
    from svlm_cli.chat.replies import Bill, ReplyCache
    from svlm_cli.chat.server import ChatRole, OpenAIServer

DEFAULT_BASE_URL = "https://api.openai.com/v1"

BaseUrl = Annotated[
    str,
    Panel.MODEL.option(metavar="URL", help="A chat completions server. The API key is read from OPENAI_API_KEY."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """What a server is asked, how often, and what that costs."""

    prompts: options.Prompts = None
    cache: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FOLDER", help="Cache of answers, so that nothing is asked twice.", show_default="in ~/.cache/svlm"
        ),
    ] = None
    tries: Annotated[int, Panel.MEASURING.option(min=1, max=100, help="Maximum number of attempts per question.")] = 6
    answer_timeout: Annotated[
        float, Panel.MEASURING.option(min=1, metavar="SECONDS", help="Maximum time for an answer.")
    ] = 120.0
    price_in: Annotated[float | None, Panel.MEASURING.option(min=0, help="Price per million input tokens.")] = None
    price_out: Annotated[float | None, Panel.MEASURING.option(min=0, help="Price per million output tokens.")] = None


class Spending(Protocol):
    """What a run counts of its requests."""

    @property
    def cached(self) -> int: ...
    @property
    def tokens_in(self) -> int: ...
    @property
    def tokens_out(self) -> int: ...


def connect(
    asked: ChatOptions, role: "ChatRole", model: str, address: str, cache: str, schema: Mapping[str, Any] | None = None
) -> "tuple[OpenAIServer, ReplyCache, Patience]":
    """The server, with its key from the environment; where its replies are kept, by default in `cache`."""
    from svlm_cli.chat.asking import Patience
    from svlm_cli.chat.replies import ReplyCache, default_cache
    from svlm_cli.chat.server import KEY_VARIABLE, OpenAIServer

    key = os.environ.get(KEY_VARIABLE, "")
    server = OpenAIServer(role, model, address, key, timeout_s=asked.answer_timeout, schema=schema)
    folder = asked.cache or default_cache(cache)
    make_folder(folder, "Choose another --cache.")
    return server, ReplyCache(folder), Patience(asked.tries)


def bill_of(spent: Spending, requests: int, asked: ChatOptions) -> "Bill":
    """What a run took, at the prices that were given."""
    from svlm_cli.chat.replies import Bill

    return Bill(spent.cached, requests, spent.tokens_in, spent.tokens_out, asked.price_in, asked.price_out)


def require_prices(asked: ChatOptions) -> None:
    """`UsageError` unless times and prices are numbers."""
    require_finite(asked.answer_timeout, asked.price_in, asked.price_out)


def require_finite(*values: float | None) -> None:
    """`UsageError` unless the values can be prices and times."""
    for value in values:
        if value is not None and not math.isfinite(value):
            raise UsageError(f"{value:g} is not a price or a number of seconds.", "Give a number.")
