"""The loop: one feed or many, files or endless, and one that fails among others that do not."""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, OutputError, SvlmError
from svlm_cli.core.policy import Mode
from svlm_cli.core.types import Chunk, Segment, TokenEvent
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import NO_QUESTIONS, Questions
from svlm_cli.engine.stream import StreamState
from svlm_cli.outputs.output import Round
from svlm_cli.pipeline.asking import Schedule
from svlm_cli.pipeline.inbox import READ_AHEAD_CHUNKS, Inbox
from svlm_cli.pipeline.questions import Question, QuestionDesk, Reply
from svlm_cli.pipeline.run import Feed, FeedReport, Live, run, with_latency
from tests.engine.conftest import Parts, make_chunks, parts, small_policy

__all__ = ["parts"]  # the fixture


@dataclass(slots=True, eq=False)
class Kept:
    """An output that keeps what it is given, and fails when it is told to."""

    segments: list[Segment] = field(default_factory=list)
    closed: int = 0
    complete: bool | None = None
    fails_at: int = -1

    def write(self, segment: Round) -> None:
        assert isinstance(segment, Segment), "from an engine here"
        if len(self.segments) == self.fails_at:
            raise OutputError("The disk is full.")
        self.segments.append(segment)

    def close(self, *, complete: bool = True) -> None:
        self.closed += 1
        self.complete = complete


def feed(name: str, chunks: Iterator[Chunk], output: Kept, seed: int = 0) -> Feed:
    return Feed(name, chunks, lambda: None, lambda: [output], seed=seed)


def broken(after: int, error: Exception) -> Iterator[Chunk]:
    yield from make_chunks(after)
    raise error


def texts(kept: Kept) -> list[tuple[int, ...]]:
    return [segment.token_ids for segment in kept.segments]


def test_text_does_not_depend_on_who_else_runs(parts: Parts) -> None:
    policy = small_policy(temperature=0.9)
    lengths = [12, 5, 9, 7]
    alone = []
    for i, length in enumerate(lengths):
        kept = Kept()
        list(run(parts.engine(policy), [feed("a", iter(make_chunks(length, seed=i)), kept, seed=i)]))
        alone.append(texts(kept))
    together = [Kept() for _ in lengths]
    feeds = (feed(str(i), iter(make_chunks(n, seed=i)), together[i], seed=i) for i, n in enumerate(lengths))
    reports = list(run(parts.engine(policy, streams=3), feeds, max_streams=3))
    assert [texts(kept) for kept in together] == alone
    assert sorted(report.rounds for report in reports) == sorted(lengths)
    assert all(kept.closed == 1 for kept in together)


def test_listeners_hear_a_round_as_it_happens(parts: Parts) -> None:
    """What it shows before any word of it, each token at once, the words last: a screen shows all three."""
    chunks, heard = make_chunks(4), list[Chunk | TokenEvent | Segment]()
    list(
        run(
            parts.engine(small_policy()), [feed("a", iter(chunks), Kept())], listen=lambda _, event: heard.append(event)
        )
    )
    kinds = "".join(type(event).__name__[0] for event in heard)
    assert re.fullmatch("(CT+S){4}", kinds), kinds
    assert [event for event in heard if isinstance(event, Chunk)] == chunks


def test_one_feeds_failure_touches_no_other(parts: Parts) -> None:
    """A source that breaks, an output that is full, a stream without room: each ends alone, its words kept."""
    good, bad_source, bad_output = Kept(), Kept(), Kept(fails_at=2)
    feeds = [
        feed("source", broken(3, InputError("The file is broken.")), bad_source),
        feed("good", iter(make_chunks(8)), good),
        feed("output", iter(make_chunks(8)), bad_output),
    ]
    engine = parts.engine(small_policy(), streams=3)
    reports = {report.feed.name: report for report in run(engine, feeds, max_streams=3)}
    assert reports["good"].error is None
    assert len(good.segments) == 8
    assert isinstance(reports["source"].error, InputError)
    assert len(bad_source.segments) == 3
    assert isinstance(reports["output"].error, OutputError)
    assert len(bad_output.segments) == 2
    assert good.closed == bad_source.closed == bad_output.closed == 1


