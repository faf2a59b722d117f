"""Asks questions about clips: sampled frames and the question, prefilled together with full attention.

Frames are prefetched by threads; clips are processed one by one. Knows neither benchmarks nor streams.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import TypeVar

from svlm_cli.core.errors import CapacityError, InputError, SvlmError, UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.text import plain_text
from svlm_cli.core.types import Chunk
from svlm_cli.engine.engine import Engine
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.asked import NEARLY_S, AskedQuestion, WayRun, too_short
from svlm_cli.evals.vqa.interview import clip_respondent, never_said
from svlm_cli.evals.vqa.results import VqaResult
from svlm_cli.evals.vqa.ways import WaySetting
from svlm_cli.questions.question import AnswerKind
from svlm_cli.sources.moments import StillsOf
from svlm_cli.sources.pictures import PictureFolder

Item = TypeVar("Item")
Read = TypeVar("Read")
Stills = StillsOf | PictureFolder
Opened = tuple[Stills, Chunk | None]
"""A video, and the clip in question, unless each moment has its own."""


class ClipAsking:
    """A run over clips. Call `ask`."""

    def __init__(self, engine: Engine, way: WayRun) -> None:
        self._engine, self._way = engine, way

    def ask(self, asked: Sequence[AskedQuestion], *, readers: int) -> None:
        """Answer all, reading `readers` clips at a time. An error in one video does not affect the others.

        Raises `OutputError` if an answer cannot be written.
        """
        with closing(read_ahead(same_clips(asked), self._open, readers)) as coming:
            for group, opened in coming:
                self._answer_all(group, opened)

    def _open(self, group: list[AskedQuestion]) -> Opened:
        """Raises `InputError`."""
        footage = group[0].footage
        stills = open_stills(footage, self._engine.policy)
        proactive = group[0].question.kind is AnswerKind.PROACTIVE
        return stills, None if proactive else clip_of(stills, footage, self._way.setting, footage.end_s)

    def _answer_all(self, group: list[AskedQuestion], opened: Future[Opened]) -> None:
        """Answer the questions about one clip."""
        try:
            stills, clip = opened.result()
        except SvlmError as error:
            self._way.fail([one.question for one in group], error)
            return
        end_s = group[0].footage.end_s
        if end_s is not None and stills.end_s < end_s - NEARLY_S:
            self._way.notice(too_short(group[0].footage))
        for one in group:
            try:
                result = self._each_second(one, stills) if clip is None else self._once(one.question, clip)
            except (InputError, UsageError, CapacityError) as error:
                self._way.fail([one.question], error)
            else:
                self._way.take(result)

    def _once(self, question: VideoQuestion, clip: Chunk) -> VqaResult:
        respond = clip_respondent(self._engine, clip)
        return self._way.interview.answer(self._engine, question, self._way.setting.way, respond)

    def _each_second(self, asked: AskedQuestion, stills: Stills) -> VqaResult:
        """Ask with a new clip each second, until the model says it is time."""
        question, way = asked.question, self._way
        for at_s in question.moments():
            respond = clip_respondent(self._engine, clip_of(stills, asked.footage, way.setting, at_s))
            result = way.interview.answer_at(question, way.setting.way, at_s, respond)
            if result is not None:
                return result
        return never_said(question, way.setting.way)


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Read], readers: int
) -> Generator[tuple[Item, Future[Read]], None, None]:
    """Each item and what was read of it; `readers` threads read ahead."""
    left, waiting = iter(items), deque[tuple[Item, Future[Read]]]()
    pool = ThreadPoolExecutor(readers, "clips")
    try:
        while True:
            more = islice(left, readers + 1 - len(waiting))
            waiting.extend((item, pool.submit(read, item)) for item in more)
            if not waiting:
                return
            yield waiting.popleft()
    finally:
        pool.shutdown(cancel_futures=True)


def open_stills(footage: Footage, policy: StreamPolicy) -> Stills:
    """A source of single pictures of a video. Raises `InputError`."""
    if footage.frames_fps is not None:
        return PictureFolder(footage.path, footage.frames_fps)
    return StillsOf(footage.path, enough_pixels=policy.vision.enough_pixels)


def same_clips(asked: Sequence[AskedQuestion]) -> list[list[AskedQuestion]]:
    """Group questions about the same frames, to read these once. A proactive question has its own clips."""
    found: dict[tuple[str, float | None, float | None, str], list[AskedQuestion]] = defaultdict(list)
    for one in asked:
        footage, alone = one.footage, one.question.id if one.question.kind is AnswerKind.PROACTIVE else ""
        found[str(footage.path), footage.start_s, footage.end_s, alone].append(one)
    return [*found.values()]


def clip_of(stills: Stills, footage: Footage, setting: WaySetting, end_s: float | None) -> Chunk:
    """What may be seen up to `end_s`, or to the end of the video. Raises `InputError`."""
    start_s = max(footage.start_s or 0.0, stills.first_s)
    end_s = stills.end_s if end_s is None else min(end_s, stills.end_s)
    if end_s <= start_s:  # less than a frame: use the picture on screen
        name = plain_text(str(footage.path))
        raise InputError(f"{name} has no pictures from {start_s:g} s to {end_s:g} s.", "Fetch it again.")
    moments = setting.moments(start_s, end_s)
    return Chunk(stills.at(moments), moments.start_s, moments.end_s)
