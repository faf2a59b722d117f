"""A worker in this process: files come while it works, and it tells what a session would."""

import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Never

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import CapacityError, InputError, ModelError, UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.evals.generation.stretches import StreamSeed, VideoStretch
from svlm_cli.fleet.messages import (
    FileEnded,
    FileHeard,
    FileOpened,
    Message,
    ModelOrder,
    StretchEnded,
    StretchSaid,
    WorkerOrder,
    WorkerReady,
    WorkerUnfit,
)
from svlm_cli.fleet.stretch_work import BegunStretch, StretchWork
from svlm_cli.fleet.video_work import VideoWork
from svlm_cli.fleet.worker import FleetWorker
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import Job, Target
from svlm_cli.pipeline.session import Session
from svlm_cli.pipeline.settings import SessionSettings
from tests.clips import make_clip

PATIENCE_S = 60.0


def order_for(checkpoint: Path, folder: Path, *, streams: int = 1) -> WorkerOrder:
    return WorkerOrder(
        ModelOrder(str(checkpoint), device="cpu"), StreamPolicy(), VideoWork(SessionSettings()), folder, streams
    )


def job_of(video: str, output: str) -> Job:
    return Job(SourceAddress(video), (Target(Format.SRT, Path(output)),))


@contextmanager
def working(order: WorkerOrder) -> Iterator[tuple[FleetWorker, Callable[[type[Message], int], list[Message]]]]:
    """A worker, and what waits until it has told so many messages of a kind; returns all that it has told."""
    told: list[Message] = []
    with closing(FleetWorker(pickle.loads(pickle.dumps(order)), cores=1, place="here")) as worker:

        def until(kind: type[Message], count: int) -> list[Message]:
            limit_s = time.monotonic() + PATIENCE_S
            while sum(isinstance(one, kind) for one in told) < count:
                assert time.monotonic() < limit_s, told
                told.extend(pickle.loads(pickle.dumps(worker.messages(0.1))))
            return told

        yield worker, until


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the worker goes, to be left afterwards."""
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "long.mp4", frames=12, fps="2")
    make_clip(tmp_path / "short.mp4", frames=4, fps="2")
    return tmp_path


def test_files_come_one_by_one(here: Path, tiny_checkpoint: Path) -> None:
    """Guards a worker that has two streams: the second file joins the first one's batch, a third comes after a rest."""
    with working(order_for(tiny_checkpoint, here, streams=2)) as (worker, until):
        assert until(WorkerReady, 1) == [WorkerReady(2, "here")]
        worker.take(1, job_of("long.mp4", "long.srt"))
        until(FileHeard, 1)
        worker.take(2, job_of("short.mp4", "short.srt"))
        told = until(FileEnded, 2)
        assert {one.lease for one in told if isinstance(one, FileOpened)} == {1, 2}
        assert [one.error for one in told if isinstance(one, FileEnded)] == [None, None]
        assert sum(isinstance(one, FileHeard) and one.lease == 1 for one in told) == 6, "a round a second"
        worker.take(3, job_of("short.mp4", "again.srt"))
        until(FileEnded, 3)
    assert (here / "again.srt").read_bytes() == (here / "short.srt").read_bytes()


def test_what_cannot_be_opened_is_told_and_the_others_go_on(here: Path, tiny_checkpoint: Path) -> None:
    (here / "bad.mp4").write_text("no video")
    with working(order_for(tiny_checkpoint, here)) as (worker, until):
        worker.take(1, job_of("bad.mp4", "bad.srt"))
        worker.take(2, job_of("short.mp4", "short.srt"))
        first, second = (one for one in until(FileEnded, 2) if isinstance(one, FileEnded))
    assert (first.lease, second.lease, second.error) == (1, 2, None)
    assert isinstance(first.error, InputError)
    assert "bad.mp4 is not a video" in str(first.error), "as it was named, wherever it is said"
    assert first.error.hint


def test_a_model_that_is_not_there(here: Path) -> None:
    with working(order_for(here / "nowhere", here)) as (_, until):
        [unfit] = until(WorkerUnfit, 1)
    assert isinstance(unfit, WorkerUnfit)
    assert isinstance(unfit.error, ModelError)


def test_a_worker_that_cannot_be_where_the_driver_is(here: Path, tiny_checkpoint: Path) -> None:
    """Absolute names, then; the source keeps the name that was typed."""
    order = order_for(tiny_checkpoint, here / "gone")
    with working(order) as (worker, until):
        worker.take(1, job_of(str(here / "short.mp4"), str(here / "out.srt")))
        assert [one.error for one in until(FileEnded, 1) if isinstance(one, FileEnded)] == [None]
        worker.take(2, job_of("short.mp4", "out.srt"))
        second = until(FileEnded, 2)[-1]
    assert isinstance(second, FileEnded)
    assert str(here / "gone" / "short.mp4") in str(second.error)
    assert (here / "out.srt").exists()


