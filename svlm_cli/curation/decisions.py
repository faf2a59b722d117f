"""Parses an editor's answer about a passage, JSON with a schema, into a decision per segment. Knows no server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from svlm_cli.core import strict_json
from svlm_cli.core.bounds import shown
from svlm_cli.core.text import plain_text
from svlm_cli.curation.timing import split
from svlm_cli.curation.words_file import SpokenSegment

_MARKUP: Final = "<>[]{}*_`|#\\"
_LONGER: Final = 2  # factor, plus as many words: a longer text is not an edit of the original
_WORDS_MORE: Final = 10


class Action(StrEnum):
    """What happens to a segment."""

    KEEP = "keep"
    EDIT = "edit"
    DELETE = "delete"


SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["segments"],
    "properties": {
        "segments": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["number", "action", "text"],
                "properties": {
                    "number": {"type": "integer"},
                    "action": {"type": "string", "enum": [str(action) for action in Action]},
                    "text": {"type": "string"},
                },
            },
        }
    },
}
"""The schema of an answer."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about one segment; `words` are the new ones if it is edited."""

    action: Action
    words: tuple[str, ...] = ()


class BadAnswerError(ValueError):
    """Why an answer is unusable: a sentence without its end."""


def read_answer(text: str, segments: Sequence[SpokenSegment]) -> list[Decision]:
    """One decision per segment. Raises `BadAnswerError`."""
    try:
        answer = strict_json.parse(text)
    except strict_json.JsonError as error:
        raise BadAnswerError(f"its answer cannot be used: {error}") from error
    if not isinstance(answer, dict) or answer.keys() != {"segments"} or not isinstance(answer["segments"], list):
        raise BadAnswerError("its answer is not an object with only a list of segments")
    rows = answer["segments"]
    for expected, row in enumerate(rows, 1):
        if not isinstance(row, dict) or row.keys() != {"number", "action", "text"}:
            raise BadAnswerError(f"entry {expected} of its answer is {shown(row)}, not number, action and text")
        if type(row["number"]) is not int or not 1 <= row["number"] <= len(segments):
            raise BadAnswerError(f"its answer is about segment {shown(row['number'])}, which it was not asked about")
        if row["number"] != expected:
            raise BadAnswerError(f"its answer has segment {row['number']} where segment {expected} belongs")
    if len(rows) < len(segments):
        raise BadAnswerError(f"its answer says nothing about segment {len(rows) + 1} of {len(segments)}")
    return [_decision(row, segment) for row, segment in zip(rows, segments, strict=True)]


def _decision(row: Mapping[str, Any], segment: SpokenSegment) -> Decision:
    number, text = row["number"], row["text"]
    if row["action"] not in tuple(Action) or not isinstance(text, str):
        raise BadAnswerError(f"what its answer says about segment {number} is {shown(row['action'])}, {shown(text)}")
    action = Action(row["action"])
    if action is not Action.EDIT:
        if text.strip() not in ("", segment.text):  # some models repeat segments that they keep
            raise BadAnswerError(f"its answer has a new text for segment {number}, and the action {action}")
        return Decision(action)
    if plain_text(text) != text:
        raise BadAnswerError(f"its text for segment {number} has invisible characters")
    if strange := sorted(sign for sign in set(text) & set(_MARKUP) if sign not in segment.text):
        raise BadAnswerError(f"its text for segment {number} has markup ({strange[0]})")
    words = split(text)
    if not words:
        raise BadAnswerError(f"its text for segment {number} is empty")
    if len(words) > _LONGER * len(segment.words) + _WORDS_MORE:
        raise BadAnswerError(
            f"its text for segment {number} has {len(words)} words, where {len(segment.words)} were said"
        )
    if words == [word.text for word in segment.words]:
        return Decision(Action.KEEP)
    return Decision(action, tuple(words))
