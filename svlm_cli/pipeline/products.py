"""Files made from one video and its words, other than text: copies with subtitles, and a page that shows both.

A product collects words while the video is captioned, and is made at the end. Knows no model.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Chunk
from svlm_cli.media.container import Container
from svlm_cli.media.ffmpeg import file_address
from svlm_cli.media.locked import refuse_existing
from svlm_cli.media.part import PartVideo
from svlm_cli.media.subtitled import burn_in, check_burn_in, check_mux, mux
from svlm_cli.outputs.album import Album
from svlm_cli.outputs.ass import FONT_SIZE
from svlm_cli.outputs.destination import open_destination, refuse_unwritable, text_file
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.output import Output, Provenance
from svlm_cli.outputs.report import CueList, Report, video_path, write_page
from svlm_cli.outputs.style import CueStyle
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.inputs import STDIN


class Product(Protocol):
    """One file to be made."""

    path: Path

    def prepare(self) -> str:
        """Raise errors and return warnings, as far as they are known in advance."""
        ...

    def outputs(self) -> Sequence[Output]:
        """The outputs that receive the words."""
        ...

    def look(self, chunk: Chunk) -> None:
        """Take in a chunk before the model sees it. Called from the thread that reads the video."""
        ...

    def make(self, on_progress: Callable[[float], None]) -> str:
        """Write the file, reporting the seconds of video done. Returns a warning that `prepare` did not, or nothing."""
        ...

    def close(self) -> None:
        """Remove everything but the file."""
        ...


class SubtitledCopy:
    """The video with its words as a subtitle track, or drawn into its pictures (`burned`)."""

    def __init__(
        self, source: str, path: Path, *, burned: bool, language: str, style: CueStyle, overwrite: bool
    ) -> None:
        self.path = path
        self._source = source
        self._burned = burned
        self._language = language
        self._style = style
        self._overwrite = overwrite
        self._container = Container.of(path)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._told = ""

    def prepare(self) -> str:
        """Returns what the copy will lack. Raises `InputError`, `OutputError`."""
        source = file_address(self._source)
        video = PartVideo(self.path, overwrite=self._overwrite)
        if self._burned:
            check_burn_in(source, video, self._container)
        else:
            self._told = check_mux(source, video, self._container)
        return self._told

    def outputs(self) -> Sequence[Output]:
        """A temporary subtitle file."""
        self._folder = tempfile.TemporaryDirectory(prefix="svlm-")
        format_ = Format.ASS if self._burned else Format.SRT
        return [open_output(format_, open_destination(self._words, overwrite=False), self._style)]

    @property
    def _words(self) -> Path:
        assert self._folder is not None, "its outputs were opened"
        return Path(self._folder.name, "words.ass" if self._burned else "words.srt")

    def look(self, chunk: Chunk) -> None:
        """Nothing to do: the copy takes its pictures from the video."""

    def make(self, on_progress: Callable[[float], None]) -> str:
        """Raises `InputError`, `OutputError`; leaves no partial file."""
        source = file_address(Path(self._source).absolute())  # absolute: ffmpeg runs in another folder
        video = PartVideo(self.path, overwrite=self._overwrite)
        if self._burned:
            said = burn_in(source, self._words, video, self._container, FONT_SIZE, on_progress)
        else:
            said = mux(source, self._words, video, self._container, self._language, on_progress)
        return said if said != self._told else ""

    def close(self) -> None:
        """Remove the temporary subtitles."""
        if self._folder is not None:
            self._folder.cleanup()


class ReportPage:
    """A page with pictures of the video and its words. `UsageError` for a name that is not an HTML file's."""

    def __init__(self, source: str, path: Path, *, model: str, style: CueStyle, overwrite: bool) -> None:
        if path.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"{path} is not the name of a page.", "Use a name that ends in .html.")
        self.path = path
        self._source = source
        self._provenance = Provenance(source, model)
        self._overwrite = overwrite
        self._album = Album()
        self._words = CueList(style)
        self._seen_s = 0.0

    def prepare(self) -> str:
        """Raises `InputError`, `OutputError`."""
        file_address(self._source)
        refuse_unwritable(self.path, makes_folders=False)
        if not self._overwrite:
            refuse_existing(self.path)
        return ""

    def outputs(self) -> Sequence[Output]:
        """A list of cues."""
        return [self._words]

    def look(self, chunk: Chunk) -> None:
        """Keep a thumbnail."""
        self._album.add(chunk.frames[0], chunk.start_s)
        self._seen_s += chunk.end_s - chunk.start_s

    def make(self, on_progress: Callable[[float], None]) -> str:  # noqa: ARG002  it is quick
        """Raises `InputError`, `OutputError`."""
        report = Report(
            provenance=self._provenance,
            video=video_path(Path(self._source), self.path),
            length_s=self._seen_s,
            cues=tuple(self._words.cues),
            album=self._album,
        )
        with text_file(self.path, overwrite=self._overwrite) as file:
            file.write(write_page(report))
        return ""

    def close(self) -> None:
        """Does nothing: there are no temporary files."""


def refuse_doubles(jobs: Sequence[Job], products: Sequence[Product]) -> None:
    """Raise `UsageError` for a product that would overwrite an input or another output."""
    taken: dict[Path, str] = {}
    for job in jobs:
        taken[Path(job.source.reveal()).resolve()] = "the video itself"
        for target in (*job.targets, *job.kept):
            if target.path is not None:
                taken[target.path.resolve()] = "another output"
    for product in products:
        path = product.path.resolve()
        if path in taken:
            raise UsageError(f"{product.path} is {taken[path]}.", "Choose another name.")
        taken[path] = "another output"


def check_products(jobs: Sequence[Job], products: Sequence[Product]) -> list[str]:
    """Raise `UsageError` for invalid requests, and what `Product.prepare` raises, before a model is loaded.

    Returns the warnings of the products.
    """
    if not products:
        return []
    if len(jobs) != 1:
        raise UsageError(
            f"{products[0].path} cannot be made of {len(jobs)} videos.", "Caption them one by one for that."
        )
    (job,) = jobs
    notices = []
    for product in products:
        if job.source == STDIN:
            raise UsageError(
                f"{product.path} cannot be made from standard input, which can be read only once.",
                "Name a file.",
            )
        notices.append(product.prepare())
    return [notice for notice in notices if notice]


def seen_by(products: Sequence[Product], chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Pass on the chunks, showing each to the products."""
    for chunk in chunks:
        for product in products:
            product.look(chunk)
        yield chunk
