"""Simulated matches on disk: videos, what happens in them, and what is said or asked of them, made side by side.

A match is done when its video and its log have their names, and is left as it is then. Annotation files come last. A
file of the folder says by what all was made. Knows no benchmark, and nothing of progress or of the command line.
"""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from svlm_cli.core import strict_json
from svlm_cli.core.errors import InputError, OutputExistsError
from svlm_cli.core.workers import start_workers
from svlm_cli.evals.benchmarks.endless import video_name
from svlm_cli.evals.match_files import event_lines, pictures, stretches
from svlm_cli.evals.world import KEPT_S
from svlm_cli.jsonl.lines import read_data
from svlm_cli.media.locked import part_of, refuse_existing, refuse_folder, write_error
from svlm_cli.media.writer import VideoWriter
from svlm_cli.outputs.destination import make_folder, text_file
from svlm_cli.simulator.match.match import HEIGHT, WIDTH, Match, Split

Done = Callable[[int], None]
"""Called with the number of matches that are done."""

Annotated = TypeVar("Annotated")
Annotate = Callable[[Match], Annotated]
"""What a match adds to the annotation files. Called in other processes."""

_HINT: Final = "Name another folder, or replace it with --overwrite."
_OPTIONS: Final = {"seconds": "--minutes", "start_s": "--start"}  # where they are not called like their fields


@dataclass(frozen=True, slots=True)
class ShownMatches:
    """Which matches, and how they are shown."""

    seeds: range  # one a match
    seconds: int
    fps: int
    split: Split


@dataclass(frozen=True, slots=True)
class MatchFolder:
    """Where everything is. Each kind of folder has names of its own."""

    option: ClassVar[str]  # by which people ask for it
    setting_name: ClassVar[str]
    videos_name: ClassVar[str]
    annotation_names: ClassVar[tuple[str, ...]]

    root: Path

    @property
    def setting(self) -> Path:
        """By what it was made."""
        return self.root / self.setting_name

    @property
    def annotations(self) -> tuple[Path, ...]:
        """Files about all matches."""
        return tuple(self.root / name for name in self.annotation_names)

    def video(self, seed: int) -> Path:
        """What is to be seen."""
        return self.root / self.videos_name / video_name(seed)

    def events(self, seed: int) -> Path:
        """What happens."""
        return self.root / "truth" / f"{seed}.events.jsonl"

    def is_whole(self, seed: int) -> bool:
        """Whether a match is done."""
        return self.video(seed).is_file() and self.events(seed).is_file()

    def files(self, seed: int) -> tuple[Path, Path]:
        """Those of a match."""
        return self.video(seed), self.events(seed)


def make_matches(
    folder: MatchFolder,
    matches: ShownMatches,
    annotate: Annotate[Annotated],
    *,
    setting: Mapping[str, Any],
    overwrite: bool,
    done: Done,
) -> tuple[int, list[Annotated]]:
    """All matches that are missing; how many were there already, and what each adds. Raises `SvlmError`.

    `setting` is all that decides what is in the folder.
    """
    _begin(folder, matches, setting, overwrite=overwrite)
    there = sum(map(folder.is_whole, matches.seeds))
    annotated: dict[int, Annotated] = {}
    with _finished(folder, matches, annotate) as finished:
        for seed, one in finished:
            annotated[seed] = one
            done(len(annotated))
    return there, [annotated[seed] for seed in matches.seeds]


def make_match(
    folder: MatchFolder, matches: ShownMatches, annotate: Annotate[Annotated], seed: int
) -> tuple[int, Annotated]:
    """A match's files, unless they are whole, and what it adds to the annotation files."""
    match = Match(seed, matches.split, keep_s=matches.seconds + KEPT_S)
    if not folder.is_whole(seed):
        with (
            text_file(folder.events(seed), overwrite=True) as events,
            # The last, and so the first that is closed: without the video, the log does not get its name.
            VideoWriter(
                folder.video(seed), width=WIDTH, height=HEIGHT, rate=Fraction(matches.fps), overwrite=True
            ) as video,
        ):
            for stretch in stretches(matches.seconds):
                video.write(pictures(match, stretch, matches.fps))
                events.write(event_lines(match, stretch))
    return seed, annotate(match)


def _begin(folder: MatchFolder, matches: ShownMatches, setting: Mapping[str, Any], *, overwrite: bool) -> None:
    """The folder says by what it is made, before anything else is in it; `OutputExistsError` if that is something else.

    What is to be replaced goes at once: half of it must never be taken for a match of this setting.
    """
    for path in (folder.root, folder.video(0).parent, folder.events(0).parent):
        make_folder(path, f"Choose another for {folder.option}.")
    files = [*folder.annotations, *(path for seed in matches.seeds for path in folder.files(seed))]
    if overwrite:
        for path in files:
            _remove(path)
    elif folder.setting.exists():
        _refuse_another(folder, setting)
        return
    else:
        for path in files:
            refuse_existing(path)
    with text_file(folder.setting, overwrite=overwrite) as file:
        file.write(json.dumps(setting) + "\n")


def _remove(path: Path) -> None:
    refuse_folder(path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def _refuse_another(folder: MatchFolder, setting: Mapping[str, Any]) -> None:
    try:
        there: Any = strict_json.parse(read_data(folder.setting))
    except strict_json.JsonError as error:
        raise InputError(f"{folder.setting} cannot be read: {error}.", _HINT) from error
    said = there if isinstance(there, dict) else {}
    names = [name for name, value in setting.items() if said.get(name) != value]
    if names:
        options = ", ".join(_OPTIONS.get(name, f"--{name}") for name in names)
        raise OutputExistsError(f"{folder.root} holds a benchmark that was made with other {options}.", _HINT)


@contextmanager
def _finished(
    folder: MatchFolder, matches: ShownMatches, annotate: Annotate[Annotated]
) -> Iterator[Iterator[tuple[int, Annotated]]]:
    """The matches as they are done, by all processors. Whatever ends this early ends the processes as well."""
    processes = min(os.cpu_count() or 1, len(matches.seeds))
    if processes == 1:
        yield (make_match(folder, matches, annotate, seed) for seed in matches.seeds)
        return
    with start_workers(processes) as pool:
        try:
            tasks = [pool.submit(make_match, folder, matches, annotate, seed) for seed in matches.seeds]
            yield (task.result() for task in as_completed(tasks))
        except BaseException:
            for worker in multiprocessing.active_children():
                worker.terminate()
                worker.join()
            for part in (part_of(path) for seed in matches.seeds for path in folder.files(seed)):
                part.unlink(missing_ok=True)
            raise
