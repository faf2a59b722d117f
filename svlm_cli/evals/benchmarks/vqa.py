"""A question about a video in any benchmark: the question, the part that may be seen, and the right answer.

Created by the benchmarks' readers. Knows no file format, no prompt and no score.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.jsonl.lines import JsonLines, LineError
from svlm_cli.pipeline.questions import LETTERS
from svlm_cli.questions.question import AnswerKind

ASKED_AFTER_DUE_S: Final = 4  # how long after the right moment a question is still asked


@dataclass(frozen=True, slots=True)
class VideoQuestion:
    """One question. File names are relative to the benchmark's folder.

    `LineError` for an invalid question.
    """

    id: str  # unique in its benchmark; includes the number of the probe, if there are several
    task: str
    group: str  # "" if the benchmark has no groups
    video: str  # as in the file; questions about one video share it
    places: tuple[str, ...]  # possible paths; the first that exists is used
    start_s: float | None  # start of what may be seen (None: the beginning)
    end_s: float | None  # end of what may be seen (None: the end)
    text: str  # without options
    options: tuple[str, ...]  # without letters; empty if there are none
    answer: str  # a letter, a number, yes or no, or the expected words
    kind: AnswerKind
    context: str = ""  # how much may be seen, if the benchmark has several settings
    earlier: tuple[tuple[str, str], ...] = ()  # earlier questions with their answers in words
    clips: tuple[str, ...] = ()  # possible paths of a file with only the part that may be seen
    frames_fps: float | None = None  # set if the video is a folder of pictures
    subtitles: str = ""  # subtitle file of the video
    subtitles_start_s: float = 0.0  # start of the video on the subtitles' clock
    asked_s: float | None = None  # proactive: when it is asked
    due_s: float | None = None  # proactive: the right moment
    known: str = ""  # beforehand, such as the teams: the context of a stream; precedes a question about a clip

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise LineError("cannot be used: it asks nothing")
        start_s = self.start_s or 0.0
        if start_s < 0 or (self.end_s is not None and self.end_s <= start_s):
            end = "the end" if self.end_s is None else f"{self.end_s:g} s"
            raise LineError(f"cannot be used: nothing can be seen from {start_s:g} s to {end}")
        match self.kind:
            case AnswerKind.CHOICE if self.answer not in (*self.letters,):
                raise LineError(f"cannot be used: the answer {shown(self.answer)} is not a letter of its options")
            case AnswerKind.PROACTIVE if not self.answer.strip():  # would be in any answer
                raise LineError("cannot be used: what is to be said is empty")
            case AnswerKind.PROACTIVE if self.asked_s is None or self.due_s is None or self.due_s < self.asked_s:
                raise LineError("cannot be used: the right moment is before the question")
            case _:
                pass

    @property
    def letters(self) -> str:
        """The letters of its options."""
        return LETTERS[: len(self.options)]

    @property
    def choices(self) -> int:
        """The number of possible answers: 2 for yes or no, 0 for numbers and free text."""
        match self.kind:
            case AnswerKind.CHOICE:
                return len(self.options)
            case AnswerKind.STEP | AnswerKind.CLUE:
                return 2
            case AnswerKind.COUNT | AnswerKind.PROACTIVE:
                return 0

    @property
    def answer_in_words(self) -> str:
        """The right option, if there are options."""
        return self.options[LETTERS.index(self.answer)] if self.options else self.answer

    def moments(self) -> Iterator[float]:
        """For a proactive question, each second at which to ask whether it is time."""
        assert self.asked_s is not None, "it is proactive"
        assert self.due_s is not None, "it is proactive"
        moment = self.asked_s + 1
        while moment <= self.due_s + ASKED_AFTER_DUE_S:
            yield moment
            moment += 1


VideoQuestions = tuple[VideoQuestion, ...]


def gather(lines: JsonLines, make: Callable[[dict[str, Any]], Iterable[VideoQuestion]]) -> VideoQuestions:
    """The questions that `make` creates from each row. `InputError` names the row that is wrong."""
    found: dict[str, VideoQuestion] = {}
    for number, row in lines.rows:
        with lines.at(number):
            for one in make(row):
                if one.id in found:
                    raise LineError(f"repeats the question {shown(one.id)}")
                found[one.id] = one
    if not found:
        raise InputError(f"{lines.path} holds no questions.", "Fetch it again.")
    return tuple(found.values())


def fingerprint_of_questions(questions: VideoQuestions) -> str:
    """The SHA-256 of all questions."""
    return hashlib.sha256(json.dumps([asdict(one) for one in questions]).encode()).hexdigest()


def file_name(name: str) -> str:
    """A file name relative to the folder, without leading ``./``. `LineError` if it leads outside."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or name.startswith("/") or "\0" in name or "\\" in name:
        raise LineError(f"cannot be used: {shown(name)} names no file below the folder")
    return "/".join(parts)


def without_letters(options: tuple[str, ...]) -> tuple[str, ...]:
    """Options without the letters before them, if each starts with its own ("A. red" or "A.red")."""
    matches = [
        re.match(rf"\s*\(?{letter}[.):]\s*(?=\S)", option) for letter, option in zip(LETTERS, options, strict=False)
    ]
    return tuple(
        option[match.end() :] if match else option
        for option, match in zip(options, matches if all(matches) else [None] * len(options), strict=True)
    )


def letter(index: int, options: tuple[str, ...], key: str) -> str:
    """The letter of the right option, whose index from 0 is in `key` of the row. `LineError` if out of range."""
    if index >= len(options):
        raise LineError(f"cannot be used: {key} is {index}, and there are {len(options)} options")
    return LETTERS[index]
