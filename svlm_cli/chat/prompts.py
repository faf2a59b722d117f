"""Prompts for a server, in a file of ours or the user's, parsed strictly.

Knows no use of them, and no server.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, TypeVar

from svlm_cli.checkpoints import toml
from svlm_cli.core.errors import UsageError

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")

Prompts = TypeVar("Prompts", bound="ChatPrompts")


@dataclass(frozen=True, slots=True)
class ChatPrompts:
    """The messages of a question. A subclass names its placeholders, and which of them are required."""

    placeholders: ClassVar[tuple[str, ...]] = ()
    needed: ClassVar[tuple[str, ...]] = ()

    question: str
    system: str = ""

    def __post_init__(self) -> None:
        listed = ", ".join(f"{{{name}}}" for name in self.placeholders)
        found = _PLACEHOLDER.findall(self.question)
        for name in self.needed:
            if name not in found:
                raise UsageError(f"question has no {{{name}}}.", f"It needs {listed}.")
        for name in (*found, *_PLACEHOLDER.findall(self.system)):
            if name not in self.placeholders:
                raise UsageError(f"{{{name}}} is not a known placeholder.", f"Use {listed}.")
        if _PLACEHOLDER.search(self.system):
            raise UsageError("system has a placeholder.", "Put it into question.")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the prompts."""
        return hashlib.sha256(json.dumps([self.system, self.question]).encode()).hexdigest()

    def messages(self, texts: Mapping[str, str]) -> list[dict[str, str]]:
        """Messages for chat completions. Braces in inserted texts are not placeholders."""
        asked = _PLACEHOLDER.sub(lambda match: texts[match[1]], self.question)
        system = [{"role": "system", "content": self.system.strip()}] if self.system.strip() else []
        return [*system, {"role": "user", "content": asked.strip()}]


def read_prompts(kind: type[Prompts], path: Path) -> tuple[Prompts, str]:
    """Parse a file; also returns its text. `UsageError` says what is wrong."""
    document = toml.Document(str(path), UsageError, [*toml.keys(kind)])
    text = toml.read_text(path, what="a file of prompts", error=UsageError)
    tables = document.tables(text)
    if "question" not in tables:
        raise UsageError(f"{path} has no question.", "`--show-prompts` shows what such a file looks like.")
    prompts: Prompts = document.value(kind, tables, "")
    return prompts, text
