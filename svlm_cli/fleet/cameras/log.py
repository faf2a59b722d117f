"""What is said of one camera, in the call's own files and on its own clock, whoever watches it.

Each worker counts from its own first picture. The wall clock of its rounds says where they belong. Between the last
words of one worker and the first of the next there is a gap, marked as one after a lost connection.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from svlm_cli.core.events import RoundEnded
from svlm_cli.fleet.cameras.memory import CameraRecord
from svlm_cli.outputs.output import Output, close_all
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.job_files import DatedFiles, Tell
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.pipeline.totals import RoundTotals

_NO_GAP_S: Final = 0.5  # by so much wall clocks may differ from the pictures' own


class CameraLog:
    """The files of a camera, and its clock. With a `record` it goes on where an earlier call was interrupted."""

    def __init__(self, job: Job, settings: SessionSettings, tell: Tell, record: CameraRecord | None = None) -> None:
        self.job = job
        self.record = record
        self.totals = RoundTotals()
        self._files = DatedFiles(job, settings, tell, left=() if record is None else record.files)
        self._outputs: list[Output] = []
        self._offset_s: float | None = None  # from the worker's clock to the call's; None: another worker has begun

    @property
    def begun(self) -> Sequence[Path]:
        """The files, in order."""
        return self._files.begun

    @property
    def continued(self) -> Job:
        """What a worker needs to go on: the source and the last words, not the files."""
        said = "" if self.record is None else self.record.said
        return Job(self.job.source, (), name=self.job.name, said=said)

    def hand_over(self) -> None:
        """Another worker begins to watch it."""
        self._offset_s = None

    def write(self, event: RoundEnded) -> RoundEnded:
        """Write a round, on the call's clock, which is returned. Raises `OutputError`."""
        event = self._placed(event)
        assert self.record is not None
        self.record = self.record.add(event.end_s, event.text)
        self.totals.add(event)
        if not self._outputs:
            self._outputs = list(self._files.outputs(live=True))
        for output in self._outputs:
            output.write(event)
        self.record = replace(self.record, files=self._files.open)
        return event

    def close(self) -> None:
        """Close all files, even if some raise. Raises the first `SvlmError`."""
        outputs, self._outputs = self._outputs, []
        error = close_all(outputs)
        if error is not None:
            raise error

    def _placed(self, event: RoundEnded) -> RoundEnded:
        wall_s = time.time() if event.wall_clock_s is None else event.wall_clock_s
        if self.record is None:
            self.record = CameraRecord(wall_s - event.start_s)
            self._offset_s = 0.0
        gap_s = event.gap_s
        if self._offset_s is None:
            start_s, last_s = wall_s - self.record.zero_wall_s, self.record.end_s
            if start_s - last_s < _NO_GAP_S:
                start_s = last_s
            else:
                gap_s = start_s - last_s
            self._offset_s = start_s - event.start_s
        start_s, end_s = event.start_s + self._offset_s, event.end_s + self._offset_s
        return replace(event, start_s=start_s, end_s=end_s, gap_s=gap_s)
