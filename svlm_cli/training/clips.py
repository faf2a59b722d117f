"""The windows of annotation files: which there are, how often each comes, and in what order.

A record is cut into windows, which requires reading all records before the first step; or it is one window, and is read
when its turn comes. Knows no pictures and no tokens.
"""

import math
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.errors import InputError
from svlm_cli.jsonl.seeks import SeekableLines
from svlm_cli.training.log import Say, to_nobody
from svlm_cli.training.overlap import second_of, windows
from svlm_cli.training.recipe import Recipe, WindowRecipe
from svlm_cli.training.records import BadRecordError, Record, Skipped, read_records, record_of


@dataclass(frozen=True, slots=True)
class Clip:
    """A window of a record."""

    record: Record
    seconds: range  # counted from the record's start
    words: int  # number of words in them


class FileClips(Protocol):
    """The windows of one annotation file."""

    def __len__(self) -> int: ...

    def place(self, number: int) -> str:
        """The name of a window in error messages."""
        ...

    def clip(self, number: int) -> Clip:
        """`InputError` if its record is bad."""
        ...


class CutRows:
    """Records cut into windows, without those that have too few words."""

    def __init__(self, path: Path, videos: Path | None, size: WindowRecipe, skipped: Skipped) -> None:
        found = [clip for record in read_records([path], videos, skipped) for clip in _cut(record, size)]
        self._clips = [clip for clip in found if clip.words >= size.words_per_second * len(clip.seconds)]
        self.left_out = len(found) - len(self._clips)

    def __len__(self) -> int:
        return len(self._clips)

    def place(self, number: int) -> str:
        clip = self._clips[number]
        return f"{clip.record.place} ({clip.seconds.start} to {clip.seconds.stop} s)"

    def clip(self, number: int) -> Clip:
        return self._clips[number]


class WholeRows:
    """Records that are one window each."""

    def __init__(self, path: Path, videos: Path | None, longest: int, say: Say) -> None:
        self._lines = SeekableLines.open(path, say)
        self._videos = videos or path.parent
        self._longest = longest  # in seconds

    def __len__(self) -> int:
        return len(self._lines)

    def place(self, number: int) -> str:
        return f"{self._lines.path}:{number + 1}"

    def clip(self, number: int) -> Clip:
        try:
            record = record_of(self._lines.line(number), self.place(number), self._videos)
        except BadRecordError as error:
            raise InputError(f"{error}.") from error
        length = math.ceil(record.end_s - record.start_s)
        return Clip(record, range(min(length, self._longest)), len(record.words))


class Clips:
    """The windows of all files. In each epoch every one comes as often as its file's weight, in a new order."""

    def __init__(self, recipe: Recipe, skipped: Skipped, say: Say) -> None:
        """`InputError` if a file cannot be read, too many records are bad, or there is no window."""
        annotations, size = recipe.data.annotations, recipe.windows
        videos = Path(annotations.videos) if annotations.videos else None
        self._files: Sequence[FileClips]
        if size.whole_rows:
            self._files = [WholeRows(Path(file), videos, size.seconds, say) for file in annotations.files]
        else:
            self._files = cut = [CutRows(Path(file), videos, size, skipped) for file in annotations.files]
            self.left_out = sum(file.left_out for file in cut)
            if self.left_out and not any(map(len, cut)):
                raise InputError(
                    f"Each of the {self.left_out} windows in the annotation files has fewer than "
                    f"{size.words_per_second:g} words a second.",
                    "Lower windows.words_per_second.",
                )
        times = [len(file) * weight for file, (_, weight) in zip(self._files, annotations.weighted, strict=True)]
        self._stops = [*accumulate(times)]
        if not self.epoch:
            raise InputError("The annotation files hold no window.", "Check data.annotations.files and [windows].")
        self._size, self._seed = size, recipe.data.seed
        self._order: tuple[int, NDArray[np.int64]] = -1, np.empty(0, np.int64)  # (epoch, order)

    def __len__(self) -> int:
        return sum(map(len, self._files))

    @property
    def epoch(self) -> int:
        """The number of windows per epoch."""
        return self._stops[-1]

    def told(self, skipped: int) -> str:
        """A message: the number of windows, also per epoch if that differs, and of records skipped."""
        least = self._size.words_per_second
        epoch = f", {self.epoch} an epoch" if self.epoch != len(self) else ""
        if self._size.whole_rows:
            return f"{len(self)} windows{epoch}"
        left_out = f", {self.left_out} left out with fewer than {least:g} words a second" if least else ""
        return f"{len(self)} windows{epoch}{left_out}, {skipped} records skipped"

    def at(self, place: int) -> tuple[FileClips, int]:
        """The window at a place in the run, counted over all epochs: its file, and its index there."""
        epoch, index = divmod(place, self.epoch)
        if self._order[0] != epoch:
            self._order = epoch, np.random.default_rng([self._seed, 2, epoch]).permutation(self.epoch)
        drawn = int(self._order[1][index])
        part = bisect_right(self._stops, drawn)
        return self._files[part], (drawn - (self._stops[part - 1] if part else 0)) % len(self._files[part])


def with_counted_steps(recipe: Recipe) -> Recipe:
    """The recipe with `steps` computed from its epochs, by counting records, or reading them to cut windows."""
    if not recipe.optimisation.epochs:
        return recipe
    return recipe.with_counted_steps(Clips(recipe, Skipped(sys.maxsize, to_nobody), to_nobody).epoch)


def _cut(record: Record, size: WindowRecipe) -> Iterator[Clip]:
    spoken = [second_of(word.end_s, record.start_s) for word in record.words]
    length = math.ceil(record.end_s - record.start_s)
    for seconds in windows(length, length=size.seconds, overlap=size.overlap_seconds):
        yield Clip(record, seconds, sum(second in seconds for second in spoken))
