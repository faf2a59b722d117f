"""Changes in a video's words: counts, shares, and a diff. Pure; text is not made safe for terminals.

Compares two versions of a video; a segment that is in both is identified by its span.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from svlm_cli.core.text import plain_text
from svlm_cli.curation.decisions import Action
from svlm_cli.curation.words_file import DIGITS, SpokenSegment, SpokenVideo


@dataclass(slots=True)
class Changes:
    """Counts over videos."""

    segments: Counter[Action] = field(default_factory=Counter)
    words_before: int = 0
    words_after: int = 0

    def note(self, before: SpokenVideo, after: SpokenVideo) -> None:
        """Compare one more video."""
        self.segments.update(action for action, _, _ in compared(before, after))
        self.words_before += before.words
        self.words_after += after.words

    def share(self, action: Action) -> float | None:
        """The share of all segments; None if there are none."""
        total = sum(self.segments.values())
        return self.segments[action] / total if total else None

    def sentence(self) -> str:
        """A summary for people."""
        total = sum(self.segments.values())
        if not total:
            return "There is no segment in it."
        names = {Action.KEEP: "kept", Action.EDIT: "edited", Action.DELETE: "deleted"}
        shares = ", ".join(f"{self.segments[one] / total:.0%} {name}" for one, name in names.items())
        return f"{total} segments: {shares}. {self.words_before} words before, {self.words_after} after."

    def to_json(self) -> dict[str, Any]:
        """A summary for programs."""
        return {
            "segments": {str(action): self.segments[action] for action in Action},
            "shares": {str(action): self.share(action) for action in Action},
            "words_before": self.words_before,
            "words_after": self.words_after,
        }


def compared(before: SpokenVideo, after: SpokenVideo) -> Iterator[tuple[Action, SpokenSegment, SpokenSegment | None]]:
    """Each segment, its change, and its new version."""
    left = {_span(one): one for one in after.segments}
    for segment in before.segments:
        now = left.get(_span(segment))
        action = Action.DELETE if now is None else Action.KEEP if now.text == segment.text else Action.EDIT
        yield action, segment, now


def _span(segment: SpokenSegment) -> tuple[float, float]:
    return round(segment.start_s, DIGITS), round(segment.end_s, DIGITS)


def diff_lines(before: SpokenVideo, after: SpokenVideo) -> Iterator[str]:
    """Changes, one line per segment, marked with ``[-old-]`` and ``{+new+}`` as by ``git diff --word-diff``."""
    yield f"=== {plain_text(str(before.video))} ==="
    for action, segment, now in compared(before, after):
        if action is not Action.KEEP:
            text = f"[-{segment.text}-]" if now is None else _word_diff(segment, now)
            yield f"{segment.start_s:.1f}-{segment.end_s:.1f} {action}: {plain_text(text)}"


def _word_diff(before: SpokenSegment, after: SpokenSegment) -> str:
    old, new = ([word.text for word in one.words] for one in (before, after))
    parts: list[str] = []
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts += old[old_from:old_to]
            continue
        parts += [f"[-{' '.join(old[old_from:old_to])}-]"] if old_to > old_from else []
        parts += [f"{{+{' '.join(new[new_from:new_to])}+}}"] if new_to > new_from else []
    return " ".join(parts)
