"""A session: whose files are taken when, what is told, what is closed, and that a job can be done elsewhere."""

import multiprocessing
import pickle
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, OutputBusyError, OutputError, OutputExistsError, SvlmError, UsageError
from svlm_cli.core.events import (
    RoundEnded,
    RoundStarted,
    SourceEvent,
    SourceStatus,
    State,
    TokenSpoken,
    from_json,
    to_json,
)
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Picture
from svlm_cli.library import load_engine
from svlm_cli.outputs.destination import PartFile
from svlm_cli.outputs.encoding import Encoding
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.style import CueStyle
from svlm_cli.pipeline.batch import Existing, Job, Target, Wanted
from svlm_cli.pipeline.cameras import plan_cameras
from svlm_cli.pipeline.observer import SessionObserver
from svlm_cli.pipeline.open_source import OpenSource, open_job
from svlm_cli.pipeline.session import JobOutcome, Session
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.sources.credentials import Credentials
from svlm_cli.sources.opening import SourceOptions
from tests.clips import make_clip
from tests.outputs.speech import rounds

SKIPPING = SessionSettings(existing=Existing.SKIP)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=2, fps="2")


def job_of(clip: Path, folder: Path, *formats: Format) -> Job:
    return Job(SourceAddress(str(clip)), tuple(Target(one, folder / f"clip.{one}") for one in formats))


@contextmanager
def opened(job: Job, settings: SessionSettings = SKIPPING) -> Iterator[OpenSource]:
    video = open_job(job, settings, StreamPolicy())
    try:
        yield video
    finally:
        video.feed.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def captioned(video: OpenSource, text: str) -> None:
    for output in video.feed.outputs():
        output.write(rounds([text])[0])
        output.close()


def test_of_two_runs_one_has_the_video(clip: Path, tmp_path: Path) -> None:
    """Guards a night against captioning everything twice, and the other one's file."""
    first, second = job_of(clip, tmp_path, Format.SRT, Format.VTT), job_of(clip, tmp_path, Format.VTT, Format.SRT)
    with opened(first) as video:
        assert names(tmp_path) == ["clip.srt.part", "clip.vtt.part"], "before there are words"
        for other in (second, job_of(clip, tmp_path, Format.VTT, Format.TXT)):
            with pytest.raises(OutputBusyError):
                open_job(other, SKIPPING, StreamPolicy())
        assert names(tmp_path) == ["clip.srt.part", "clip.vtt.part"], "and no lock is left on what was free"
        captioned(video, "One nil.")
    assert names(tmp_path) == ["clip.srt", "clip.vtt"]
    with pytest.raises(OutputExistsError, match="all requested outputs exist already"):
        open_job(second, SKIPPING, StreamPolicy())


def test_a_video_without_words_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    with opened(job_of(clip, tmp_path, Format.SRT)):
        assert names(tmp_path) == ["clip.srt.part"]
    assert names(tmp_path) == []
    with pytest.raises(InputError):
        open_job(job_of(tmp_path / "gone.mp4", tmp_path, Format.SRT), SKIPPING, StreamPolicy())
    assert names(tmp_path) == []


def test_what_appears_as_it_is_opened_is_left_out(clip: Path, tmp_path: Path) -> None:
    """Guards the formats that are missing against the one that another run completes just then."""
    job = job_of(clip, tmp_path, Format.SRT, Format.VTT)
    (tmp_path / "clip.srt").write_text("whole")  # since its turn came
    with opened(job) as video:
        assert [target.format for target in video.job.targets] == [Format.VTT]
        captioned(video, "One nil.")
    assert (tmp_path / "clip.srt").read_text() == "whole"
    assert (tmp_path / "clip.vtt").exists()


def test_a_name_that_leads_nowhere_is_told(clip: Path, tmp_path: Path) -> None:
    """Guards against waiting for ever for a file that is never there."""
    (tmp_path / "clip.srt").symlink_to("nowhere")
    with pytest.raises(OutputExistsError, match="exists already"):
        open_job(job_of(clip, tmp_path, Format.SRT), SKIPPING, StreamPolicy())


