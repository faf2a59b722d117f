"""A video's commentary as one HTML page: pictures, words beside them, a search, and links that jump in the video.

The page holds all that it shows but the video itself, which it finds by a relative path; it fetches nothing else, and
its own policy forbids it to. Its look and its behaviour are in ``page/``. Knows neither the video nor the model.
"""

import base64
import hashlib
import html
import os
import string
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from svlm_cli.core.text import plain_text
from svlm_cli.core.types import Cue, Segment
from svlm_cli.outputs.album import Album
from svlm_cli.outputs.cues import CueBuilder
from svlm_cli.outputs.output import Provenance, refuse_impossible
from svlm_cli.outputs.progress import clock
from svlm_cli.outputs.style import CueStyle

_MOST_PICTURES = 600
_SILENCE_S = 10.0  # of this length it is shown
_SILENT_STEP_S = 30.0  # between two pictures of it


class CueList:
    """An output that keeps the cues."""

    def __init__(self, style: CueStyle) -> None:
        self._builder = CueBuilder(style)
        self.cues: list[Cue] = []

    def write(self, segment: Segment) -> None:
        """One round. Raises `OutputError`."""
        refuse_impossible(segment)
        self.cues += self._builder.add(segment)

    def close(self, *, complete: bool = True) -> None:  # noqa: ARG002  they are as complete as they are
        """The last cues."""
        self.cues += self._builder.finish()


@dataclass(frozen=True, slots=True)
class Report:
    """What the page is made of."""

    provenance: Provenance
    video: str  # its path from the page's folder
    length_s: float  # of what was captioned
    cues: tuple[Cue, ...]
    album: Album


def video_path(video: Path, page: Path) -> str:
    """The way from the page to the video, as a link."""
    way = os.path.relpath(video.absolute(), page.absolute().parent)
    return quote(os.fsencode(way))


def write_page(report: Report) -> str:
    """The whole page. Words and names are only ever text in it."""
    style, script = _asset("report.css"), _asset("report.js")
    lines = list(_with_silence(report.cues))
    every = -(-len(lines) // _MOST_PICTURES)
    rows = [_row(report, cue, pictured=index % every == 0) for index, cue in enumerate(lines)]
    title = html.escape(Path(plain_text(report.provenance.source)).name)
    return string.Template(_asset("report.html")).substitute(
        title=title,
        summary=html.escape(f"{clock(report.length_s)} captioned by {plain_text(report.provenance.model)} with svlm"),
        count=f"{len(report.cues)} line{'s' * (len(report.cues) != 1)}",
        video=html.escape(report.video),
        lines="\n".join(rows),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
    )


def _with_silence(cues: tuple[Cue, ...]) -> Iterator[Cue]:
    """The cues, and some without words where long nothing is said."""
    said_until_s: float | None = None
    for cue in cues:
        if said_until_s is not None and cue.start_s - said_until_s >= _SILENCE_S:
            start_s = said_until_s
            while start_s < cue.start_s - _SILENCE_S / 2:
                yield Cue(start_s, cue.start_s, "")
                start_s += _SILENT_STEP_S
        said_until_s = cue.end_s
        yield cue


def _row(report: Report, cue: Cue, *, pictured: bool) -> str:
    """A line: it leads to its moment, by the page's script, or in the video alone."""
    picture = report.album.at(cue.start_s) if pictured else None
    shot = ""
    if picture is not None:
        data = base64.b64encode(picture.jpeg).decode("ascii")
        size = f'width="{picture.width}" height="{picture.height}"'
        shot = f'<img alt="" {size} loading="lazy" src="data:image/jpeg;base64,{data}">'
    link = f"{report.video}#t={cue.start_s:.3f}"
    words = html.escape(cue.text.replace("\n", " "))
    return (
        f'<li data-start="{cue.start_s:.3f}"><a href="{html.escape(link)}"><span class="shot">{shot}</span>'
        f'<time>{clock(cue.start_s)}</time><span class="words">{words}</span></a></li>'
    )


def _asset(name: str) -> str:
    return files("svlm_cli.outputs").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
