"""What a judge is asked: three texts stand in its words. Knows no benchmark and no server."""

from dataclasses import dataclass
from typing import ClassVar

from svlm_cli.chat.prompts import ChatPrompts


@dataclass(frozen=True, slots=True)
class JudgePrompts(ChatPrompts):
    """The words of a question about two commentaries. Each placeholder stands in ``question`` at least once."""

    placeholders: ClassVar[tuple[str, ...]] = ("reference", "first", "second")
    needed: ClassVar[tuple[str, ...]] = placeholders
