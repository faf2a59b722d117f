"""Videos for tests of the live view, and what a screen shows of them."""

import numpy as np
from rich.color import ColorSystem

from svlm_cli.core.events import RoundEnded, RoundStarted, TokenSpoken
from svlm_cli.core.types import Picture
from svlm_cli.outputs.live.choice import Choice
from svlm_cli.outputs.live.condition import Condition
from svlm_cli.outputs.live.footer import Notice
from svlm_cli.outputs.live.page import Page
from svlm_cli.outputs.live.preview import Paint
from svlm_cli.outputs.live.rows import Painter
from svlm_cli.outputs.live.state import Channel
from tests.outputs.live.screen import Screen

TRUE_COLOUR = Painter(ColorSystem.TRUECOLOR, no_colour=False, paint=Paint.TRUE_COLOUR)
NO_COLOUR = Painter(ColorSystem.TRUECOLOR, no_colour=True, paint=Paint.SHADES)


def picture(red: int, height: int = 180, width: int = 320) -> Picture:
    return np.full((height, width, 3), (red, 40, 40), dtype=np.uint8)


PICTURES = (picture(100), picture(200))  # of each round


def started(second: int, *, dropped: int = 0, gap_s: float = 0.0, name: str = "front") -> RoundStarted:
    return RoundStarted(name, second, second + 1.0, len(PICTURES), dropped=dropped, gap_s=gap_s)


def ended(second: int, text: str, lag_s: float | None = 0.25) -> RoundEnded:
    return RoundEnded("front", second, second + 1.0, text, 0, 0.1, latency_s=lag_s)


def token(text: str) -> TokenSpoken:
    return TokenSpoken("front", text)


def channel(name: str, words: list[str], condition: Condition = Condition.LIVE) -> Channel:
    """One that said `words`, a phrase a second, at as many seconds of the clock."""
    one = Channel(name, condition)
    for second, text in enumerate(words):
        one.hear(started(second), second, PICTURES)
        one.hear(token(text), second + 0.5)
        one.hear(ended(second, text), second + 0.9)
    return one


def show(
    channels: list[Channel],
    size: tuple[int, int] = (80, 24),
    *,
    choice: Choice | None = None,
    now_s: float = 100.0,
    painter: Painter = TRUE_COLOUR,
    notice: Notice | None = None,
    page: Page | None = None,
) -> Screen:
    """What a terminal of this size shows; nothing may leave it."""
    page = page or Page("svlm-mini")
    rows = page.compose(channels, choice or Choice(), size, now_s, notice=notice)
    assert len(rows) == size[1]
    screen = Screen(*size, modes={"?1049": True})
    for number, row in enumerate(rows, 1):
        screen.feed(f"\x1b[{number};1H{painter.line(row)}".encode())
    assert not screen.overflow, screen.text
    return screen
