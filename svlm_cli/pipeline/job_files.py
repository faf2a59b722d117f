"""The files of a job, from when they are opened until outputs write to them. Knows neither sources nor a model."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from svlm_cli.core.errors import OutputError, OutputExistsError
from svlm_cli.outputs.continuing import Continued, continued
from svlm_cli.outputs.destination import ContinuedFile, Destination, has_part, make_folder, open_destination
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.output import Output, Provenance
from svlm_cli.outputs.patient import PatientFile
from svlm_cli.outputs.rotation import FileSpan, RotatingOutput, file_at, fixed_name
from svlm_cli.pipeline.batch import Job, Target, still_missing
from svlm_cli.pipeline.settings import SessionSettings

Tell = Callable[[str], None]
"""Called with problems of files that are retried: one line each."""


class JobFiles:
    """The files of a video, named from the start. After `take`, `job` lacks the outputs that exist already."""

    def __init__(self, job: Job, settings: SessionSettings) -> None:
        self.job = job
        self._settings = settings
        self._live = settings.sources.follow
        self._opened: dict[Target, Destination] = {}

    def take(self) -> None:
        """Open the files that only one run can hold, except those that exist by now. Raises `OutputError`."""
        while True:
            wanted = [one for one in self.job.targets if one.path is not None and has_part(one.path, live=self._live)]
            try:
                self._open(sorted(wanted, key=lambda one: one.name))  # sorted, so that one of two runs gets them all
            except OutputExistsError:
                missing = still_missing(self.job)
                if missing == self.job:
                    raise
                self.job = missing
            else:
                return

    def outputs(self) -> list[Output]:
        """The outputs that write to the files. `OutputError` if one cannot be opened; then none is."""
        self._open(self.job.targets)
        opened, self._opened = self._opened, {}
        return [_output(one, opened[one], self.job, self._settings) for one in self.job.targets]

    def _open(self, targets: Iterable[Target]) -> None:
        try:
            for target in targets:
                if target not in self._opened:
                    self._opened[target] = self._destination(target)
        except OutputError:
            self.close()
            raise

    def _destination(self, target: Target) -> Destination:
        settings = self._settings
        if target.path is not None and settings.make_folders:
            make_folder(target.path.parent, "Choose another --output-dir.")
        encoding = target.format.encoded(settings.encoding)
        return open_destination(target.path, overwrite=settings.overwrite, live=self._live, encoding=encoding)

    def close(self) -> None:
        """Release the files that have no output yet."""
        while self._opened:
            _, file = self._opened.popitem()
            with suppress(OutputError):
                file.close(complete=False)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file of a camera that is being written."""

    format: Format
    path: Path
    span: FileSpan


class DatedFiles:
    """The files of a camera: names are `strftime` patterns, and new files begin over time.

    `left` are those of an interrupted run, which are continued.
    """

    def __init__(self, job: Job, settings: SessionSettings, tell: Tell, *, left: Sequence[OpenFile] = ()) -> None:
        self.begun: list[Path] = []  # in order
        self._left = {one.format: one for one in left}
        self._rotating: dict[Format, RotatingOutput] = {}
        self._newest: dict[Format, Path] = {}
        self._job = job
        self._settings = settings
        self._tell = tell

    def outputs(self, *, live: bool) -> list[Output]:
        """The outputs that write to the files. With `live`, files are written in place, and failed writes retried."""
        return [self._output(target, live=live) for target in self._job.targets]

    @property
    def open(self) -> tuple[OpenFile, ...]:
        """Those that are being written."""
        spans = {format_: output.span for format_, output in self._rotating.items()}
        return tuple(
            OpenFile(format_, path, span)
            for format_, path in self._newest.items()
            if (span := spans.get(format_)) is not None
        )

    def _output(self, target: Target, *, live: bool) -> Output:
        pattern, settings = target.path, self._settings
        if pattern is None:
            encoding = target.format.encoded(settings.encoding)
            return _output(target, open_destination(None, overwrite=False, encoding=encoding), self._job, settings)
        newest: PatientFile | None = None

        def at(wall_s: float) -> Output:
            nonlocal newest
            open_file = partial(self._open, target, pattern, wall_s, live=live)
            destination: Destination
            if live:
                destination = newest = PatientFile(open_file, self._tell, after=newest)
            else:
                destination = open_file()
            return _output(target, destination, self._job, settings)

        shifts = target.format.traits.has_cues
        if not live:
            return RotatingOutput(at, every_s=None, shifts=shifts)
        rotating = RotatingOutput(at, every_s=settings.segment_s, shifts=shifts, tell=self._tell)
        self._rotating[target.format] = rotating
        if (left := self._left.get(target.format)) is not None:
            whole = continued(left.path, target.format, settings.encoding)
            if whole is not None:
                self._newest[target.format] = whole.path
                newest = PatientFile(partial(self._go_on, target, whole), self._tell)
                rotating.resume(_output(target, newest, self._job, settings, whole), left.span)
        return rotating

    def _go_on(self, target: Target, whole: Continued) -> Destination:
        encoding = target.format.encoded(self._settings.encoding)
        destination = ContinuedFile(whole.path, whole.kept_bytes, encoding=encoding)
        self._begin(target, whole.path)
        return destination

    def _begin(self, target: Target, path: Path) -> None:
        self.begun.append(path)
        self._newest[target.format] = path

    def _open(self, target: Target, pattern: Path, wall_s: float, *, live: bool) -> Destination:
        overwrite, encoding = self._settings.overwrite, target.format.encoded(self._settings.encoding)
        path = fixed_name(pattern)
        if path is None:
            path = file_at(pattern, wall_s, taken=lambda path: not overwrite and os.path.lexists(path))
        make_folder(path.parent, "Choose another -o or --output-dir.")
        destination = open_destination(path, overwrite=overwrite, live=live, encoding=encoding)
        self._begin(target, path)
        return destination


def _output(
    target: Target, destination: Destination, job: Job, settings: SessionSettings, whole: Continued | None = None
) -> Output:
    return open_output(
        target.format,
        destination,
        settings.style,
        Provenance(job.name, settings.model),
        raw_tsv=settings.raw_tsv,
        several=settings.several,
        continued=whole,
    )
