"""A model behind the chat completions protocol, asked once, with the package ``openai``, imported only here.

Error messages quote the server without the key. Does not know the purpose of questions, and does not retry.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

from svlm_cli.chat.replies import ChatReply, Message
from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.core.logins import is_readable
from svlm_cli.core.text import presentable

if TYPE_CHECKING:
    from openai import APIStatusError

DEFAULT_SERVER: Final = "https://api.openai.com/v1"
KEY_VARIABLE: Final = "OPENAI_API_KEY"

_AGAIN_LATER: Final = (408, 409, 425, 429)
_FIRST_OF_SERVER_ERRORS: Final = 500
_TELLS_OF_TEMPERATURE: Final = (400, 422)
_KEY_LIKE: Final = re.compile(r"\bsk-[\w*.-]+")
_SHOWN: Final = 200  # characters of a server's message
_SHORTEST_SECRET: Final = 8  # characters; shorter keys may be dummies for servers that accept any, and ordinary words


@dataclass(frozen=True, slots=True)
class ChatRole:
    """The server's role in error messages, and how much of an answer is kept."""

    name: str  # of the server, at the start of a sentence
    asked: str  # as in "A judge is asked"
    option: str  # the option that names the model
    most_characters: int
    address_option: str = "--base-url"


class AskAgainError(Exception):
    """No answer, but the same question may be answered later. Says why, a sentence without its end.

    `tokens` were spent on it nevertheless.
    """

    def __init__(self, why: str, retry_after_s: float | None = None, tokens: tuple[int, int] = (0, 0)) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s
        self.tokens = tokens


class TemperatureRefusedError(Exception):
    """The server accepts no temperature for this model."""


class ChatServer(Protocol):
    """A server that answers."""

    def ask(self, messages: Sequence[Message], *, seed: int | None, temperature: float | None) -> ChatReply:
        """Send one request. Raises `AskAgainError`, `TemperatureRefusedError`, or `ModelError`, which is final."""
        ...


class OpenAIServer:
    """A chat completions server. Raises `UsageError` if something is missing.

    `schema` is the JSON schema that answers must follow, if the server supports that.
    """

    def __init__(
        self,
        role: ChatRole,
        model: str,
        base_url: str,
        key: str,
        *,
        timeout_s: float,
        schema: Mapping[str, Any] | None = None,
    ) -> None:
        require_openai(role.asked)
        require_server(base_url, role.address_option)
        if not key.strip():
            raise UsageError(
                f"{KEY_VARIABLE} is not set.", "Set it to your key; for a server that takes any, set it to any text."
            )
        if not (key.strip().isascii() and key.strip().isprintable()):
            raise UsageError(f"{KEY_VARIABLE} contains characters that no key can contain.", "Correct it.")
        from openai import OpenAI

        self._role = role
        self._model = model
        self._key = key.strip()
        self._form = {} if schema is None else {"response_format": _structured(schema)}
        self._client = OpenAI(api_key=self._key, base_url=base_url, timeout=timeout_s, max_retries=0)

    def ask(self, messages: Sequence[Message], *, seed: int | None, temperature: float | None) -> ChatReply:
        """Send one request."""
        from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError

        options: dict[str, Any] = {"seed": seed, "temperature": temperature}
        given = {name: value for name, value in options.items() if value is not None}
        asked: Any = [*messages]  # the package has a type per role
        try:
            completion = self._client.chat.completions.create(model=self._model, messages=asked, **given, **self._form)
        except APITimeoutError:
            raise AskAgainError("it takes too long") from None
        except APIConnectionError as error:
            reason = type(error.__cause__).__name__ if error.__cause__ else "no connection"
            raise AskAgainError(f"the connection to it fails ({reason})") from None
        except APIStatusError as error:
            raise self._refusal(error, temperature) from None  # the original would quote the server's whole message
        except (OpenAIError, ValueError, TypeError, AttributeError):
            raise AskAgainError("its answer is cut off or is not a chat completion") from None
        return self._reply(completion)

    def _reply(self, completion: Any) -> ChatReply:
        """Validate the completion, which may be anything."""
        try:
            choice = completion.choices[0]
            text, finish = choice.message.content, choice.finish_reason
        except (AttributeError, IndexError, TypeError):
            raise AskAgainError("its answer is not a chat completion") from None
        usage = getattr(completion, "usage", None)
        tokens = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
        if finish == "length":
            raise AskAgainError("its answer is cut off", tokens=tokens)
        refused = finish == "content_filter" or bool(getattr(choice.message, "refusal", None))
        said = self._without_key(text).encode(errors="replace").decode() if isinstance(text, str) else ""
        return ChatReply(said[: self._role.most_characters], *tokens, refused)

    def _refusal(self, error: "APIStatusError", temperature: float | None) -> Exception:
        status, body = error.status_code, error.body
        told = body.get("message") if isinstance(body, dict) else None
        said = self._presentable(told if isinstance(told, str) else error.message)
        about_temperature = error.param == "temperature" or "temperature" in said.lower()
        if temperature is not None and status in _TELLS_OF_TEMPERATURE and about_temperature:
            return TemperatureRefusedError()
        if error.code == "insufficient_quota":
            return ModelError(f"{self._role.name} says that your quota is used up.", "See what your account allows.")
        if status in _AGAIN_LATER or status >= _FIRST_OF_SERVER_ERRORS:
            return AskAgainError(f"it answers with status {status}", retry_after_s(error.response.headers))
        if status == 401:
            return ModelError(f"{self._role.name} does not accept the key.", f"Correct {KEY_VARIABLE}.")
        if status == 404:
            return ModelError(
                f"{self._role.name} has no model {presentable(self._model)}, or is not at this address.",
                f"Correct {self._role.option} or {self._role.address_option}.",
            )
        return ModelError(f"{self._role.name} refuses the question (status {status}): {said.rstrip('.')}.")

    def _presentable(self, said: str) -> str:
        return presentable(_KEY_LIKE.sub("...", self._without_key(said)))[:_SHOWN]

    def _without_key(self, said: str) -> str:
        return said if len(self._key) < _SHORTEST_SECRET else said.replace(self._key, "...")


def require_openai(asked: str) -> None:
    """`UsageError` if the package is not installed."""
    if find_spec("openai") is None:
        raise UsageError(f"{asked} by the package openai, which is missing.", "Install svlm-cli[eval].")


def require_server(base_url: str, option: str = "--base-url") -> None:
    """`UsageError` unless it is the address of a server, without a login."""
    rest = base_url.partition("://")[2]
    web = base_url.startswith(("http://", "https://")) and rest and is_readable(base_url)
    if not web or any(sign in rest for sign in "@?#"):
        raise UsageError(
            f"{option} must be like {DEFAULT_SERVER}, without login and query, not {presentable(base_url)}.",
            f"The key is taken from {KEY_VARIABLE}.",
        )


def _structured(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def openai_version() -> str:
    """The version of the package."""
    from importlib.metadata import version

    return version("openai")


def retry_after_s(headers: Any) -> float | None:
    """The value of ``Retry-After``, seconds or a date, in seconds. None if missing or unreadable."""
    value = str(headers.get("retry-after", "")).strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        return float(value)
    try:
        then = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.now(UTC)).total_seconds(), 0.0)


def _count(usage: Any, name: str) -> int:
    value = getattr(usage, name, None)
    return value if type(value) is int and value >= 0 else 0
