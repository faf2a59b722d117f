"""Counts all windows: kept, held out, or left out and why; with statistics of the kept ones."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from svlm_cli.curation.histogram import Histogram
from svlm_cli.curation.windows import LeftOut, SpokenWindow

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


@dataclass(slots=True)
class Likeness:
    """Statistics of windows."""

    words_per_second: Histogram = field(default_factory=lambda: Histogram(0.1))
    silence_s: Histogram = field(default_factory=lambda: Histogram(0.5))
    seconds: Histogram = field(default_factory=lambda: Histogram(1.0))

    def add(self, window: SpokenWindow) -> None:
        """Add a window."""
        self.words_per_second.add(window.words_per_second)
        self.silence_s.add(window.silence_s)
        self.seconds.add(window.seconds)

    def named(self) -> dict[str, Histogram]:
        """Each histogram by name."""
        return {
            "words a second": self.words_per_second,
            "longest silence, s": self.silence_s,
            "length, s": self.seconds,
        }


@dataclass(slots=True)
class WindowsReport:
    """Updated with every window."""

    videos: int = 0
    kept: int = 0  # including those held out
    held_out: int = 0
    words: int = 0  # in kept windows
    seconds: float = 0.0
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    before: Likeness = field(default_factory=Likeness)  # of all windows
    after: Likeness = field(default_factory=Likeness)  # of kept windows

    @property
    def windows(self) -> int:
        """The total."""
        return self.kept + self.left_out.total()

    def note(self, window: SpokenWindow, reason: LeftOut | None, *, held_out: bool) -> None:
        """Add a window, with the reason if it is left out."""
        self.before.add(window)
        if reason is not None:
            self.left_out[reason] += 1
            return
        self.kept += 1
        self.held_out += held_out
        self.words += len(window.words)
        self.seconds += window.seconds
        self.after.add(window)

    def tables(self) -> list[Table]:
        """Tables for people: counts and statistics."""
        fates = [
            ("kept", self.kept - self.held_out),
            *([("kept, held out", self.held_out)] if self.held_out else []),
            *((str(reason), self.left_out[reason]) for reason in LeftOut if self.left_out[reason]),
            ("all", self.windows),
        ]
        fate: list[tuple[str, ...]] = [
            (name, f"{count:,}", f"{count / max(self.windows, 1):.1%}") for name, count in fates
        ]
        like: list[tuple[str, ...]] = [
            (name, *(_shown(one) for one in (histogram.mean, *(histogram.at(share) for share in (0.05, 0.5, 0.95)))))
            for name, histogram in self.after.named().items()
            if histogram.count
        ]
        return [
            (("windows", "count", "share"), fate),
            *([(("of those kept", "mean", "5 %", "median", "95 %"), like)] if like else []),
        ]

    def to_json(self) -> dict[str, Any]:
        """A summary for programs."""
        return {
            "videos": self.videos,
            "windows": self.windows,
            "kept": self.kept,
            "held_out": self.held_out,
            "left_out": {reason.name.lower(): self.left_out[reason] for reason in LeftOut},
            "words": self.words,
            "seconds": round(self.seconds, 3),
            "words_per_second": self.after.words_per_second.to_json(),
            "silence_s": self.after.silence_s.to_json(),
            "window_s": self.after.seconds.to_json(),
        }


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
