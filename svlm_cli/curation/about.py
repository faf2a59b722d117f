"""Titles and categories of videos: a CSV with the columns ``video``, ``title`` and ``category``. Reads no video."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.curation.words_file import identity

_COLUMNS: Final = ("video", "title", "category")


@dataclass(frozen=True, slots=True)
class About:
    """Facts about one video."""

    title: str = ""
    category: str = ""


class AboutVideos:
    """By video file: paths are relative to the CSV's folder; a bare name matches a video in any folder."""

    def __init__(self, rows: Mapping[str, About], file: Path | None = None) -> None:
        self._rows = rows
        self.file = file  # that they were read from

    def of(self, video: Path) -> About | None:
        """The facts about a video, if any."""
        return self._rows.get(identity(video)) or self._rows.get(video.name)


def read_about(path: Path) -> AboutVideos:
    """Read a CSV. Raises `InputError`, which names file and line."""
    rows: dict[str, About] = {}
    for number, (video, title, category) in _rows(path):
        key = video if Path(video).name == video else identity(path.parent / video)
        if key in rows:
            raise _wrong(path, number, f"is a second one about {shown(video)}")
        rows[key] = About(plain_text(title).strip(), plain_text(category).strip())
    return AboutVideos(rows, path)


def _rows(path: Path) -> Iterator[tuple[int, tuple[str, str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            heading = next(lines, [])
            if "video" not in heading or set(heading) - set(_COLUMNS) or len(set(heading)) < len(heading):
                raise _wrong(path, 1, "must name the columns video, title and category, the first one at least")
            for row in lines:
                if row:
                    yield lines.line_num, _fields(path, lines.line_num, heading, row)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{plain_text(str(path))} is not a CSV file in UTF-8: {error}.", "Export it again.") from error
    except OSError as error:
        raise InputError(f"{plain_text(str(path))} cannot be read: {error.strerror}.", "Check its name.") from error


def _fields(path: Path, number: int, heading: Sequence[str], row: Sequence[str]) -> tuple[str, str, str]:
    if len(row) != len(heading):
        raise _wrong(path, number, f"has {len(row)} fields, not {len(heading)}")
    fields = dict(zip(heading, row, strict=True))
    if not fields["video"].strip():
        raise _wrong(path, number, "names no video")
    return fields["video"].strip(), fields.get("title", ""), fields.get("category", "")


def _wrong(path: Path, number: int, what: str) -> InputError:
    return InputError(f"Line {number} of {plain_text(str(path))} {what}.", "Correct it.")
