"""A benchmark of simulated matches on disk: videos, what happens in them, and the annotation files, made side by side.

A match is done when its video and its log have their names, and is left as it is then. The annotation files come last.
``benchmark.json`` says by what it was made. Knows nothing of progress or of the command line.
"""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from svlm_cli.core import strict_json
from svlm_cli.core.errors import InputError, OutputExistsError, UsageError
from svlm_cli.core.workers import start_workers
from svlm_cli.evals.benchmarks.endless import AnnotatedMatch, Row, annotate, video_name
from svlm_cli.evals.benchmarks.lines import read_data
from svlm_cli.evals.match_files import event_lines, pictures, stretches
from svlm_cli.evals.world import KEPT_S
from svlm_cli.media.locked import part_of, refuse_existing, refuse_folder, write_error
from svlm_cli.media.writer import VideoWriter
from svlm_cli.outputs.destination import make_folder, text_file
from svlm_cli.simulator.match import HEIGHT, WIDTH, Match, Split

Done = Callable[[int], None]
"""Called with the number of matches that are done."""

_HINT: Final = "Name another folder, or replace it with --overwrite."
_OPTIONS: Final = {"seconds": "--minutes", "start_s": "--start"}  # where they are not called like their fields


@dataclass(frozen=True, slots=True)
class EndlessSetting:
    """Which matches, and how they are shown. `UsageError` if nothing of them is left to be commented on."""

    seed: int
    matches: int
    seconds: int
    fps: int
    start_s: int  # from where on they are commented on
    split: Split

    def __post_init__(self) -> None:
        if self.start_s >= self.seconds:
            raise UsageError(
                f"Nothing of a match of {self.seconds} s is left from {self.start_s} s on.",
                "Ask for more --minutes, or an earlier --start.",
            )

    @property
    def seeds(self) -> range:
        """One a match."""
        return range(self.seed, self.seed + self.matches)


@dataclass(frozen=True, slots=True)
class EndlessFolder:
    """Where everything is."""

    root: Path

    @property
    def setting(self) -> Path:
        """By what it was made."""
        return self.root / "benchmark.json"

    @property
    def metadata(self) -> Path:
        """A match a line."""
        return self.root / "eval_all_metadata.jsonl"

    @property
    def clips(self) -> Path:
        """A clip a line."""
        return self.root / "score_all_clips.jsonl"

    def video(self, seed: int) -> Path:
        """What is to be seen."""
        return self.root / "videos" / video_name(seed)

    def events(self, seed: int) -> Path:
        """What happens."""
        return self.root / "truth" / f"{seed}.events.jsonl"

    def is_whole(self, seed: int) -> bool:
        """Whether a match is done."""
        return self.video(seed).is_file() and self.events(seed).is_file()

    def files(self, seed: int) -> tuple[Path, Path]:
        """Those of a match."""
        return self.video(seed), self.events(seed)


def make_benchmark(root: Path, setting: EndlessSetting, *, overwrite: bool, done: Done = lambda count: None) -> int:
    """All that is missing in the folder; returns how many matches were there already. Raises `SvlmError`."""
    folder = EndlessFolder(root)
    _begin(folder, setting, overwrite=overwrite)
    there = sum(map(folder.is_whole, setting.seeds))
    annotated: dict[int, AnnotatedMatch] = {}
    with _finished(folder, setting) as matches:
        for seed, one in matches:
            annotated[seed] = one
            done(len(annotated))
    in_order = [annotated[seed] for seed in setting.seeds]
    _write_rows(folder.clips, [row for one in in_order for row in one.clips])
    _write_rows(folder.metadata, [one.metadata for one in in_order if one.metadata is not None])
    return there


def make_match(folder: EndlessFolder, setting: EndlessSetting, seed: int) -> tuple[int, AnnotatedMatch]:
    """A match's files, unless they are whole, and what it adds to the annotation files."""
    match = Match(seed, setting.split, keep_s=setting.seconds + KEPT_S)
    if not folder.is_whole(seed):
        with (
            text_file(folder.events(seed), overwrite=True) as events,
            # The last, and so the first that is closed: without the video, the log does not get its name.
            VideoWriter(
                folder.video(seed), width=WIDTH, height=HEIGHT, rate=Fraction(setting.fps), overwrite=True
            ) as video,
        ):
            for stretch in stretches(setting.seconds):
                video.write(pictures(match, stretch, setting.fps))
                events.write(event_lines(match, stretch))
    return seed, annotate(match, setting.seconds, setting.start_s)


def _begin(folder: EndlessFolder, setting: EndlessSetting, *, overwrite: bool) -> None:
    """The folder says by what it is made, before anything else is in it; `OutputExistsError` if that is something else.

    What is to be replaced goes at once: half of it must never be taken for a match of this setting.
    """
    for path in (folder.root, folder.video(0).parent, folder.events(0).parent):
        make_folder(path, "Choose another for --benchmark.")
    files = [folder.clips, folder.metadata, *(path for seed in setting.seeds for path in folder.files(seed))]
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
        file.write(json.dumps(asdict(setting)) + "\n")


def _remove(path: Path) -> None:
    refuse_folder(path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def _refuse_another(folder: EndlessFolder, setting: EndlessSetting) -> None:
    try:
        there: Any = strict_json.parse(read_data(folder.setting))
    except strict_json.JsonError as error:
        raise InputError(f"{folder.setting} cannot be read: {error}.", _HINT) from error
    said = there if isinstance(there, dict) else {}
    names = [name for name, value in asdict(setting).items() if said.get(name) != value]
    if names:
        options = ", ".join(_OPTIONS.get(name, f"--{name}") for name in names)
        raise OutputExistsError(f"{folder.root} holds a benchmark that was made with other {options}.", _HINT)


@contextmanager
def _finished(folder: EndlessFolder, setting: EndlessSetting) -> Iterator[Iterator[tuple[int, AnnotatedMatch]]]:
    """The matches as they are done, by all processors. Whatever ends this early ends the processes as well."""
    processes = min(os.cpu_count() or 1, setting.matches)
    if processes == 1:
        yield (make_match(folder, setting, seed) for seed in setting.seeds)
        return
    with start_workers(processes) as pool:
        try:
            tasks = [pool.submit(make_match, folder, setting, seed) for seed in setting.seeds]
            yield (task.result() for task in as_completed(tasks))
        except BaseException:
            for worker in multiprocessing.active_children():
                worker.terminate()
                worker.join()
            for part in (part_of(path) for seed in setting.seeds for path in folder.files(seed)):
                part.unlink(missing_ok=True)
            raise


def _write_rows(path: Path, rows: list[Row]) -> None:
    with text_file(path, overwrite=True) as file:
        file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
