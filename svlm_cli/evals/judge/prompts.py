"""What a judge is asked: one of the files in ``evals/prompts/``, or a file of the user's own, checked strictly.

Knows no benchmark and no server.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from svlm_cli.checkpoints import toml
from svlm_cli.core.errors import UsageError

_OURS: Final = Path(__file__).resolve().parents[1] / "prompts"
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_PLACEHOLDERS: Final = ("reference", "first", "second")


@dataclass(frozen=True, slots=True)
class JudgePrompts:
    """The words of a question. Each placeholder stands in ``question`` at least once."""

    question: str
    system: str = ""

    def __post_init__(self) -> None:
        found = _PLACEHOLDER.findall(self.question)
        for name in _PLACEHOLDERS:
            if name not in found:
                raise UsageError(f"question has no {{{name}}}.", f"It needs {_listed()}.")
        for name in (*found, *_PLACEHOLDER.findall(self.system)):
            if name not in _PLACEHOLDERS:
                raise UsageError(f"{{{name}}} stands for nothing.", f"There are {_listed()}.")
        if _PLACEHOLDER.search(self.system):
            raise UsageError("system has a placeholder.", "Put it into question.")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of its words."""
        return hashlib.sha256(json.dumps([self.system, self.question]).encode()).hexdigest()

    def messages(self, texts: Mapping[str, str]) -> list[dict[str, str]]:
        """As a server of chat completions takes them. What a text holds is never taken for a placeholder."""
        asked = _PLACEHOLDER.sub(lambda match: texts[match[1]], self.question)
        system = [{"role": "system", "content": self.system.strip()}] if self.system.strip() else []
        return [*system, {"role": "user", "content": asked.strip()}]


def prompts_file(benchmark: str) -> Path:
    """Where ours are."""
    return _OURS / f"{benchmark}.toml"


def read_prompts(path: Path) -> tuple[JudgePrompts, str]:
    """Those in a file, and its text. `UsageError` names what is not as it must be."""
    document = toml.Document(str(path), UsageError, [*toml.keys(JudgePrompts)])
    text = toml.read_text(path, what="a file of prompts", error=UsageError)
    tables = document.tables(text)
    if "question" not in tables:
        raise UsageError(f"{path} has no question.", "`--show-prompts` shows what such a file looks like.")
    prompts: JudgePrompts = document.value(JudgePrompts, tables, "")
    return prompts, text


def _listed() -> str:
    return ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