def test_a_full_stream_ends_alone(parts: Parts) -> None:
    policy = small_policy(mode=Mode.FULL)
    policy = replace(policy, windows=replace(policy.windows, full_tokens=300))
    short, long = Kept(), Kept()
    feeds = [feed("long", iter(make_chunks(40)), long), feed("short", iter(make_chunks(3)), short)]
    reports = {report.feed.name: report for report in run(parts.engine(policy, streams=2), feeds, max_streams=2)}
    assert "room for 300" in str(reports["long"].error)
    assert reports["short"].error is None
    assert len(short.segments) == 3


def test_a_source_that_fails_at_once_opens_no_output(parts: Parts) -> None:
    opened = []

    def outputs() -> Sequence[Kept]:
        opened.append(True)
        return [Kept()]

    (report,) = run(
        parts.engine(small_policy()), [Feed("a", broken(0, InputError("No video.")), lambda: None, outputs)]
    )
    assert isinstance(report.error, InputError)
    assert not opened


def endless(closed: threading.Event) -> Iterator[Chunk]:
    chunk = make_chunks(1)[0]
    second = 0
    while not closed.is_set():
        yield replace(chunk, start_s=float(second), end_s=second + 1.0)
        second += 1


def test_an_endless_source_is_left_in_order(parts: Parts) -> None:
    """Interrupted, the source is closed, its thread ends, and the output is finished."""
    closed = threading.Event()
    kept = Kept()

    def stop(_feed: Feed, event: object) -> None:
        if isinstance(event, Segment) and event.round == 4:
            raise KeyboardInterrupt

    endless_feed = Feed("camera", endless(closed), closed.set, lambda: [kept])
    with pytest.raises(KeyboardInterrupt):
        list(run(parts.engine(small_policy()), [endless_feed], listen=stop))
    assert kept.closed == 1
    assert len(kept.segments) == 4
    assert not [thread for thread in threading.enumerate() if thread.name == "svlm-source"]


def test_reading_ahead_is_bounded() -> None:
    """Guards memory: a slow model holds its source back."""
    taken = []

    def chunks() -> Iterator[Chunk]:
        for chunk in make_chunks(50):
            taken.append(chunk)
            yield chunk

    inbox: Inbox[str] = Inbox()
    inbox.add("a", chunks(), lambda: None)
    inbox.wait()
    time.sleep(0.2)
    assert len(taken) <= READ_AHEAD_CHUNKS + 1
    inbox.remove("a")


def test_an_unforeseen_error_of_a_source_resurfaces(parts: Parts) -> None:
    """A bug in a reader's thread must not look like the end of the video."""
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        list(run(parts.engine(small_policy()), [feed("a", broken(2, ZeroDivisionError()), kept)]))
    assert kept.closed == 1


def test_a_slow_source_does_not_hold_up_a_fast_one(parts: Parts) -> None:
    gate = threading.Event()

    def slow() -> Iterator[Chunk]:
        yield make_chunks(1)[0]
        gate.wait(60)
        yield from make_chunks(1)

    fast, waiting = Kept(), Kept()

    def listen(_feed: Feed, _event: object) -> None:
        if len(fast.segments) == 6:
            gate.set()

    feeds = [feed("slow", slow(), waiting), feed("fast", iter(make_chunks(8)), fast)]
    list(run(parts.engine(small_policy(), streams=2), feeds, max_streams=2, listen=listen))
    assert gate.is_set()
    assert len(waiting.segments) == 2
    assert len(fast.segments) == 8


def test_behind_a_live_source_the_newest_is_seen_and_the_rest_counted(parts: Parts) -> None:
    """A model that is too slow must stay near the present, and say what it left out."""
    kept = Kept()
    all_shown = threading.Event()

    def shown() -> Iterator[Chunk]:
        yield from make_chunks(20)
        all_shown.set()

    def listen(_feed: Feed, event: object) -> None:
        if isinstance(event, Segment):
            assert all_shown.wait(60)

    live = Live(now_s=lambda: 100.0)
    camera = Feed("camera", shown(), lambda: None, lambda: [kept], live=lambda: live)
    (report,) = run(parts.engine(small_policy()), [camera], listen=listen)
    frames = sum(len(chunk.frames) for chunk in make_chunks(20))
    seen = sum(len(make_chunks(20)[round(segment.start_s)].frames) for segment in kept.segments)
    assert report.dropped > 0
    assert report.dropped + seen == frames
    assert kept.segments[-1].start_s == make_chunks(20)[-1].start_s, "the newest is never dropped"


