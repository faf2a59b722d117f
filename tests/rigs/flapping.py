"""Healthy cameras, all of one server that costs nothing, beside one that is killed and started again at random.

What happens to that one is no affair of the others: that is what is looked at. Knows no engine and no source.
"""

import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.rigs.camera import RtspServer
from tests.rigs.disturbed import WORDS_WITHIN_S, Load
from tests.rigs.observed import Health, Observed, rounds

FLAPPING = "flapping"
_LOOK_S = 0.25
_FIRST_S = 15.0  # everything works before anything is disturbed
_AWAY_S = (1.0, 15.0)
_THERE_S = (5.0, 20.0)
_LAST_S = 20.0  # nothing new begins so shortly before the end
_RECONNECTED = "connected again"


@dataclass(frozen=True, slots=True)
class Captioned:
    """How one camera went."""

    name: str
    rounds: int
    words: int
    gaps: int
    dropped: int
    latency_longest_s: float
    reconnects: int


@dataclass(slots=True)
class Return:
    """Once that the camera was away. Times are seconds since the run began."""

    at_s: float
    away_s: float
    words_after_s: float | None = None  # from its end to the next words


@dataclass(slots=True, kw_only=True)
class Flapping(Health):
    """What was seen."""

    minutes: float
    seed: int
    cameras: list[Captioned] = field(default_factory=list)  # the flapping one last
    returns: list[Return] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)  # lines that are none, or several
    faults: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """What is not as it must be, in sentences."""
        found = [*self.faults, *self.unwell]
        found += [f"{one.name} said nothing at all" for one in self.cameras if not one.words]
        found += [
            f"{one.name} had {one.gaps} gaps and was connected again {one.reconnects} times"
            for one in self.cameras
            if one.name != FLAPPING and (one.gaps or one.reconnects)
        ]
        found += [
            f"after {one.away_s:.0f} s away at {one.at_s:.0f} s words came only after {one.words_after_s} s"
            for one in self.returns
            if not (one.words_after_s or WORDS_WITHIN_S + 1) <= WORDS_WITHIN_S
        ]
        if self.torn:
            found.append(f"{len(self.torn)} lines are torn, the first: {self.torn[0]}")
        return found


def measure(load: Load, healthy: int, folder: Path, progress: Callable[[str], None] = lambda line: None) -> Flapping:
    """Let svlm watch so many healthy cameras and the other one, in `folder`, which is empty, and look at it."""
    result = Flapping(minutes=load.minutes, seed=load.seed)
    names = [f"healthy{number}" for number in range(1, healthy + 1)]
    with RtspServer(load.pictures) as steady, RtspServer(load.pictures) as flapping:
        arguments = [steady.url] * healthy + [flapping.url]
        arguments += [part for name in (*names, FLAPPING) for part in ("--name", name)]
        arguments += ["-f", "srt,jsonl", *load.arguments]
        with Observed(arguments, folder, minutes=load.minutes) as observed:
            _watch(result, observed, flapping, folder, progress)
            observed.stop(result)
            told = observed.told()
    result.cameras = [_captioned(folder, name, told) for name in (*names, FLAPPING)]
    result.torn = torn_lines(told, (*names, FLAPPING))
    return result


def _watch(
    result: Flapping, observed: Observed, server: RtspServer, folder: Path, progress: Callable[[str], None]
) -> None:
    """Until the time is over, and the last return has been followed by words."""
    chance = random.Random(result.seed)
    next_s, back_s, served_again = _FIRST_S, None, None
    while observed.now_s < observed.until_s or (served_again and observed.now_s < observed.until_s + WORDS_WITHIN_S):
        time.sleep(_LOOK_S)
        if observed.ended is not None:
            result.faults.append(f"it ended by itself, with {observed.ended}")
            return
        observed.look(steady=back_s is None and served_again is None)
        now_s = observed.now_s
        if back_s is not None and now_s >= back_s:
            server.start()
            back_s, served_again = None, time.time()
        elif served_again is not None and _spoke_since(folder, served_again):
            result.returns[-1].words_after_s = round(time.time() - served_again, 2)
            progress(f"words {result.returns[-1].words_after_s} s after its return")
            served_again, next_s = None, now_s + chance.uniform(*_THERE_S)
        elif back_s is None and served_again is None and next_s <= now_s < observed.until_s - _LAST_S:
            away_s = chance.uniform(*_AWAY_S)
            server.kill()
            back_s = now_s + away_s
            result.returns.append(Return(round(now_s, 1), round(away_s, 1)))
            progress(f"{FLAPPING} is away for {away_s:.1f} s")


def _spoke_since(folder: Path, since: float) -> bool:
    return any(row["text"].strip() and row["wall_clock_s"] >= since for row in rounds(folder, FLAPPING, newest=2))


def _captioned(folder: Path, name: str, told: Sequence[str]) -> Captioned:
    rows = rounds(folder, name)
    return Captioned(
        name,
        rounds=len(rows),
        words=sum(len(row["text"].split()) for row in rows),
        gaps=sum("gap_s" in row for row in rows),
        dropped=sum(row.get("dropped", 0) for row in rows),
        latency_longest_s=max((row.get("latency_s", 0.0) for row in rows), default=0.0),
        reconnects=sum(line.startswith(f"svlm: {name}: {_RECONNECTED}") for line in told),
    )


def torn_lines(lines: Sequence[str], names: Sequence[str]) -> list[str]:
    """Those that do not begin as a line does, or in whose middle another one begins."""
    name = "|".join(map(re.escape, names))
    beginning = re.compile(rf"(?:svlm: )?(?:{name}) (?:\[\d+:\d\d:\d\d\]|->) |svlm: ")
    return [line for line in lines if not beginning.match(line) or len(beginning.findall(line)) != 1]
