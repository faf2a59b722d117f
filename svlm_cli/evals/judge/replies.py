"""Replies of a judge on disk: what was answered once is not asked again, by no run.

A file a reply, named by a hash of all that was asked. Each appears whole, and the first one stays, so that runs may
share a folder. No text that was judged and no key is in it. Knows no server.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from svlm_cli.checkpoints import toml
from svlm_cli.checkpoints.reading import UnreadableError, read_json
from svlm_cli.core.errors import InputError
from svlm_cli.media.locked import write_error

MOST_REPLY: Final = 2000  # characters: what is longer is no letter


@dataclass(frozen=True, slots=True)
class JudgeReply:
    """What a judge's server answered."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """All that decides a reply: two of these that are alike are one question."""

    server: str
    judge: str
    messages: Sequence[dict[str, str]]
    texts: Sequence[str]  # reference, A, B; the messages hold them in some form
    order: str
    seed: int | None
    temperature: float | None

    @property
    def key(self) -> str:
        """Its SHA-256."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class ReplyCache:
    """The folder. Raises `OutputError` where it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> JudgeReply | None:
        """The reply, if there is one that can be read."""
        try:
            row = {"text": None, **read_json(self._path(key))}  # which is no text: it has to be there
            reply: JudgeReply = toml.Document(key, InputError, ()).value(JudgeReply, row, "")
        except (UnreadableError, InputError):
            return None
        return reply

    def put(self, key: str, reply: JudgeReply) -> JudgeReply:
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


def default_cache() -> Path:
    """In the user's folder for such things."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path(os.path.expanduser("~/.cache"))  # noqa: PTH111  never raises
    return base / "svlm" / "judge"
