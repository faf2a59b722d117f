"""The options of commands that ask a server of chat completions, each defined once."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from svlm_cli.commands.panels import Panel
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.destination import make_folder

if TYPE_CHECKING:
    from svlm_cli.chat.asking import Patience
    from svlm_cli.chat.replies import Bill, ReplyCache
    from svlm_cli.chat.server import ChatRole, OpenAIServer

Prompts = Annotated[Path | None, Panel.INPUT.option(metavar="FILE.toml", help="Ask in other words than ours.")]

BaseUrl = Annotated[
    str, Panel.MODEL.option(metavar="URL", help="A server of chat completions. Its key is taken from OPENAI_API_KEY.")
]

DEFAULT_BASE_URL = "https://api.openai.com/v1"

Tries = Annotated[int, Panel.MEASURING.option(min=1, max=100, help="How often each is asked, at most.")]

AnswerTimeout = Annotated[float, Panel.MEASURING.option(min=1, metavar="SECONDS", help="How long an answer may take.")]

PriceIn = Annotated[float | None, Panel.MEASURING.option(min=0, help="Of a million tokens that are read.")]

PriceOut = Annotated[float | None, Panel.MEASURING.option(min=0, help="Of a million tokens that are written.")]


class Asking(Protocol):
    """The options that say how a server is asked, and what that costs."""

    @property
    def cache(self) -> Path | None: ...
    @property
    def tries(self) -> int: ...
    @property
    def answer_timeout(self) -> float: ...
    @property
    def price_in(self) -> float | None: ...
    @property
    def price_out(self) -> float | None: ...


class Spending(Protocol):
    """What a run counts of its requests."""

    @property
    def cached(self) -> int: ...
    @property
    def tokens_in(self) -> int: ...
    @property
    def tokens_out(self) -> int: ...


def connect(
    asked: Asking, role: "ChatRole", model: str, address: str, cache: str, schema: Mapping[str, Any] | None = None
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


def bill_of(spent: Spending, requests: int, asked: Asking) -> "Bill":
    """What a run took, at the prices that were given."""
    from svlm_cli.chat.replies import Bill

    return Bill(spent.cached, requests, spent.tokens_in, spent.tokens_out, asked.price_in, asked.price_out)


def require_prices(asked: Asking) -> None:
    """`UsageError` unless times and prices are numbers."""
    require_finite(asked.answer_timeout, asked.price_in, asked.price_out)


def require_finite(*values: float | None) -> None:
    """`UsageError` for what is no price and no time."""
    for value in values:
        if value is not None and not math.isfinite(value):
            raise UsageError(f"{value:g} is no price and no number of seconds.", "Give a number.")
