"""Checks answers, by the rules of the benchmarks, and strictly: a word that contains an "A" is not the answer A.

Knows no model. A reply in another form is wrong.
"""

import re
from typing import Final

from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.questions.question import NO, YES, AnswerKind

_LETTER: Final = re.compile(r"\(?([A-Z])\)?\.?")
_COUNT: Final = re.compile(r"([0-9]{1,9})\.?")
_YES_NO: Final = {"yes": YES, "y": YES, "no": NO, "n": NO}
_NEAR_S: Final = 2  # to the right moment


def is_right(question: VideoQuestion, reply: str, at_s: float | None = None) -> bool:
    """Whether `reply` is right; a proactive question was answered at `at_s` of the video."""
    match question.kind:
        case AnswerKind.CHOICE:
            return read_letter(reply, question.letters) == question.answer
        case AnswerKind.COUNT:
            return read_count(reply) == int(question.answer)
        case AnswerKind.STEP | AnswerKind.CLUE:
            return read_yes_no(reply) == question.answer
        case AnswerKind.PROACTIVE:
            assert question.due_s is not None, "it has a right moment"
            in_time = at_s is not None and abs(at_s - question.due_s) <= _NEAR_S
            return in_time and question.answer in reply


def read_letter(reply: str, letters: str) -> str | None:
    """A single letter, possibly in brackets or with a full stop."""
    match = _LETTER.fullmatch(reply.strip())
    return match[1] if match and match[1] in letters else None


def read_count(reply: str) -> int | None:
    """A whole number, and nothing else."""
    match = _COUNT.fullmatch(reply.strip())
    return int(match[1]) if match else None


def read_yes_no(reply: str) -> str | None:
    """Yes or no, or Y or N, and nothing else."""
    return _YES_NO.get(reply.strip().removesuffix(".").lower())
