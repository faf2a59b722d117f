"""The prompts for a judge, with placeholders for three texts. Knows no benchmark and no server."""

from dataclasses import dataclass
from typing import ClassVar

from svlm_cli.chat.prompts import ChatPrompts


@dataclass(frozen=True, slots=True)
class JudgePrompts(ChatPrompts):
    """The prompt for comparing two commentaries. Each placeholder occurs in ``question`` at least once."""

    placeholders: ClassVar[tuple[str, ...]] = ("reference", "first", "second")
    needed: ClassVar[tuple[str, ...]] = placeholders
