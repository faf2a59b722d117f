"""What stands in front of a window: the video's title, then its earlier words. Pure."""

from collections.abc import Sequence
from typing import Final

from svlm_cli.core.policy import WindowPolicy

PREVIOUS_WORDS: Final = WindowPolicy().sink_tokens + WindowPolicy().window_tokens  # no word has less than one token


def previous_text(title: str, words: Sequence[str], before: int, most: int) -> str:
    """The title and the first `before` of a video's words, of which no more than `most` are written.

    Of more, the first and the last half: a stream keeps the beginning of its text (the sink) and the end of it (the
    window), so with halves as long as those the text that training cuts from it is the same.
    """
    if before <= most:
        kept = [*words[:before]]
    else:
        head = most // 2
        kept = [*words[:head], *words[before - (most - head) : before]]
    return " ".join([title, *kept] if title else kept)