def test_a_live_source_may_be_held_back_instead(parts: Parts) -> None:
    kept = Kept()
    live = Live(now_s=lambda: 0.0, drops=False)
    feeds = [Feed("camera", iter(make_chunks(10)), lambda: None, lambda: [kept], live=lambda: live)]
    (report,) = run(parts.engine(small_policy()), feeds)
    assert (report.rounds, report.dropped) == (10, 0)


def test_latency_is_counted_from_the_newest_frame(parts: Parts) -> None:
    policy = small_policy()
    kept = Kept()
    live = Live(now_s=lambda: 7.0, drops=False)
    (report,) = run(
        parts.engine(policy), [Feed("a", iter(make_chunks(2)), lambda: None, lambda: [kept], live=lambda: live)]
    )
    newest_s = make_chunks(1)[0].end_s - 1 / policy.vision.fps
    assert kept.segments[0].latency_s == pytest.approx(7.0 - newest_s)
    assert report.latency.count == 2


def test_a_whole_round_has_a_latency_and_a_short_one_none() -> None:
    """Guards against rounds that lose it to rounding: 4.1 - 3.1 is less than 1."""
    live = Live(now_s=lambda: 7.0)
    policy = small_policy()
    assert policy.chunk_seconds == 1 > 4.1 - 3.1
    whole, short = (Segment(0, 0, 3.1, end_s, "", (), 0.0) for end_s in (4.1, 3.1 + 1 - 1 / policy.vision.fps))
    assert with_latency(whole, live, policy).latency_s == pytest.approx(7.0 - (4.1 - 1 / policy.vision.fps))
    assert with_latency(short, live, policy).latency_s is None


@pytest.mark.parametrize("resets", [True, False])
def test_a_gap_may_end_what_is_remembered(parts: Parts, resets: bool) -> None:
    """After a reset the words are those of a stream that begins there."""
    chunks = make_chunks(6)
    chunks[3] = replace(chunks[3], gap_s=5.0)
    whole, rest = Kept(), Kept()
    live = Live(now_s=lambda: 0.0, drops=False, resets=resets)
    (report,) = run(
        parts.engine(small_policy()), [Feed("a", iter(chunks), lambda: None, lambda: [whole], live=lambda: live)]
    )
    assert report.gap_s == 5.0
    assert report.video_s == sum(chunk.end_s - chunk.start_s for chunk in chunks)
    list(run(parts.engine(small_policy()), [feed("b", iter(chunks[3:]), rest)]))
    assert (texts(whole)[3:] == texts(rest)) is resets
    assert [segment.round for segment in whole.segments] == ([0, 1, 2, 0, 1, 2] if resets else [0, 1, 2, 3, 4, 5])


def test_a_question_is_answered_while_the_source_is_silent(parts: Parts) -> None:
    """Guards whoever asks a camera that shows nothing at the moment; and the words, which are as if nobody had."""
    policy = small_policy(temperature=0.9)

    def captioned(questions: Questions, desk: QuestionDesk, more: Callable[[], object]) -> list[str]:
        def shown() -> Iterator[Chunk]:
            for index, chunk in enumerate(make_chunks(6)):
                if index == 4:
                    more()
                yield chunk

        engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, policy, max_streams=1, questions=questions)
        kept = Kept()
        list(run(engine, [feed("a", shown(), kept)], desk=desk))
        return [one.text for one in kept.segments]

    told: queue.Queue[Reply | SvlmError] = queue.Queue()
    desk = QuestionDesk()

    def asks_and_waits() -> None:
        desk.leave("a", Question("Who has the ball?"), told.put)
        answer = told.get(timeout=60)
        assert isinstance(answer, Reply)
        assert answer.seen_s > 0

    asked = captioned(Questions(forks=1, answer_tokens=8), desk, asks_and_waits)
    assert asked == captioned(NO_QUESTIONS, QuestionDesk(), lambda: None)


