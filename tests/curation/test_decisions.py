"""What an editor says of segments: what counts as an answer, and what is refused."""

import json
from typing import Any

import pytest

from svlm_cli.curation.decisions import SCHEMA, Action, BadAnswerError, Decision, read_answer
from svlm_cli.curation.timing import spread
from svlm_cli.curation.words_file import SpokenSegment

SEGMENTS = [
    SpokenSegment(index * 5.0, index * 5.0 + 4, tuple(spread(text, index * 5.0, index * 5.0 + 4)))
    for index, text in enumerate(["What a [sic] goal", "by messy", "our sponsor"])
]
GOOD: list[dict[str, Any]] = [
    {"number": 1, "action": "keep", "text": ""},
    {"number": 2, "action": "edit", "text": "by  Messi ."},
    {"number": 3, "action": "delete", "text": ""},
]


def answer(*changes: tuple[int, dict[str, Any]], rows: int = 3) -> str:
    changed = [dict(row) for row in GOOD]
    for index, change in changes:
        changed[index] |= change
    return json.dumps({"segments": changed[:rows]})


def test_an_answer() -> None:
    """Guards the three actions, and editors that repeat what they keep or change nothing."""
    expected = [Decision(Action.KEEP), Decision(Action.EDIT, ("by", "Messi.")), Decision(Action.DELETE)]
    assert read_answer(answer(), SEGMENTS) == expected
    assert read_answer(answer((0, {"text": "What a [sic] goal"})), SEGMENTS) == expected
    same = read_answer(answer((1, {"text": "by messy"})), SEGMENTS)
    assert same[1] == Decision(Action.KEEP)
    marked = read_answer(answer((0, {"action": "edit", "text": "What a [sic] save"})), SEGMENTS)
    assert marked[0].words == ("What", "a", "[sic]", "save")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("I keep all of them.", "its answer cannot be used: it is not JSON"),
        (f"```json\n{answer()}\n```", "its answer cannot be used"),
        (json.dumps(GOOD), "not an object with only a list of segments"),
        (json.dumps({"segments": GOOD, "note": ""}), "not an object with only a list of segments"),
        (json.dumps({"segments": [{"number": 1, "action": "keep"}]}), "entry 1 of its answer is .*, not number"),
        (answer(rows=2), "says nothing about segment 3 of 3"),
        (
            json.dumps({"segments": [*GOOD, {"number": 4, "action": "keep", "text": ""}]}),
            "about segment 4, which it was",
        ),
        (json.dumps({"segments": GOOD[::-1]}), "has segment 3 where segment 1 belongs"),
        (json.dumps({"segments": [GOOD[0], *GOOD]}), "has segment 1 where segment 2 belongs"),
        (answer((0, {"number": True})), "about segment True, which it was not asked about"),
        (answer((0, {"action": "drop"})), "says about segment 1 is 'drop'"),
        (answer((1, {"text": None})), "says about segment 2 is 'edit', None"),
        (answer((0, {"text": "A goal"})), "a new text for segment 1, and the action keep"),
        (answer((2, {"text": "A goal"})), "a new text for segment 3, and the action delete"),
        (answer((1, {"text": "by **Messi**"})), r"segment 2 has markup \(\*\)"),
        (answer((1, {"text": "by <b>Messi</b>"})), r"segment 2 has markup \(<\)"),
        (answer((1, {"text": "[Crowd] by Messi"})), r"segment 2 has markup \(\[\)"),
        (answer((1, {"text": "by\nMessi"})), "segment 2 has invisible characters"),
        (answer((1, {"text": "by \u202eMessi"})), "segment 2 has invisible characters"),
        (answer((1, {"text": " ... "})), "segment 2 is empty"),
        (answer((1, {"text": "by Messi " * 10})), "segment 2 has 20 words, where 2 were said"),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    """Guards the training data against an editor that does something else than was asked."""
    with pytest.raises(BadAnswerError, match=problem):
        read_answer(text, SEGMENTS)


def test_the_schema_is_strict() -> None:
    """Guards structured outputs: servers refuse a strict schema whose objects leave anything open."""

    def check(part: Any) -> int:
        if not isinstance(part, dict):
            return 0
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == [*part["properties"]]
        return (part.get("type") == "object") + sum(map(check, part.values()))

    assert check(SCHEMA) == 2