def test_without_skipping_files_wait_for_words(clip: Path, tmp_path: Path) -> None:
    """And if one of them cannot be had, none is held."""
    job = job_of(clip, tmp_path, Format.SRT, Format.VTT)
    with opened(job, SessionSettings()) as video:
        assert names(tmp_path) == []
        other = PartFile(tmp_path / "clip.vtt", overwrite=False)
        with pytest.raises(OutputError, match="Another run"):
            video.feed.outputs()
        assert names(tmp_path) == ["clip.vtt.part"]
        other.close(complete=False)
        captioned(video, "One nil.")
    assert names(tmp_path) == ["clip.srt", "clip.vtt"]


def test_a_table_may_stay_as_it_was_said(clip: Path, tmp_path: Path) -> None:
    for raw, cell in ((False, "'=1"), (True, "=1")):
        with opened(
            job_of(clip, tmp_path, Format.TSV), SessionSettings(raw_tsv=raw, existing=Existing.OVERWRITE)
        ) as video:
            captioned(video, "=1")
        assert (tmp_path / "clip.tsv").read_text().endswith(f"\t{cell}\n")


def work(folder: Path, data: bytes) -> None:
    """What a worker does, here or in a process of its own."""
    job, settings = pickle.loads(data)
    engine = load_engine(folder, device="cpu", dtype="float32")
    with Session((job,), settings, engine.policy) as session:
        (outcome,) = session.run(engine)
    assert outcome.report.error is None
    assert outcome.report.rounds == 6


def test_a_job_can_be_done_in_another_process(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Guards a fleet against settings that hold a function, or that arrive as others: all files are the same bytes."""
    clip = make_clip(tmp_path / "clip.mp4", frames=24, fps="4")
    settings = SessionSettings(
        sources=SourceOptions(start_s=0.0, end_s=6.0),
        context="A ball game.",
        seed=7,
        model="tiny",
        several=True,
        style=CueStyle(max_line_width=30),
        raw_tsv=True,
    )
    written = []
    for name in ("here", "elsewhere"):
        folder = tmp_path / name
        folder.mkdir()
        data = pickle.dumps((job_of(clip, folder, *Format), settings))
        if name == "here":
            work(tiny_checkpoint, data)
        else:
            worker = multiprocessing.get_context("spawn").Process(target=work, args=(tiny_checkpoint, data))
            worker.start()
            worker.join()
            assert worker.exitcode == 0
        written.append(
            {path.name: re.sub(rb'"work_s": [0-9.e-]+', b"", path.read_bytes()) for path in folder.iterdir()}
        )
    assert written[0].keys() == {f"clip.{one}" for one in Format}
    assert len(written[0]["clip.srt"]) > 20, "words, or there is nothing to compare"
    assert written[0] == written[1]


def test_a_cameras_job_and_settings_can_be_pickled(tmp_path: Path) -> None:
    """With its login, which a worker needs, and nobody else sees."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 10.0.0.2 login viewer password hidden\n")
    settings = SessionSettings(
        sources=SourceOptions(credentials=Credentials(netrc), max_reconnects=3, catch_up=True),
        resets=True,
        segment_s=900.0,
        encoding=Encoding("utf-8-sig", crlf=True),
        existing=Existing.OVERWRITE,
    )
    (job,) = plan_cameras(["rtsp://viewer:secret@10.0.0.1/a"], ["front"], Wanted(folder=tmp_path))
    job_there, there = pickle.loads(pickle.dumps((job, settings)))
    assert job_there == job
    assert job_there.source.reveal() == "rtsp://viewer:secret@10.0.0.1/a"
    assert "secret" not in repr(job_there)
    login = there.sources.credentials.login("rtsp://10.0.0.2/b")
    assert (login.user, login.password) == ("viewer", "hidden")
    assert replace(there, sources=settings.sources) == settings
    assert replace(there.sources, credentials=settings.sources.credentials) == settings.sources
    assert "hidden" not in repr(there)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"seed": -1}, "seed"), ({"segment_s": 0.0}, "last some time"), ({"segment_s": float("nan")}, "last some time")],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SessionSettings(**wrong)