def test_a_question_that_cannot_be_answered(parts: Parts) -> None:
    """Of what is not there, and where no room was set aside: told, and nothing else."""
    told: list[Reply | SvlmError] = []
    desk = QuestionDesk()
    for name in ("a", "b"):
        desk.leave(name, Question("Who?"), told.append)
    (report,) = run(parts.engine(small_policy()), [feed("a", iter(make_chunks(2)), Kept())], desk=desk)
    assert report.rounds == 2
    assert "forks of this engine" in str(told[0])
    assert "b has shown nothing yet" in str(told[1])


def test_interrupted_every_feed_is_reported(parts: Parts) -> None:
    """Ctrl-C is how a camera's run ends: its totals must be told then."""
    closed = threading.Event()
    reports: list[FeedReport] = []

    def stop(_feed: Feed, event: object) -> None:
        if isinstance(event, Segment) and event.round == 2:
            raise KeyboardInterrupt

    camera = Feed("camera", endless(closed), closed.set, lambda: [Kept()])
    with pytest.raises(KeyboardInterrupt):
        list(run(parts.engine(small_policy()), [camera], listen=stop, interrupted=reports.append))
    assert [(report.feed.name, report.rounds) for report in reports] == [("camera", 2)]


@pytest.mark.parametrize("saved_at", [None, 6])
def test_a_feed_goes_on_where_an_earlier_run_was_stopped(parts: Parts, tmp_path: Path, saved_at: int | None) -> None:
    """Guards a resumed generation: from a snapshot or from its start, what was said is said again and then goes on."""
    policy, chunks, whole, snapshot = small_policy(temperature=0.9), make_chunks(14), Kept(), tmp_path / "stream"
    engine = parts.engine(policy)

    def save(streams: Sequence[tuple[Feed, StreamState]]) -> None:
        for _, stream in streams:
            if stream.rounds == saved_at:
                engine.save(stream, snapshot)

    list(run(engine, [feed("a", iter(chunks), whole, seed=5)], between=save))
    first, kept = saved_at or 0, Kept()
    earlier = texts(whole)[first:9]
    resumed = replace(feed("a", iter(chunks[first:]), kept, seed=5), replayed=iter(earlier))
    list(run(engine, [resumed if saved_at is None else replace(resumed, snapshot=snapshot)]))
    assert texts(kept) == texts(whole)[first:]
    assert [one.round for one in kept.segments] == list(range(first, len(chunks)))


def test_a_feed_whose_snapshot_is_of_no_use_fails_alone(parts: Parts, tmp_path: Path) -> None:
    """Guards the others of a batch, and the slot."""
    good, bad = Kept(), Kept()
    feeds = [
        replace(feed("bad", iter(make_chunks(3)), bad), snapshot=tmp_path / "missing"),
        feed("good", iter(make_chunks(3)), good),
    ]
    failed, fine = run(parts.engine(small_policy()), feeds)
    assert isinstance(failed.error, InputError)
    assert fine.error is None
    assert (len(bad.segments), len(good.segments)) == (0, 3)


def test_questions_in_passing_are_answered_as_if_each_was_asked_alone(parts: Parts) -> None:
    """Guards one stream that answers all questions about a video: nobody notices that others were asked."""
    room = Questions(forks=1, answer_tokens=5)
    chunks, who, why = make_chunks(12), Question("Who has the ball?"), Question("Why?")

    def heard(asked: Sequence[tuple[float, Question]]) -> tuple[list[tuple[float, str, str]], list[tuple[int, ...]]]:
        engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, small_policy(), questions=room)
        replies, kept = list[Reply](), Kept()
        schedule = Schedule(engine, asked, replies.append)
        list(run(engine, [replace(feed("a", iter(chunks), kept), before=schedule.before)]))
        assert schedule.done
        return [(one.seen_s, one.question.text, one.text) for one in replies], texts(kept)

    times = [(9.5, who), (3.0, why), (9.5, why), (0.2, who), (99.0, who)]
    together, words = heard(times)
    alone = [heard([one]) for one in sorted(times, key=lambda one: one[0])]
    assert together == [reply for replies, _ in alone for reply in replies]
    assert [seen_s for seen_s, _, _ in together] == [1.0, 3.0, 9.0, 9.0, 12.0]
    assert all(said == words for _, said in alone)
