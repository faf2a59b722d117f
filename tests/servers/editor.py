"""An editor of transcripts behind the chat-completions protocol, which goes by a rule. Knows our form of questions."""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.servers.chat import Messages

Rule = Callable[[str], tuple[str, str]]
"""The text of a segment to an action, and the new text of one that is edited."""

_SEGMENT = re.compile(r"^(\d+)\. \[[\d.]+-[\d.]+ s\] (.*)$", re.MULTILINE)


def asked_about(messages: Messages) -> list[str]:
    """The texts of the segments in a question."""
    found = _SEGMENT.findall(messages[-1]["content"].partition("=== Segments ===")[2])
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    return [text for _, text in found]


def rows(messages: Messages, rule: Rule) -> list[dict[str, Any]]:
    """What the rule says of each."""
    decided = enumerate(map(rule, asked_about(messages)), 1)
    return [{"number": number, "action": action, "text": text} for number, (action, text) in decided]


def by_rule(rule: Rule) -> Callable[[Messages], str]:
    """Answers as they should be."""
    return lambda messages: json.dumps({"segments": rows(messages, rule)})


def of_sports(text: str) -> tuple[str, str]:
    """Adverts go, and Messi is spelled as he is."""
    if "sponsor" in text:
        return "delete", ""
    if "messy" in text:
        return "edit", text.replace("messy", "Messi")
    return "keep", ""
