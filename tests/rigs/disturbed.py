"""A camera that is killed, stopped, disturbed and resized at random for as long as wanted, and svlm watching it.

Both run in processes of their own; here is only what disturbs the one and looks at the other: its memory, its files,
when it speaks again. Knows no engine and no source.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.rigs.camera import RtspServer
from tests.rigs.observed import Health, Observed, median, rounds
from tests.rigs.validity import jsonl_faults, srt_faults

WORDS_WITHIN_S = 12.0  # of the server serving again
_LOOK_S = 0.25
_SIZES = ((224, 112), (320, 240), (448, 224), (160, 120))


@dataclass(frozen=True, slots=True)
class Load:
    """What is done to the camera."""

    minutes: float
    seed: int
    pictures: Path  # what it plays, as `RtspServer` wants it
    arguments: tuple[str, ...] = ()  # of `svlm caption`: the model, the context


@dataclass(slots=True)
class Disturbance:
    """One of them. Times are seconds since the soak began."""

    kind: str
    at_s: float
    lasts_s: float
    words_after_s: float | None = None  # of an outage: from its end to the next words


@dataclass(slots=True, kw_only=True)
class Soak(Health):
    """What was seen."""

    minutes: float
    seed: int
    disturbances: list[Disturbance] = field(default_factory=list)
    rounds: int = 0
    words: int = 0
    gaps: int = 0
    dropped: int = 0
    copies: int = 0  # of files, made at random moments and checked
    faults: list[str] = field(default_factory=list)
    latency_median_s: float = 0.0
    latency_longest_s: float = 0.0

    @property
    def failures(self) -> list[str]:
        """What is not as it must be, in sentences."""
        found = list(self.faults)
        found += [
            f"after the {one.kind} at {one.at_s:.0f} s words came only after {one.words_after_s} s"
            for one in self.disturbances
            if one.kind in ("kill", "stall") and not (one.words_after_s or WORDS_WITHIN_S + 1) <= WORDS_WITHIN_S
        ]
        found += self.unwell
        if not self.words:
            found.append("it said nothing at all")
        return found


def measure(load: Load, folder: Path, progress: Callable[[str], None] = lambda line: None) -> Soak:
    """Soak svlm in `folder`, which is empty, and look at it."""
    with RtspServer(load.pictures) as server:
        arguments = [server.url, "--name", "soak", "-f", "srt,jsonl"]
        arguments += ["--segment", "1m" if load.minutes < 10 else "5m", *load.arguments]
        with Observed(arguments, folder, minutes=load.minutes) as observed:
            run = _Run(load, folder, server, observed, progress)
            run.watch()
            observed.stop(run.soak)
    run.conclude()
    return run.soak


class _Run:
    """The state of one soak."""

    def __init__(
        self, load: Load, folder: Path, server: RtspServer, observed: Observed, progress: Callable[[str], None]
    ) -> None:
        self.soak = Soak(minutes=load.minutes, seed=load.seed)
        self.folder = folder
        self.server = server
        self.observed = observed
        self.progress = progress
        self.chance = random.Random(load.seed)
        self.until_s = load.minutes * 60
        self.outage: Disturbance | None = None  # that has not been followed by words yet
        self.served_again: float | None = None  # since when, on the clock of the wall
        self.undo: tuple[float, Callable[[], None]] | None = None

    @property
    def now_s(self) -> float:
        """Since the soak began."""
        return self.observed.now_s

    def watch(self) -> None:
        """Disturb and look, until the time is over and the last outage has been followed by words."""
        next_s = 15.0  # everything works before anything is disturbed
        next_copy_s = 5.0
        while self.now_s < self.until_s or ((self.undo or self.outage) and self.now_s < self.until_s + 60):
            time.sleep(_LOOK_S)
            if self.observed.ended is not None:
                self.soak.faults.append(f"it ended by itself, with {self.observed.ended}")
                return
            self.look()
            if self.undo is not None and self.now_s >= self.undo[0]:
                self.undo[1]()
                self.undo = None
                next_s = self.now_s + self.chance.uniform(8, 25)
            quiet = self.undo is None and self.outage is None
            if quiet and self.now_s >= next_s and self.now_s < self.until_s - 30:
                self.disturb()
            if self.now_s >= next_copy_s:
                self.check_copies()
                next_copy_s = self.now_s + self.chance.uniform(0.5, 10)

    def look(self) -> None:
        """One look at the process and at what it has said."""
        self.observed.look(steady=self.outage is None)
        if self.outage is not None and self.served_again is not None:
            since = self.served_again
            rows = rounds(self.folder, "soak", newest=2)
            if any(row["text"].strip() and row["wall_clock_s"] >= since for row in rows):
                self.outage.words_after_s = round(time.time() - since, 2)
                self.progress(f"words {self.outage.words_after_s} s after the {self.outage.kind}")
                self.outage = self.served_again = None

    def disturb(self) -> None:
        """Something happens to the camera."""
        kind = self.chance.choice(["kill", "kill", "stall", "stall", "noise", "size"])
        lasts_s = self.chance.uniform(1, 20)
        disturbance = Disturbance(kind, round(self.now_s, 1), round(lasts_s, 1))
        self.soak.disturbances.append(disturbance)
        self.progress(f"{kind} for {lasts_s:.1f} s")
        if kind == "size":
            width, height = self.chance.choice(_SIZES)
            self.server.order(f"size {width} {height}")
            disturbance.lasts_s = 0.0
            self.undo = (self.now_s, lambda: None)
        elif kind == "noise":
            self.server.order(f"noise {self.chance.choice([0.0001, 0.001, 0.01])}")
            self.undo = (self.now_s + lasts_s, lambda: self.server.order("noise 0"))
        else:
            self.outage = disturbance
            begin, finish = (
                (self.server.kill, self.server.start) if kind == "kill" else (self.server.stall, self.server.resume)
            )
            begin()
            self.undo = (self.now_s + lasts_s, lambda: self.serve_again(finish))

    def serve_again(self, finish: Callable[[], None]) -> None:
        """The outage is over."""
        finish()
        self.served_again = time.time()

    def check_copies(self) -> None:
        """Every file, as it is at this moment."""
        for path in self.folder.glob("soak*"):
            check = jsonl_faults if path.suffix == ".jsonl" else srt_faults
            self.soak.copies += 1
            faults = check(path.read_text(encoding="utf-8"))
            self.soak.faults += [f"{path.name} at {self.now_s:.0f} s: {fault}" for fault in faults[:3]]

    def conclude(self) -> None:
        """Count."""
        soak = self.soak
        self.check_copies()
        rows = rounds(self.folder, "soak")
        soak.rounds = len(rows)
        soak.words = sum(len(row["text"].split()) for row in rows)
        soak.gaps = sum("gap_s" in row for row in rows)
        soak.dropped = sum(row.get("dropped", 0) for row in rows)
        soak.latency_median_s = median([row["latency_s"] for row in rows if "latency_s" in row])
        soak.latency_longest_s = max((row.get("latency_s", 0.0) for row in rows), default=0.0)
