"""How questions about videos are put: ``prompts.toml``, or a file of the user's own, checked strictly.

Knows no benchmark and no model.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from svlm_cli.checkpoints import toml
from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Cue
from svlm_cli.pipeline.questions import LETTERS
from svlm_cli.questions.question import AnswerKind, Askable

OWN_PROMPTS: Final = Path(__file__).with_name("prompts.toml")
"""Ours."""
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "choice": ("question", "options"),
    "count": ("question",),
    "step": ("question",),
    "clue": ("question",),
    "moment": ("question",),
    "output": ("question",),
    "earlier": ("question", "answer"),
    "spoken": ("lines",),
}
_ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {"moment": ("output",)}  # the published question tells it


@dataclass(frozen=True, slots=True)
class VqaPrompts:
    """A template for each kind of question, and for what stands before one."""

    choice: str
    count: str
    step: str
    clue: str
    moment: str
    output: str
    earlier: str
    spoken: str

    def __post_init__(self) -> None:
        for name, needed in _NEEDED.items():
            found = _PLACEHOLDER.findall(getattr(self, name))
            for one in needed:
                if one not in found:
                    raise UsageError(f"{name} has no {{{one}}}.", f"It needs {_listed(needed)}.")
            for one in found:
                if one not in (*needed, *_ALLOWED.get(name, ())):
                    raise UsageError(f"In {name}, {{{one}}} stands for nothing.", f"There is {_listed(needed)}.")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of its words."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()

    def ask(self, question: Askable, spoken: Sequence[Cue] = ()) -> str:
        """The question, and before it what is said in the video and what was asked before.

        A proactive question is asked when its moment has come: see `ask_moment`.
        """
        template = self.output if question.kind is AnswerKind.PROACTIVE else getattr(self, question.kind)
        return self._whole(template, question, spoken)

    def ask_moment(self, question: Askable, spoken: Sequence[Cue] = ()) -> str:
        """Of a proactive question, whether it is time: yes or no."""
        assert question.kind is AnswerKind.PROACTIVE, "others are asked once"
        return self._whole(self.moment, question, spoken)

    def _whole(self, template: str, question: Askable, spoken: Sequence[Cue]) -> str:
        said = [_filled(self.spoken, lines="\n".join(one.text for one in spoken))] if spoken else []
        before = [_filled(self.earlier, question=asked, answer=answer) for asked, answer in question.earlier]
        options = "\n".join(
            f"{letter}. {option.strip()}" for letter, option in zip(LETTERS, question.options, strict=False)
        )
        asked = _filled(template, question=question.text, options=options, output=question.answer)
        return "\n\n".join([*said, *before, asked])


def read_vqa_prompts(path: Path) -> tuple[VqaPrompts, str]:
    """Those in a file, and its text. `UsageError` names what is not as it must be."""
    document = toml.Document(str(path), UsageError, [*toml.keys(VqaPrompts)])
    text = toml.read_text(path, what="a file of prompts", error=UsageError)
    tables = document.tables(text)
    for one in fields(VqaPrompts):
        if one.name not in tables:
            raise UsageError(f"{path} has no {one.name}.", "Write all that svlm's own file has.")
    prompts: VqaPrompts = document.value(VqaPrompts, tables, "")
    return prompts, text


def after_context(context: str, asked: str) -> str:
    """A question to whoever is shown a clip: what a stream has read before the video stands before the question."""
    return f"{context}\n\n{asked}" if context else asked


def _filled(template: str, **texts: str) -> str:
    """What a text holds is never taken for a placeholder."""
    return _PLACEHOLDER.sub(lambda match: texts[match[1]].strip(), template).strip()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"{{{name}}}" for name in names)