def test_stopped_it_leaves_what_was_said(here: Path, tiny_checkpoint: Path) -> None:
    make_clip(here / "endless.mp4", frames=2000, fps="2")
    with working(order_for(tiny_checkpoint, here)) as (worker, until):
        worker.take(1, job_of("endless.mp4", "endless.srt"))
        until(FileHeard, 3)
    assert (here / "endless.srt.part").exists()
    assert not (here / "endless.srt").exists()


def test_what_nobody_foresaw_reaches_who_asks(
    here: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("a kernel failed")

    monkeypatch.setattr("svlm_cli.fleet.loading.load_engine", fail)
    with (
        closing(FleetWorker(order_for(tiny_checkpoint, here), cores=1)) as worker,
        pytest.raises(RuntimeError, match="a kernel failed"),
    ):
        worker.messages(PATIENCE_S)


def test_errors_travel_whole() -> None:
    error = pickle.loads(pickle.dumps(CapacityError("No room is left.", "Use another mode.", stream=3)))
    assert (error.message, error.hint, error.stream) == ("No room is left.", "Use another mode.", 3)


def test_an_error_between_files_ends_the_worker(
    here: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards files in the hands of a worker that says, much too late, that it cannot start: nobody took them back."""

    def fail(self: Session, *asked: object, **more: object) -> Never:
        raise ModelError("There is no memory left.")

    monkeypatch.setattr(Session, "run", fail)
    with working(order_for(tiny_checkpoint, here)) as (worker, until):
        until(WorkerReady, 1)
        worker.take(1, job_of("long.mp4", "long.srt"))
        with pytest.raises(ModelError, match="no memory left"):
            until(FileEnded, 1)


def test_messages_that_pile_up_come_in_pieces(
    here: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards an answer too large to travel by itself: it lies in its host's memory, and is lost with the host."""
    monkeypatch.setattr("svlm_cli.fleet.worker._MESSAGES", 2)
    with closing(FleetWorker(order_for(tiny_checkpoint, here), cores=1)) as worker:
        worker.take(1, job_of("long.mp4", "long.srt"))
        told: list[Message] = []
        limit_s = time.monotonic() + PATIENCE_S
        while not any(isinstance(one, FileEnded) for one in told):
            assert time.monotonic() < limit_s, told
            time.sleep(0.2)
            piece = worker.messages(0.1)
            assert len(piece) <= 2
            told.extend(piece)
    rounds = [one.event.start_s for one in told if isinstance(one, FileHeard)]
    assert rounds == sorted(rounds)
    assert len(rounds) == 6


def test_a_stretch_goes_on_after_the_rounds_that_others_said(here: Path, tiny_checkpoint: Path) -> None:
    """Guards words that depend on who says them: replayed, a stream remembers what it would have said itself."""
    stretch = VideoStretch("long.mp4", Path("long.mp4"), 0.0, 6.0, "reds against blues")
    order = replace(order_for(tiny_checkpoint, here), work=StretchWork(StreamSeed(3)))
    with working(order) as (worker, until):
        worker.take(1, BegunStretch(stretch))
        told = until(StretchEnded, 1)
        rounds = [one.said for one in told if isinstance(one, StretchSaid)]
        worker.take(2, BegunStretch(stretch, tuple(one.token_ids for one in rounds[:4])))
        told = until(StretchEnded, 2)
    assert [(one.start_s, one.end_s) for one in rounds] == [(second, second + 1) for second in range(6)]
    assert [one.said for one in told if isinstance(one, StretchSaid) and one.lease == 2] == rounds[4:]
    assert [one.ending.error for one in told if isinstance(one, StretchEnded)] == [None, None]


def test_stretches_of_one_batch_and_one_that_cannot_be_read(here: Path, tiny_checkpoint: Path) -> None:
    order = replace(order_for(tiny_checkpoint, here / "gone", streams=2), work=StretchWork(StreamSeed(0)))
    names = ("long", "short", "none")
    with working(order) as (worker, until):
        for lease, name in enumerate(names):
            worker.take(lease, BegunStretch(VideoStretch(name, here / f"{name}.mp4", 0.0, 9.0, "")))
        ended = {one.lease: one.ending for one in until(StretchEnded, 3) if isinstance(one, StretchEnded)}
        told = until(StretchEnded, 3)
    assert isinstance(ended[2].error, InputError)
    assert (ended[0].error, ended[1].error, ended[1].duration_s) == (None, None, 2.0)
    heard = [one.lease for one in told if isinstance(one, StretchSaid)]
    assert (heard.count(0), heard.count(1)) == (6, 2)


def test_a_query_that_is_too_long_makes_a_worker_unfit(here: Path, tiny_checkpoint: Path) -> None:
    """As alone, where it ends the call before anything is shown."""
    order = replace(order_for(tiny_checkpoint, here), work=StretchWork(StreamSeed(0, "word " * 5000)))
    with working(order) as (_, until):
        [unfit] = until(WorkerUnfit, 1)
    assert isinstance(unfit, WorkerUnfit)
    assert isinstance(unfit.error, UsageError)
