"""A video's captions as one HTML page: pictures with their words, a search, and links that seek in the video.

The page contains everything but the video, which it links by a relative path; it fetches nothing else, and its content
security policy forbids that. Styles and scripts are in ``page/``. Knows neither the video nor the model.
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
from svlm_cli.core.types import Cue
from svlm_cli.outputs.album import Album
from svlm_cli.outputs.cues import CueBuilder
from svlm_cli.outputs.output import Provenance, Round, refuse_impossible
from svlm_cli.outputs.progress import clock
from svlm_cli.outputs.style import CueStyle

_MOST_PICTURES = 600
_SILENCE_S = 10.0  # silence this long is shown
_SILENT_STEP_S = 30.0  # between pictures during silence


class CueList:
    """An output that collects the cues."""

    def __init__(self, style: CueStyle) -> None:
        self._builder = CueBuilder(style)
        self.cues: list[Cue] = []

    def write(self, segment: Round) -> None:
        """Add one round. Raises `OutputError`."""
        refuse_impossible(segment)
        self.cues += self._builder.add(segment)

    def close(self, *, complete: bool = True) -> None:  # noqa: ARG002  the list is all there is
        """Add the last cues."""
        self.cues += self._builder.finish()


@dataclass(frozen=True, slots=True)
class Report:
    """The contents of the page."""

    provenance: Provenance
    video: str  # path relative to the page's folder
    length_s: float  # the captioned part
    cues: tuple[Cue, ...]
    album: Album


def video_path(video: Path, page: Path) -> str:
    """The relative link from the page to the video."""
    way = os.path.relpath(video.absolute(), page.absolute().parent)
    return quote(os.fsencode(way))


def write_page(report: Report) -> str:
    """The whole page. Words and names are escaped."""
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
    """The cues, with cues without words inserted into long silences."""
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
    """A row. Clicking it seeks, by the page's script or by a link to that moment of the video."""
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
