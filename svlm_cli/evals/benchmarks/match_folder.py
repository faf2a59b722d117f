"""Simulated matches on disk, made in parallel: videos, events, and annotations of commentary or questions.

A match is done when its video and log have their final names, and is then left alone. Annotation files come last. One
file records the folder's setting. Knows no benchmark, and nothing of progress or the command line.
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
"""Called with the number of matches done."""

Annotated = TypeVar("Annotated")
Annotate = Callable[[Match], Annotated]
"""The entries of a match in the annotation files. Called in worker processes."""

_HINT: Final = "Name another folder, or replace it with --overwrite."
_OPTIONS: Final = {"seconds": "--minutes", "start_s": "--start"}  # options whose names differ from the fields


@dataclass(frozen=True, slots=True)
class ShownMatches:
    """Which matches, and how they are rendered."""

    seeds: range  # one per match
    seconds: int
    fps: int
    split: Split


@dataclass(frozen=True, slots=True)
class MatchFolder:
    """The paths in the folder. Each kind of folder has its own names."""

    option: ClassVar[str]  # the option that asks for it
    setting_name: ClassVar[str]
    videos_name: ClassVar[str]
    annotation_names: ClassVar[tuple[str, ...]]

    root: Path

    @property
    def setting(self) -> Path:
        """The file with the folder's setting."""
        return self.root / self.setting_name

    @property
    def annotations(self) -> tuple[Path, ...]:
        """The files about all matches."""
        return tuple(self.root / name for name in self.annotation_names)

    def video(self, seed: int) -> Path:
        """The video of a match."""
        return self.root / self.videos_name / video_name(seed)

    def events(self, seed: int) -> Path:
        """The event log of a match."""
        return self.root / "truth" / f"{seed}.events.jsonl"

    def is_whole(self, seed: int) -> bool:
        """Whether a match is done."""
        return self.video(seed).is_file() and self.events(seed).is_file()

    def files(self, seed: int) -> tuple[Path, Path]:
        """The files of a match."""
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
    """Make all missing matches; return how many existed already, and all annotations. Raises `SvlmError`.

    `setting` is everything that determines the folder's contents.
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
    """Make a match's files unless they are complete; return the number that existed, and its annotations."""
    match = Match(seed, matches.split, keep_s=matches.seconds + KEPT_S)
    if not folder.is_whole(seed):
        with (
            text_file(folder.events(seed), overwrite=True) as events,
            # Opened last, so closed first: without the video, the log does not get its name.
            VideoWriter(
                folder.video(seed), width=WIDTH, height=HEIGHT, rate=Fraction(matches.fps), overwrite=True
            ) as video,
        ):
            for stretch in stretches(matches.seconds):
                video.write(pictures(match, stretch, matches.fps))
                events.write(event_lines(match, stretch))
    return seed, annotate(match)


def _begin(folder: MatchFolder, matches: ShownMatches, setting: Mapping[str, Any], *, overwrite: bool) -> None:
    """Record the setting in the folder before anything else; `OutputExistsError` if it has another one.

    Files to be replaced are deleted first: a partial one must not be taken for a match of this setting.
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
    """The matches as they are done, on all processors. The worker processes end with the context."""
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
