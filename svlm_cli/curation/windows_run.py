"""Turns words files into annotation files: judges, deduplicates and writes each window. Memory is bounded."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from svlm_cli.core.errors import InputError
from svlm_cli.curation.annotations import AnnotationFile, annotation_file, annotation_line
from svlm_cli.curation.duplicates import SaidBefore, SaidWindow, plain
from svlm_cli.curation.previous import previous_text
from svlm_cli.curation.seeks import write_index
from svlm_cli.curation.windows import SpokenWindow, WindowRules, why_left_out, windows_of, words_of
from svlm_cli.curation.windows_report import WindowsReport
from svlm_cli.curation.words_file import SpokenVideo, read_words, relative_name
from svlm_cli.jsonl.seeks import index_of
from svlm_cli.outputs.destination import text_file

_VIDEOS_A_LINE = 1000


@dataclass(frozen=True, slots=True)
class WindowsOutput:
    """The output files, and their contents."""

    train: Path
    held_out: Path | None  # None: nothing is held out
    held_out_share: float
    query: str
    previous_words: int
    index: bool
    overwrite: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """The annotation files."""
        return (self.train,) if self.held_out is None else (self.train, self.held_out)

    @property
    def all_files(self) -> tuple[Path, ...]:
        """The annotation files and their indices."""
        return (*self.files, *(map(index_of, self.files) if self.index else ()))


def is_held_out(video: Path, share: float) -> bool:
    """Whether a video is held out, by a hash of its name: the same in every data set."""
    digest = blake2b(video.name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def cut_windows(
    words: Sequence[Path],
    rules: WindowRules,
    output: WindowsOutput,
    *,
    similar: float,
    tell: Callable[[str], None],
) -> WindowsReport:
    """Write the windows of all videos, and report progress. `InputError` if none is left or a file is bad."""
    with ExitStack() as stack:
        files = [stack.enter_context(annotation_file(path, overwrite=output.overwrite)) for path in output.files]
        indices = [
            stack.enter_context(text_file(index_of(path), overwrite=output.overwrite))
            for path in (output.files if output.index else ())
        ]
        cutting = _Cutting(rules, output, files, similar)
        for path in words:
            for video in read_words(path):
                cutting.cut(video)
                report = cutting.report
                if report.videos % _VIDEOS_A_LINE == 0:
                    tell(f"svlm: {report.videos} videos, {report.kept} of {report.windows} windows are kept")
        _refuse_nothing(cutting.report)
        for file, index in zip(files, indices, strict=False):
            write_index(file.offsets, index)
    return cutting.report


class _Cutting:
    """One run."""

    def __init__(
        self, rules: WindowRules, output: WindowsOutput, files: Sequence[AnnotationFile], similar: float
    ) -> None:
        self.report = WindowsReport()
        self._rules, self._output, self._files = rules, output, files
        self._said = SaidBefore(self._recall, similar=similar)

    def _recall(self, number: int) -> SaidWindow:
        """Even and odd numbers are lines of the two files."""
        line, file = divmod(number, len(self._files))
        return self._files[file].said(line)

    def cut(self, video: SpokenVideo) -> None:
        """Process all windows of a video."""
        self.report.videos += 1
        held_out = self._output.held_out is not None and is_held_out(video.video, self._output.held_out_share)
        name = relative_name(video.video, self._output.files[held_out].parent)
        words = words_of(video)
        texts = [word.text for word in words]
        for window in windows_of(video, words, self._rules):
            reason = why_left_out(window, video.language, self._rules)
            if reason is None:
                said = plain([word.text for word in window.words])
                number = len(self._files[held_out].offsets) * len(self._files) + held_out
                reason = self._said.add(SaidWindow(name, window.start_s, window.end_s, said), number)
            if reason is None:
                self._write(window, name, video, texts, self._files[held_out])
            self.report.note(window, reason, held_out=held_out)

    def _write(
        self, window: SpokenWindow, name: str, video: SpokenVideo, texts: Sequence[str], file: AnnotationFile
    ) -> None:
        previous = previous_text(video.title, texts, window.before, self._output.previous_words)
        file.append(annotation_line(window, name, video, query=self._output.query, previous=previous))


def _refuse_nothing(report: WindowsReport) -> None:
    if report.videos == 0:
        raise InputError("There is no video in the words files.", "Write them with `svlm data words`.")
    if report.windows == 0:
        raise InputError("Nothing is said in the videos of the words files.", "Name other files.")
    if report.kept == 0:
        reasons = ", ".join(f"{count} {reason}" for reason, count in report.left_out.most_common())
        raise InputError(
            f"None of the {report.windows} windows is left: {reasons}.",
            "Change the options that leave them out, or name other files.",
        )
