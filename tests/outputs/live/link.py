"""What the live view sends, beside Rich's `Live` with the same picture: ``python -m tests.outputs.live.link``.

A screen of 120 x 40 in full colour with a picture, before and after one more word. Rich gets the picture as prepared
rows, each one control segment, which is the fastest way to show it there. No test: it measures.
"""

import io
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console, ConsoleOptions
from rich.layout import Layout
from rich.live import Live
from rich.segment import ControlType, Segment
from rich.text import Text

from svlm_cli.outputs.live.choice import Choice
from svlm_cli.outputs.live.condition import Condition
from svlm_cli.outputs.live.page import Page
from svlm_cli.outputs.live.rows import Pixels
from svlm_cli.outputs.live.state import Channel
from tests.outputs.live.scenes import TRUE_COLOUR, started, token

SIZE = (120, 40)
REFRESHES = 20
LINK_BYTES = 125_000  # a second: 1 Mbit/s


class Prepared:
    """Rows of a picture for Rich, as they are sent."""

    def __init__(self, rows: Sequence[str]) -> None:
        self._rows = rows

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> Iterator[Segment]:
        for row in self._rows:
            yield Segment(row, None, [(ControlType.CURSOR_MOVE_TO, 0, 0)])
            yield Segment.line()


def of_rich(picture: Sequence[str], columns: int) -> tuple[float, float]:
    """Bytes and milliseconds a refresh."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=SIZE[0], height=SIZE[1], color_system="truecolor")
    layout, words = Layout(), Layout(Text(""), name="words")
    layout.split_row(Layout(Prepared(picture), size=columns), words)
    with Live(layout, console=console, screen=True, auto_refresh=False) as live:
        begun, begun_s = file.tell(), time.perf_counter()
        for count in range(REFRESHES):
            words.update(Text("word " * (count % 3)))
            live.refresh()
        took_s, sent = time.perf_counter() - begun_s, file.tell() - begun
    return sent / REFRESHES, took_s / REFRESHES * 1000


def main() -> None:
    """Prints both."""
    channel, page = Channel("front", Condition.LIVE), Page("svlm-mini")
    shot = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    channel.hear(started(0), 0.0, (shot, shot))

    def lines() -> list[str]:
        return [TRUE_COLOUR.line(row) for row in page.compose([channel], Choice(), SIZE, 0.1)]

    before = lines()
    channel.hear(token(" word"), 0.1)
    begun_s = time.perf_counter()
    after = lines()
    took_ms = (time.perf_counter() - begun_s) * 1000
    ours = sum(len(new.encode()) for old, new in zip(before, after, strict=True) if old != new)
    (_, preview) = page.previews["front"]
    rich, rich_ms = of_rich(
        [TRUE_COLOUR.line([Pixels(0, preview, row)]) for row in range(preview.rows)], preview.columns
    )
    size, whole = f"{preview.columns} x {preview.rows}", sum(map(len, before))
    sys.stdout.write(f"a picture of {size} cells, on a screen of {whole} bytes\n")
    for name, sent, spent_ms in (("rows that changed", ours, took_ms), ("rich.live.Live", rich, rich_ms)):
        spent = f"{sent / LINK_BYTES:.2f} s at 1 Mbit/s; {spent_ms:.1f} ms"
        sys.stdout.write(f"one more word, {name}: {sent:.0f} bytes, {spent}\n")


if __name__ == "__main__":
    main()
