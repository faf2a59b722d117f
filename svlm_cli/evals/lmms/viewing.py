"""Shows the video of each request: clips that are prefetched, or streams that are asked in passing.

Like ``svlm eval vqa``, but without its questions and results: the caller supplies what to ask and handles answers.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Generic, TypeVar

from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.core.types import Chunk
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.stream import StreamState
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.lmms.messages import Asked
from svlm_cli.evals.lmms.speaking import Witness
from svlm_cli.evals.vqa.asked import NEARLY_S, too_short
from svlm_cli.evals.vqa.clips import clip_of, open_stills, read_ahead
from svlm_cli.evals.vqa.streams import stream_seed
from svlm_cli.evals.vqa.watching import Watching
from svlm_cli.evals.vqa.ways import WaySetting
from svlm_cli.pipeline.asking import Appointments
from svlm_cli.pipeline.run import Feed, run

Done = TypeVar("Done")
Numbered = tuple[int, Asked]


class Viewing(Generic[Done]):
    """Shows the videos of requests to one engine. Call `see`."""

    def __init__(
        self,
        engine: Engine,
        setting: WaySetting,
        ask: Callable[[Witness, int], Done],
        notice: Callable[[str], None],
    ) -> None:
        """`ask` gets a request's index; `notice` gets sentences about videos."""
        self._engine, self._setting, self._ask, self._notice = engine, setting, ask, notice

    def see(self, asked: Sequence[Numbered], jobs: int) -> Iterator[tuple[int, Done]]:
        """The result of each request, as they arrive. Raises `InputError` for the first unreadable video."""
        return self._streams(asked, jobs) if self._setting.way.streams else self._clips(asked, jobs)

    def _clips(self, asked: Sequence[Numbered], jobs: int) -> Iterator[tuple[int, Done]]:
        """Frames are read once for all questions about them."""
        groups: dict[tuple[str, float | None, float | None], list[Numbered]] = defaultdict(list)
        for number, one in asked:
            groups[str(one.footage.path), one.footage.start_s, one.footage.end_s].append((number, one))
        with closing(read_ahead(groups.values(), self._read, jobs)) as coming:
            for group, read in coming:
                clip, video_s = read.result()
                self._tell_short(group[0][1].footage, video_s)
                for number, _ in group:
                    with self._engine.open() as stream:
                        yield number, self._ask(Witness(self._engine, stream, clip), number)

    def _read(self, group: list[Numbered]) -> tuple[Chunk, float]:
        """The clip, and the duration of the video."""
        footage = group[0][1].footage
        stills = open_stills(footage, self._engine.policy)
        return clip_of(stills, footage, self._setting, footage.end_s), stills.end_s

    def _tell_short(self, footage: Footage, end_s: float) -> None:
        """Report a video that ends at `end_s`, before its questions."""
        if footage.end_s is not None and end_s < footage.end_s - NEARLY_S:
            self._notice(too_short(footage))

    def _streams(self, asked: Sequence[Numbered], jobs: int) -> Iterator[tuple[int, Done]]:
        """One stream for all questions about a video with the same start."""
        groups: dict[tuple[str, float], list[Numbered]] = defaultdict(list)
        for number, one in asked:
            groups[str(one.footage.path), one.footage.start_s or 0.0].append((number, one))
        watched = [_Watched(self._engine, self._ask, group) for group in groups.values()]
        watched.sort(key=lambda one: one.length_s, reverse=True)
        by_name = {one.name: one for one in watched}
        feeds = (one.feed(self._setting.seed) for one in watched)
        with closing(run(self._engine, feeds, max_streams=jobs)) as reports:
            for report in reports:
                seen = by_name.pop(report.feed.name)
                for line in seen.watching.notices:
                    self._notice(line)
                if len(seen.done) < len(seen.asked):
                    name = plain_text(str(seen.watching.footage.path))
                    raise report.error or InputError(f"{name} ends too early.", "Fetch it again.")
                self._tell_short(seen.latest, (seen.latest.start_s or 0.0) + report.video_s)
                yield from seen.done


class _Watched(Generic[Done]):
    """A video from one start on, and its questions."""

    def __init__(self, engine: Engine, ask: Callable[[Witness, int], Done], asked: list[Numbered]) -> None:
        self._engine, self._ask, self.asked = engine, ask, asked
        self.done: list[tuple[int, Done]] = []
        self.watching = Watching(asked[0][1].footage, max(_moment(one) for _, one in asked))

    @property
    def name(self) -> str:
        """Unique within a run."""
        return f"{self.watching.footage.path} {self.watching.footage.start_s or 0.0}"

    @property
    def latest(self) -> Footage:
        """The footage of the last question."""
        return max(self.asked, key=lambda one: _moment(one[1]))[1].footage

    @property
    def length_s(self) -> float:
        """Used to start the longest first, so that none runs alone at the end."""
        return self.watching.last_s - (self.watching.footage.start_s or 0.0)

    def feed(self, seed: int) -> Feed:
        """The stream's feed."""
        footage = self.watching.footage
        due = [(_moment(one), self._asking(number, _moment(one))) for number, one in self.asked]
        return Feed(
            self.name,
            self.watching.chunks(self._engine.policy),
            self.watching.close,
            tuple,
            seed=stream_seed(seed, footage.path.name, footage),
            before=Appointments(due).before,
        )

    def _asking(self, number: int, at_s: float) -> Callable[[StreamState], None]:
        def act(stream: StreamState) -> None:
            if self.watching.unseen(at_s, stream.end_s):
                return
            with self._engine.fork(stream) as fork:
                self.done.append((number, self._ask(Witness(self._engine, fork, None), number)))

        return act


def _moment(asked: Asked) -> float:
    """The time of the question."""
    return math.inf if asked.footage.end_s is None else asked.footage.end_s
