"""Replies of a server on disk: what was answered once is not asked again, by no run.

A file a reply, named by a hash of all that was asked. Each appears whole, and the first one stays, so that runs may
share a folder. Nothing that was sent and no key is in it. Knows no server.
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
"""One of a chat, as the protocol has it."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What a server answered."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    refused: bool = False  # by the model, or by a filter behind it


@dataclass(frozen=True, slots=True)
class Bill:
    """What a run's own requests took; prices are for a million tokens."""

    cached: int  # answers that came from disk
    requests: int
    tokens_in: int
    tokens_out: int
    price_in: float | None = None
    price_out: float | None = None

    @property
    def cost(self) -> float | None:
        """None without both prices."""
        if self.price_in is None or self.price_out is None:
            return None
        return (self.tokens_in * self.price_in + self.tokens_out * self.price_out) / 1e6

    def sentence(self) -> str:
        """For people."""
        cost = "" if self.cost is None else f": {self.cost:.4f} in all"
        return f"{self.tokens_in} tokens read, {self.tokens_out} written{cost}."

    def to_json(self) -> dict[str, float | None]:
        """For programs."""
        counts = {"cached": self.cached, "requests": self.requests}
        return counts | {"tokens_in": self.tokens_in, "tokens_out": self.tokens_out, "cost": self.cost}


class ReplyCache:
    """The folder. Raises `OutputError` where it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> ChatReply | None:
        """The reply, if there is one that can be read."""
        try:
            row = {"text": None, **read_json(self._path(key))}  # which is no text: it has to be there
            reply: ChatReply = toml.Document(key, InputError, ()).value(ChatReply, row, "")
        except (UnreadableError, InputError):
            return None
        return reply

    def put(self, key: str, reply: ChatReply) -> ChatReply:
        """Keeps it. Returns the one that is kept: another run may have been quicker."""
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
                    os.unlink(name)  # noqa: PTH108  a path is made of it for its new name alone
        except OSError as error:
            raise write_error(path, error, elsewhere="choose another --cache") from error
        return self.get(key) or reply

    def _name(self, part: Path, path: Path) -> None:
        """Never replaces a whole reply; what cannot be read is none."""
        try:
            path.hardlink_to(part)
        except FileExistsError:
            if self.get(path.stem) is None:
                part.replace(path)
        except OSError:  # a file system without links
            part.replace(path)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def default_cache(name: str) -> Path:
    """In the user's folder for such things."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path(os.path.expanduser("~/.cache"))  # noqa: PTH111  never raises
    return base / "svlm" / name
