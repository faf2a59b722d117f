"""One run that collects words of videos: writes each as it is done, and counts failures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.core.reporting import Reporter, warn_of
from svlm_cli.core.signals import can_go_on
from svlm_cli.curation.about import About, AboutVideos
from svlm_cli.curation.collecting import WordCollector
from svlm_cli.curation.growing_words import GrowingWords
from svlm_cli.outputs.progress import clock


@dataclass(slots=True)
class CollectedWords:
    """Counts of a run."""

    videos: int  # all that were named
    there: int = 0  # of those, done by earlier runs
    done: int = 0
    silent: int = 0  # of those, without words
    unknown: int = 0  # not in the table of titles
    words: int = 0
    video_s: float = 0.0
    errors: list[SvlmError] = field(default_factory=list)

    def sentence(self, output: Path) -> str:
        """A summary for people."""
        silent = f" ({self.silent} without a word)" if self.silent else ""
        failed = f"; {len(self.errors)} failed" if self.errors else ""
        return f"{self.done} videos{silent} added to {output}: {self.words} words in {clock(self.video_s)}{failed}."

    def to_json(self, output: Path) -> dict[str, Any]:
        """A summary for programs."""
        return {
            "output": str(output),
            "videos": self.videos,
            "there": self.there,
            "done": self.done,
            "silent": self.silent,
            "failed": len(self.errors),
            "words": self.words,
            "video_s": round(self.video_s, 3),
        }


def collect_into(
    output: Path, videos: Sequence[Path], collector: WordCollector, about: AboutVideos, reporter: Reporter
) -> CollectedWords:
    """The words of all videos that are not in `output` yet. Raises `OutputError`, and `InputError` of what is there."""
    alone = len(videos) == 1

    def failure(error: InputError) -> None:
        if not alone:  # else it ends the command
            warn_of(reporter, error)

    with GrowingWords(output) as growing:
        if growing.notice:
            reporter.tell(growing.notice)
        left = [video for video in videos if video not in growing]
        done = CollectedWords(len(videos), there=len(videos) - len(left))
        if done.there:
            reporter.tell(f"{done.there} of {len(videos)} videos are in {output} already.")
        with can_go_on(reporter.tell), reporter.counting("videos", len(left)) as advance:
            collect_words(left, collector, about, growing, done, progress=advance, failure=failure)
    if about.file is not None and done.unknown:
        reporter.tell(
            f"{done.unknown} of {len(left)} videos are not in {about.file}: they have no title and no category."
        )
    reporter.tell(done.sentence(output))
    return done


def collect_words(
    left: Sequence[Path],
    collector: WordCollector,
    about: AboutVideos,
    growing: GrowingWords,
    done: CollectedWords,
    *,
    progress: Callable[..., None],
    failure: Callable[[InputError], None],
) -> None:
    """Process the remaining videos. `progress` is called with the number done, and the position in the next one."""
    for index, video in enumerate(left):
        collector.on_progress = lambda done_s, index=index: progress(index, clock(done_s))  # type: ignore[misc]
        known = about.of(video)
        done.unknown += known is None
        try:
            spoken = collector.collect(video, known or About())
        except InputError as error:
            done.errors.append(error)
            failure(error)
        else:
            growing.append(spoken)
            done.done += 1
            done.silent += not spoken.segments
            done.words += spoken.words
            done.video_s += spoken.duration_s
        progress(index + 1)
