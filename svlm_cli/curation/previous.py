"""The text before a window: the video's title, then its earlier words. Pure."""

from collections.abc import Sequence
from typing import Final

from svlm_cli.core.policy import WindowPolicy

PREVIOUS_WORDS: Final = WindowPolicy().sink_tokens + WindowPolicy().window_tokens  # a word has at least one token


def previous_text(title: str, words: Sequence[str], before: int, most: int) -> str:
    """The title and the first `before` words of a video, at most `most` of them.

    If there are more, the first and the last half: a stream keeps the start of its previous text (sink) and its end
    (window), so with halves at least that long, training cuts the same text from it.
    """
    if before <= most:
        kept = [*words[:before]]
    else:
        head = most // 2
        kept = [*words[:head], *words[before - (most - head) : before]]
    return " ".join([title, *kept] if title else kept)
