"""Sends words files to an editor: passages of many videos concurrently, then reassembles videos. Knows no server."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from svlm_cli.chat.asking import UnansweredError
from svlm_cli.chat.crowd import Silence, at_once
from svlm_cli.curation.changes import Changes
from svlm_cli.curation.decisions import Action, read_answer
from svlm_cli.curation.editor import EDITOR, EditorAsker
from svlm_cli.curation.passages import Passage, passages
from svlm_cli.curation.retiming import retimed
from svlm_cli.curation.words_file import SpokenSegment, SpokenVideo

_QUESTIONS_A_JOB = 16  # size of a batch, which is held in memory and ends with its slowest question


@dataclass(frozen=True, slots=True)
class Edited:
    """An edited passage; or why there is no answer."""

    passage: Passage
    segments: tuple[SpokenSegment, ...] = ()
    unanswered: str = ""
    cached: bool = False
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(slots=True)
class CleaningSpent:
    """Counts of a run, and its cost."""

    videos: int = 0
    failed: int = 0
    passages: int = 0
    cached: int = 0
    unanswered: int = 0
    tokens_in: int = 0  # of this run's own requests, including unusable answers
    tokens_out: int = 0

    def note(self, one: Edited) -> None:
        """Count a passage."""
        self.passages += not one.unanswered
        self.unanswered += bool(one.unanswered)
        self.cached += one.cached
        if not one.cached:
            self.tokens_in += one.tokens_in
            self.tokens_out += one.tokens_out

    def sentence(self) -> str:
        """For people."""
        return f"{self.passages} passages are answered, {self.cached} of them from disk, {self.unanswered} are not."

    def to_json(self, videos: int, changes: Changes) -> dict[str, Any]:
        """For programs, of so many `videos` in all."""
        return {
            "videos": videos,
            "there": videos - self.videos - self.failed,
            "done": self.videos,
            "failed": self.failed,
            **changes.to_json(),
            "passages": self.passages,
            "unanswered": self.unanswered,
        }


def edit(passage: Passage, asker: EditorAsker) -> Edited:
    """Ask about one passage."""
    try:
        answered = asker.ask(passage)
    except UnansweredError as error:
        return Edited(passage, unanswered=str(error))
    left: list[SpokenSegment] = []
    for segment, decision in zip(passage.segments, read_answer(answered.reply.text, passage.segments), strict=True):
        if decision.action is not Action.DELETE:
            left.append(retimed(segment, decision.words) if decision.action is Action.EDIT else segment)
    reply = answered.reply
    return Edited(passage, tuple(left), "", answered.cached, reply.tokens_in, reply.tokens_out)


def clean(
    videos: Iterable[SpokenVideo],
    asker: EditorAsker,
    mark: str,
    *,
    jobs: int,
    write: Callable[[SpokenVideo], None],
    heard: Callable[[Edited], None],
    spent: CleaningSpent,
) -> None:
    """Write each video once all its passages are answered, in order; a video without all answers counts as failed.

    `heard` is called with each passage. Raises what ends the run: `ModelError` if the server is unusable, or has not
    answered ten questions in a row.
    """
    silence = Silence(EDITOR.name, "answers")
    for batch in _batches(videos, jobs * _QUESTIONS_A_JOB):
        waiting = [_Waiting(video, len(parts)) for video, parts in batch]
        by_video = {id(one.video): one for one in waiting}
        questions = [part for _, parts in batch for part in parts]
        with closing(at_once(questions, lambda one: edit(one, asker), jobs=jobs, stop=asker.stop)) as answers:
            _write_done(waiting, mark, write, spent)
            for one in answers:
                spent.note(one)
                heard(one)
                by_video[id(one.passage.video)].note(one)
                _write_done(waiting, mark, write, spent)
                silence.note(one.unanswered)
        asker.stop.clear()  # set by the end of a batch
    spent.tokens_in += asker.lost_in
    spent.tokens_out += asker.lost_out


@dataclass(slots=True)
class _Waiting:
    """A video, and the number of its unanswered passages."""

    video: SpokenVideo
    left: int
    answers: list[Edited] = field(default_factory=list)

    def note(self, one: Edited) -> None:
        self.left -= 1
        self.answers.append(one)

    def whole(self, mark: str) -> SpokenVideo | None:
        """The video without deleted segments; None if a passage has no answer."""
        answers = sorted(self.answers, key=lambda one: one.passage.first)
        if any(one.unanswered for one in answers):
            return None
        segments = tuple(segment for one in answers for segment in one.segments)
        return replace(self.video, segments=segments, source=f"{self.video.source}, {mark}")


def _write_done(waiting: list[_Waiting], mark: str, write: Callable[[SpokenVideo], None], spent: CleaningSpent) -> None:
    """Write the videos at the front that are complete."""
    while waiting and waiting[0].left == 0:
        video = waiting.pop(0).whole(mark)
        if video is None:
            spent.failed += 1
        else:
            write(video)
            spent.videos += 1


def _batches(
    videos: Iterable[SpokenVideo], questions: int
) -> Iterator[Sequence[tuple[SpokenVideo, Sequence[Passage]]]]:
    """Videos with their passages, in batches of at least this many passages."""
    batch: list[tuple[SpokenVideo, Sequence[Passage]]] = []
    count = 0
    for video in videos:
        parts = passages(video)
        batch.append((video, parts))
        count += max(len(parts), 1)
        if count >= questions:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch
