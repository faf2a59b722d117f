"""Writes windows as lines of an annotation file, in the published format. Knows no rules."""

import json
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from svlm_cli.curation.duplicates import SaidWindow, plain
from svlm_cli.curation.windows import SpokenWindow
from svlm_cli.curation.words_file import SpokenVideo
from svlm_cli.media.locked import part_of, refuse_special
from svlm_cli.outputs.destination import Destination, text_file


def annotation_line(window: SpokenWindow, video: str, told: SpokenVideo, *, query: str, previous: str) -> str:
    """The line of a window, with its end. `video` is the file's name relative to the annotation file."""
    text = {"type": "text", "text": query, "previous": previous, "title": told.title, "category": told.category}
    shown = {"type": "video", "video": video, "video_start": window.start_s, "video_end": window.end_s}
    said = {"type": "text_stream", "text_stream": [[one.start_s, one.end_s, one.text] for one in window.words]}
    messages = [{"role": "user", "content": [shown, text]}, {"role": "assistant", "content": [said]}]
    return json.dumps(messages, ensure_ascii=False, separators=(", ", ": "), allow_nan=False) + "\n"


class AnnotationFile:
    """An annotation file being written; it knows the offsets of its lines, and can reread them."""

    def __init__(self, destination: Destination, lines: BinaryIO) -> None:
        self.offsets = array("Q")
        self._destination = destination
        self._lines = lines
        self._end = 0

    def append(self, line: str) -> None:
        """Add a line. Raises `OutputError`."""
        self._destination.write(line)
        self.offsets.append(self._end)
        self._end += len(line) if line.isascii() else len(line.encode())

    def said(self, number: int) -> SaidWindow:
        """A line, in the form in which windows are compared."""
        self._lines.seek(self.offsets[number])
        user, assistant = json.loads(self._lines.readline())
        shown, said = user["content"][0], assistant["content"][0]
        words: list[list[Any]] = said["text_stream"]
        return SaidWindow(
            shown["video"], shown["video_start"], shown["video_end"], plain([word for _, _, word in words])
        )


@contextmanager
def annotation_file(path: Path, *, overwrite: bool) -> Iterator[AnnotationFile]:
    """A new file, which gets its name when it is complete. Raises `OutputError`."""
    refuse_special(path)
    with text_file(path, overwrite=overwrite) as destination, part_of(path).open("rb", buffering=1 << 14) as lines:
        yield AnnotationFile(destination, lines)
