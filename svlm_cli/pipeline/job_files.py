"""The files of a job, from when they are opened until outputs write to them. Knows neither sources nor a model."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from svlm_cli.core.errors import OutputError, OutputExistsError
from svlm_cli.outputs.destination import Destination, has_part, make_folder, open_destination
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.output import Output, Provenance
from svlm_cli.outputs.patient import PatientFile
from svlm_cli.outputs.rotation import RotatingOutput, file_at, fixed_name
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


class DatedFiles:
    """The files of a camera: names are `strftime` patterns, and new files begin over time."""

    def __init__(self, job: Job, settings: SessionSettings, tell: Tell) -> None:
        self.begun: list[Path] = []  # in order
        self._job = job
        self._settings = settings
        self._tell = tell

    def outputs(self, *, live: bool) -> list[Output]:
        """The outputs that write to the files. With `live`, files are written in place, and failed writes retried."""
        return [self._output(target, live=live) for target in self._job.targets]

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
        return RotatingOutput(at, every_s=settings.segment_s, shifts=shifts, tell=self._tell)

    def _open(self, target: Target, pattern: Path, wall_s: float, *, live: bool) -> Destination:
        overwrite, encoding = self._settings.overwrite, target.format.encoded(self._settings.encoding)
        path = fixed_name(pattern)
        if path is None:
            path = file_at(pattern, wall_s, taken=lambda path: not overwrite and os.path.lexists(path))
        make_folder(path.parent, "Choose another -o or --output-dir.")
        destination = open_destination(path, overwrite=overwrite, live=live, encoding=encoding)
        self.begun.append(path)
        return destination


def _output(target: Target, destination: Destination, job: Job, settings: SessionSettings) -> Output:
    return open_output(
        target.format,
        destination,
        settings.style,
        Provenance(job.name, settings.model),
        raw_tsv=settings.raw_tsv,
        several=settings.several,
    )
