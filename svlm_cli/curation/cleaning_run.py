"""One run of an editor over a words file: skips finished videos, writes, and compares. Knows no server."""

from collections.abc import Callable, Iterator
from pathlib import Path

from svlm_cli.core.errors import InputError, OutputError
from svlm_cli.core.reporting import Reporter
from svlm_cli.core.signals import can_go_on
from svlm_cli.curation.changes import Changes, diff_lines
from svlm_cli.curation.cleaning import CleaningSpent, Edited, clean
from svlm_cli.curation.editor import EDITOR, EditorAsker, EditorForm
from svlm_cli.curation.growing_words import GrowingWords
from svlm_cli.curation.passages import passages
from svlm_cli.curation.words_file import SpokenVideo, identity, read_words
from svlm_cli.outputs.destination import text_file


def count_passages(words: Path) -> tuple[int, int]:
    """The numbers of videos and passages. Reads all lines, so that errors are found before there are costs.

    Raises `InputError`, also if there is no video.
    """
    seen: set[str] = set()
    parts = 0
    for video in read_words(words):
        if (name := identity(video.video)) in seen:
            raise InputError(f"{words} has two lines about {video.video}.", "Remove one of the lines.")
        seen.add(name)
        parts += len(passages(video))
    if not seen:
        raise InputError(f"There is no video in {words}.", "Write it with `svlm data words`.")
    return len(seen), parts


def clean_words(
    words: Path,
    output: Path,
    diff: Path | None,
    form: EditorForm,
    asker: EditorAsker,
    reporter: Reporter,
    *,
    passages: int,
    jobs: int,
) -> tuple[CleaningSpent, Changes]:
    """All that is left of `words` goes to the editor, `jobs` passages at once, and what is left of that to `output`.

    There are so many `passages` in all. `diff` gets what was changed, for people; ``-`` is standard output. Raises as
    `CleaningRun`, and `OutputError`.
    """
    with GrowingWords(output) as growing:
        run = CleaningRun(words, output, growing, form)
        if growing.notice:
            reporter.tell(growing.notice)

        def unanswered(one: Edited) -> None:
            reporter.warn(f"{EDITOR.name} has no answer for {one.passage.name}: {one.unanswered}.")

        with reporter.counting("passages", passages) as advance, can_go_on(reporter.tell):
            run.clean(asker, jobs=jobs, progress=advance, unanswered=unanswered)
        if run.there:
            reporter.tell(f"{run.there} videos were in {output} already.")
        if diff is None:
            return run.spent, run.compare(lambda _: None)
        with text_file(None if diff == Path("-") else diff, overwrite=True) as destination:
            return run.spent, run.compare(destination.write)


class CleaningRun:
    """Edits `words` into `growing`, the output's words file. `OutputError` if another editor has written that."""

    def __init__(self, words: Path, output: Path, growing: GrowingWords, form: EditorForm) -> None:
        if other := next((one for one in sorted(growing.sources) if not one.endswith(form.mark)), ""):
            raise OutputError(
                f"{output} holds words that are not {form.mark}, but {other}.",
                "Choose another -o; what was answered before is not asked again.",
            )
        self._words, self._growing, self._form = words, growing, form
        self.spent = CleaningSpent()
        self.there = 0  # videos already in the output
        self._done = 0

    def clean(
        self, asker: EditorAsker, *, jobs: int, progress: Callable[[int], None], unanswered: Callable[[Edited], None]
    ) -> None:
        """Ask about the rest. `progress` is called with the number of passages done. Raises as `cleaning.clean`."""

        def heard(one: Edited) -> None:
            self._done += 1
            progress(self._done)
            if one.unanswered:
                unanswered(one)

        write = self._growing.append
        clean(self._left(), asker, self._form.mark, jobs=jobs, write=write, heard=heard, spent=self.spent)

    def _left(self) -> Iterator[SpokenVideo]:
        for video in read_words(self._words):
            if video.video in self._growing:
                self.there += 1
                self._done += len(passages(video))
            else:
                yield video

    def compare(self, write: Callable[[str], object]) -> Changes:
        """Compare the whole output with its input, whichever run wrote it; `write` gets the diff."""
        changes = Changes()
        for before in read_words(self._words):
            if (after := self._growing.find(before.video)) is not None:
                changes.note(before, after)
                write("".join(f"{line}\n" for line in diff_lines(before, after)))
        return changes
