"""The picture of the live view in the documentation: ``python -m tests.outputs.live.picture``.

Plays ``docs/assets/match.mp4`` as a camera, lets svlm-mini speak, and draws what a terminal would show when the goal is
told, after half a minute. Rich exports the text; pixels become rectangles, because a font's half blocks leave gaps.
"""

import io
import re
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.segment import Segment, Segments

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.events import RoundEnded, SourceEvent
from svlm_cli.core.types import Picture
from svlm_cli.outputs.live.choice import Choice
from svlm_cli.outputs.live.condition import Condition
from svlm_cli.outputs.live.meters import Machine
from svlm_cli.outputs.live.page import Page
from svlm_cli.outputs.live.rows import Pixels, Row
from svlm_cli.outputs.live.state import Channel
from tests.conftest import ROOT

PICTURE = ROOT / "docs" / "assets" / "live-view.svg"
SIZE = (80, 24)
_CELL = (12.2, 24.4)  # Rich's, in the units of its pictures
_FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} HEIGHT" role="img">
<title>TITLE</title>
<rect width="{width}" height="HEIGHT" fill="#ffffff"/>
<rect x="10" y="12" width="{terminal_width}" height="{terminal_height}" fill="#1d1f21" stroke="#1d1f21"
  stroke-width="16" stroke-linejoin="round"/>
<style>.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px; white-space: pre; }} {styles}</style>
<g transform="translate(10, 12)">
{backgrounds}
<g shape-rendering="crispEdges">
PIXELS
</g>
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def svg(rows: Sequence[Row], columns: int, title: str) -> str:
    """A screen as a picture that stands alone."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    pixels = []
    for number, row in enumerate(rows):
        line: list[Segment] = []
        for piece in row:
            line.append(Segment(" " * (piece.column - Segment.get_line_length(line))))
            if isinstance(piece, Pixels):
                line.append(Segment(" " * piece.preview.columns))
                pixels += _rectangles(piece, number)
            else:
                line.append(Segment(piece.text, piece.style))
        console.print(Segments([*line, Segment.line()]), end="")
    text = console.export_svg(title="", code_format=_FORMAT, unique_id="svlm")
    text = re.sub(r' clip-path="url\([^)]*\)"', "", text)
    return (
        text.replace("TITLE", title)
        .replace("PIXELS", "\n".join(pixels))
        .replace("HEIGHT", f"{len(rows) * _CELL[1] + 24:.0f}")
    )


def _rectangles(piece: Pixels, row: int) -> list[str]:
    """Of one row of cells, neighbours of one colour in one."""
    width, height = _CELL
    made = []
    for half, colours in enumerate(piece.preview.pixels[2 * piece.row : 2 * piece.row + 2].tolist()):
        first = 0
        for x in range(1, len(colours) + 1):
            if x == len(colours) or colours[x] != colours[first]:
                red, green, blue = colours[first]
                made.append(
                    f'<rect x="{(piece.column + first) * width:.1f}" y="{row * height + 1.5 + half * height / 2:.1f}" '
                    f'width="{(x - first) * width + 0.3:.1f}" height="{height / 2 + 0.3:.1f}" '
                    f'fill="#{red:02x}{green:02x}{blue:02x}"/>'
                )
                first = x
    return made


def watch(clip: Path, context: str, until: str) -> list[Row]:
    """The screen when svlm-mini says `until`."""
    from svlm_cli.engine.place import EnginePlace
    from svlm_cli.pipeline.batch import Job
    from svlm_cli.pipeline.gauge import Gauge
    from svlm_cli.pipeline.observer import SessionObserver
    from svlm_cli.pipeline.session import Session
    from svlm_cli.pipeline.settings import SessionSettings
    from svlm_cli.sources.opening import SourceOptions

    checkpoint = resolve(None)
    gauge = Gauge()
    engine = gauge.engine = EnginePlace.of("cpu").load(checkpoint.folder, checkpoint.policy)
    channel, page = Channel("match", Condition.LIVE, files="match.srt"), Page("svlm-mini")
    screens: list[list[Row]] = []

    class Onlooker(SessionObserver):
        """Shows what happens, and draws the screen once."""

        def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:
            now_s = time.monotonic()
            channel.hear(event, now_s, pictures)
            if isinstance(event, RoundEnded) and until in event.text and not screens:
                machine = Machine(gauge().resident_bytes)
                shown_s = now_s + 0.5  # the second picture of this round
                screens.append(page.compose([channel], Choice(), SIZE, shown_s, machine=machine))
                session.stop()  # a camera would come back at its end

    job = Job(SourceAddress(f"movie={clip},realtime"), (), name="match")
    settings = SessionSettings(sources=SourceOptions(input_format="lavfi"), context=context)
    with Session((job,), settings, engine.policy, observer=Onlooker()) as session:
        for _ in session.run(engine):
            pass
    return screens[0]


def main() -> None:
    """Writes the picture."""
    assets = PICTURE.parent
    context = (assets / "match.context.txt").read_text(encoding="utf-8")
    rows = watch(assets / "match.mp4", context, "Goal")
    title = "The live view: a simulated match, and what svlm-mini says about it"
    PICTURE.write_text(svg(rows, SIZE[0], title), encoding="utf-8")


if __name__ == "__main__":
    main()