class Witness(SessionObserver):
    """Notes what it hears, and stops the session when a job has begun its third round."""

    def __init__(self) -> None:
        self.events: list[SourceEvent] = []
        self.failures: list[tuple[str, str]] = []
        self.session: Session | None = None

    def failed(self, job: Job, error: SvlmError) -> None:
        self.failures.append((Path(job.name).name, error.message))

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:
        self.events.append(event)
        assert len(pictures) == (event.frames if isinstance(event, RoundStarted) else 0)
        if self.session is not None and isinstance(event, RoundStarted) and event.start_s >= 2.0:
            self.session.stop()


def kinds(events: Sequence[SourceEvent], name: str) -> list[str]:
    return [type(event).__name__ for event in events if event.name == name and not isinstance(event, TokenSpoken)]


def test_what_cannot_be_opened_is_told_and_the_others_go_on(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Every event of a job, in order, under its name."""
    clip = make_clip(tmp_path / "clip.mp4", frames=8, fps="4")
    gone, job, witness = (
        job_of(tmp_path / "gone.mp4", tmp_path, Format.VTT),
        job_of(clip, tmp_path, Format.SRT),
        Witness(),
    )
    engine = load_engine(tiny_checkpoint, device="cpu", dtype="float32")
    with Session((gone, job), SessionSettings(), engine.policy, observer=witness) as session:
        assert session.begin()
        assert [name for name, _ in witness.failures] == ["gone.mp4"]
        (outcome,) = session.run(engine)
        assert not session.unfinished
    assert outcome.source.job == job
    assert kinds(witness.events, str(clip)) == ["SourceStatus", *["RoundStarted", "RoundEnded"] * 2]
    assert witness.events[0] == SourceStatus(str(clip), State.READING)
    spoken = sum(isinstance(event, TokenSpoken) for event in witness.events)
    assert spoken == sum(event.tokens for event in witness.events if isinstance(event, RoundEnded)) > 0
    assert [from_json(to_json(event)) for event in witness.events] == witness.events


def test_a_session_that_is_stopped_begins_no_other_round(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """And what there is of a file with an end stays under the name that says so."""
    clip = make_clip(tmp_path / "clip.mp4", frames=24, fps="4")
    witness = Witness()
    interrupted: list[JobOutcome] = []
    engine = load_engine(tiny_checkpoint, device="cpu", dtype="float32")
    job = job_of(clip, tmp_path, Format.JSONL)
    with Session((job,), SessionSettings(), engine.policy, observer=witness) as session:
        witness.session = session
        assert list(session.run(engine, interrupted=interrupted.append)) == []
        assert [one.job for one in session.unfinished.values()] == [job]
    assert [outcome.report.rounds for outcome in interrupted] == [3]
    assert kinds(witness.events, str(clip)) == ["SourceStatus", *["RoundStarted", "RoundEnded"] * 3]
    assert (tmp_path / "clip.jsonl.part").read_text().count("\n") == 3
    assert not (tmp_path / "clip.jsonl").exists()
    with engine.open():
        pass  # its stream was given back


def test_a_first_source_that_is_not_run_is_closed(clip: Path, tmp_path: Path) -> None:
    """Guards against an ffmpeg that is left over where the model cannot be loaded."""
    with Session((job_of(clip, tmp_path, Format.SRT),), SKIPPING, StreamPolicy()) as session:
        assert session.begin()
        assert names(tmp_path) == ["clip.srt.part"]
    assert names(tmp_path) == []
