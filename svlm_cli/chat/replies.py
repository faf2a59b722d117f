"""A cache of server replies on disk: a question is never paid for twice, not even in another run.

One file per reply, named by a hash of the request. Files are created atomically and never replaced, so runs may share a
folder. Contains no requests and no keys. Knows no server.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from svlm_cli.checkpoints import toml
from svlm_cli.checkpoints.reading import UnreadableError, read_json
from svlm_cli.core.errors import InputError
from svlm_cli.media.locked import write_error

Message = Mapping[str, Any]
"""A message of a chat, as in the protocol."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A server's reply."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    refused: bool = False  # by the model, or by a content filter


@dataclass(frozen=True, slots=True)
class Bill:
    """The cost of a run's own requests; prices are per million tokens."""

    cached: int  # answers from the cache
    requests: int
    tokens_in: int
    tokens_out: int
    price_in: float | None = None
    price_out: float | None = None

    @property
    def cost(self) -> float | None:
        """None unless both prices are known."""
        if self.price_in is None or self.price_out is None:
            return None
        return (self.tokens_in * self.price_in + self.tokens_out * self.price_out) / 1e6

    def sentence(self) -> str:
        """A summary for people."""
        cost = "" if self.cost is None else f": {self.cost:.4f} in all"
        return f"{self.tokens_in} tokens read, {self.tokens_out} written{cost}."

    def to_json(self) -> dict[str, float | None]:
        """A summary for programs."""
        counts = {"cached": self.cached, "requests": self.requests}
        return counts | {"tokens_in": self.tokens_in, "tokens_out": self.tokens_out, "cost": self.cost}


class ReplyCache:
    """The cache folder. Raises `OutputError` if it is not writable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> ChatReply | None:
        """The reply, if there is a valid one."""
        try:
            row = {"text": None, **read_json(self._path(key))}  # `text` must be there, but may be null
            reply: ChatReply = toml.Document(key, InputError, ()).value(ChatReply, row, "")
        except (UnreadableError, InputError):
            return None
        return reply

    def put(self, key: str, reply: ChatReply) -> ChatReply:
        """Store it. Returns the stored reply, which may be another run's."""
        path = self._path(key)
        row: dict[str, Any] = asdict(reply)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(row, file)
                self._name(Path(name), path)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(name)  # noqa: PTH108  not a Path
        except OSError as error:
            raise write_error(path, error, elsewhere="choose another --cache") from error
        return self.get(key) or reply

    def _name(self, part: Path, path: Path) -> None:
        """Never replaces a valid reply; an invalid one does not count."""
        try:
            path.hardlink_to(part)
        except FileExistsError:
            if self.get(path.stem) is None:
                part.replace(path)
        except OSError:  # a file system without hard links
            part.replace(path)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def default_cache(name: str) -> Path:
    """In the user's cache folder."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path(os.path.expanduser("~/.cache"))  # noqa: PTH111  never raises
    return base / "svlm" / name
