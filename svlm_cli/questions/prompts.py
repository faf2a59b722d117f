"""The wording of questions about videos: ``prompts.toml``, or a file of the user's, parsed strictly.

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
"""The default wording."""
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
_ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {"moment": ("output",)}  # used in the published question


@dataclass(frozen=True, slots=True)
class VqaPrompts:
    """A template per kind of question, and for the text before one."""

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
                    raise UsageError(f"{{{one}}} in {name} is not a known placeholder.", f"Use {_listed(needed)}.")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the templates."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()

    def ask(self, question: Askable, spoken: Sequence[Cue] = ()) -> str:
        """The question, preceded by subtitles and earlier questions.

        For a proactive question this is used when its moment has come: see `ask_moment`.
        """
        template = self.output if question.kind is AnswerKind.PROACTIVE else getattr(self, question.kind)
        return self._whole(template, question, spoken)

    def ask_moment(self, question: Askable, spoken: Sequence[Cue] = ()) -> str:
        """For a proactive question: whether it is time, yes or no."""
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
    """Parse a file; also returns its text. `UsageError` says what is wrong."""
    document = toml.Document(str(path), UsageError, [*toml.keys(VqaPrompts)])
    text = toml.read_text(path, what="a file of prompts", error=UsageError)
    tables = document.tables(text)
    for one in fields(VqaPrompts):
        if one.name not in tables:
            raise UsageError(
                f"{path} has no {one.name}.", f"It needs {', '.join(each.name for each in fields(VqaPrompts))}."
            )
    prompts: VqaPrompts = document.value(VqaPrompts, tables, "")
    return prompts, text


def after_context(context: str, asked: str) -> str:
    """A question about a clip, preceded by what a stream would have as context."""
    return f"{context}\n\n{asked}" if context else asked


def _filled(template: str, **texts: str) -> str:
    """Fill in a template; braces in inserted texts are not placeholders."""
    return _PLACEHOLDER.sub(lambda match: texts[match[1]].strip(), template).strip()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"{{{name}}}" for name in names)
