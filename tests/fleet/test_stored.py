"""Calls whose videos or words are in a store: their names, what is left to do, and copies that nobody sees."""

import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from svlm_cli.core.errors import InputError, OutputExistsError, UsageError
from svlm_cli.fleet.manifest import Manifest, key_of
from svlm_cli.fleet.messages import FileEnded, FileHeard, FileOpened, WorkerLost
from svlm_cli.fleet.planning import FleetPlan, plan_files
from svlm_cli.fleet.scratch import SCRATCH
from svlm_cli.fleet.stored import StoredJob, StoredTarget
from svlm_cli.fleet.stored_planning import PARTS, StoredPlan
from svlm_cli.fleet.video_work import VideoWork
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import Existing, Wanted
from svlm_cli.pipeline.inputs import find_inputs
from svlm_cli.pipeline.settings import SessionSettings
from tests.clips import make_clip
from tests.conftest import environment
from tests.fleet.fleets import ScriptedCrew, ended_round, run
from tests.fleet.stores import Shaky, shaky_store
from tests.fleet.test_worker import order_for, working
from tests.processes import ends
from tests.servers.ftp import PASSWORD

BUCKET = f"shaky://user:{PASSWORD}@bucket"


@pytest.fixture
def shaky(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shaky]:
    """A season of short clips, in a store; the working directory is another place."""
    make_clip(tmp_path / "clip.mp4", frames=4, fps="2")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with shaky_store(monkeypatch) as found:
        for name in ("season/x.mp4", "season/a/y.mp4"):
            found.pipe_file(f"/bucket/{name}", (tmp_path / "clip.mp4").read_bytes())
        yield found


def planned(
    *named: str, folder: str | None = None, existing: Existing = Existing.REFUSE, output: str | None = None
) -> FleetPlan:
    inputs = find_inputs(named)
    stored = StoredPlan.of(inputs, folder)
    local = Path(folder) if folder is not None and (stored is None or stored.folder is None) else None
    wanted = Wanted((Format.SRT, Format.JSON), output, local, existing)
    return plan_files(inputs, wanted, "asked", lambda line: None, stored)


def outputs(plan: FleetPlan) -> dict[str, list[str]]:
    return {job.name.rpartition("/")[2]: [one.name for one in job.targets] for job in plan.jobs}


def test_names_mirror_the_folders_as_on_a_disk(shaky: Shaky) -> None:
    plan = planned(f"{BUCKET}/season/**/*.mp4", folder=f"{BUCKET}/words/")
    assert outputs(plan) == {
        "x.mp4": ["shaky://...@bucket/words/season/x.srt", "shaky://...@bucket/words/season/x.json"],
        "y.mp4": ["shaky://...@bucket/words/season/a/y.srt", "shaky://...@bucket/words/season/a/y.json"],
    }
    assert plan.manifest.parent == Path.cwd()
    assert PASSWORD not in f"{plan}"


def test_words_on_this_host(shaky: Shaky, tmp_path: Path) -> None:
    plan = planned(f"{BUCKET}/season", f"{BUCKET}/season/x.mp4", folder=str(tmp_path / "words"))
    assert outputs(plan)["y.mp4"][0] == str(tmp_path / "words/season/a/y.srt")
    assert len(plan.jobs) == 2, "each once"
    assert plan.manifest.parent == tmp_path / "words"


def test_words_beside_the_videos(shaky: Shaky) -> None:
    assert outputs(planned(f"{BUCKET}/season/a/y.mp4")) == {
        "y.mp4": ["shaky://...@bucket/season/a/y.srt", "shaky://...@bucket/season/a/y.json"]
    }


def test_videos_on_this_host(shaky: Shaky, tmp_path: Path) -> None:
    [job] = planned(str(tmp_path / "clip.mp4"), folder=f"{BUCKET}/words").jobs
    assert [one.name for one in job.targets] == [f"shaky://...@bucket/words/clip.{one}" for one in ("srt", "json")]
    assert isinstance(job, StoredJob)
    assert not job.fetched


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (f"{BUCKET}/season/gone.mp4", r"shaky://...@bucket/season/gone\.mp4 does not exist\."),
        (f"{BUCKET}/season/*.avi", r"No video matches shaky://...@bucket/season/\*\.avi\."),
    ],
)
def test_a_video_that_is_not_there_is_named(shaky: Shaky, named: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        planned(named, folder="words")
    assert PASSWORD not in str(error.value)


def test_what_makes_no_sense(shaky: Shaky, tmp_path: Path) -> None:
    clip, season = str(tmp_path / "clip.mp4"), f"{BUCKET}/season"
    for named, folder, output, told in (
        ((clip, season), None, None, "Some videos are in a store, and others are not. Add --output-dir."),
        ((season,), None, "x.srt", "-o names a file of this machine. With a store, use --output-dir."),
        (("-",), BUCKET, None, "A fleet cannot read standard input."),
        ((season, "rtsp://camera"), "words", None, "rtsp://camera is watched live, and others are files."),
    ):
        with pytest.raises(UsageError) as error:
            planned(*named, folder=folder, output=output)
        assert str(error.value).startswith(told)


def test_what_is_there_is_refused_kept_or_replaced(shaky: Shaky) -> None:
    shaky.pipe_file("/bucket/words/season/x.srt", b"words")
    season, words = f"{BUCKET}/season", f"{BUCKET}/words"
    with pytest.raises(OutputExistsError, match=r"shaky://...@bucket/words/season/x\.srt exists already\."):
        planned(season, folder=words)
    left = outputs(planned(season, folder=words, existing=Existing.SKIP))
    assert {name: len(found) for name, found in left.items()} == {"x.mp4": 1, "y.mp4": 2}
    assert len(outputs(planned(season, folder=words, existing=Existing.OVERWRITE))["x.mp4"]) == 2


def test_the_same_call_does_what_is_left(shaky: Shaky) -> None:
    """Guards also a password against whoever reads the manifest."""
    season, words = f"{BUCKET}/season", f"{BUCKET}/words"
    plan = planned(season, folder=words)
    done, other = sorted(plan.jobs, key=lambda job: job.name, reverse=True)
    with Manifest(plan.manifest) as manifest:
        manifest.taken(key_of(other), "a")
        manifest.done(key_of(done))
    assert PASSWORD not in plan.manifest.read_text()
    for target in done.targets:
        assert isinstance(target, StoredTarget)
        shaky.pipe_file(f"/bucket/words/{target.path}", b"words")
    assert [len(job.targets) for job in planned(season, folder=words).jobs] == [2, 0]
    shaky.pipe_file("/bucket/season/x.mp4", b"another video")
    with pytest.raises(OutputExistsError):
        planned(season, folder=words)


def job_for(shaky: Shaky, video: str = "season/x.mp4") -> StoredJob:
    [job] = planned(f"{BUCKET}/{video}", folder=f"{BUCKET}/words").jobs
    assert isinstance(job, StoredJob)
    return job


def test_what_a_worker_stored_before_it_died_is_done(shaky: Shaky, tmp_path: Path) -> None:
    def finish_and_die(crew: ScriptedCrew, worker: str, lease: int, job: object) -> None:
        assert isinstance(job, StoredJob)
        crew.say(worker, FileOpened(lease, 1.0), FileHeard(lease, ended_round(job)))
        for target in job.targets:
            shaky.pipe_file(f"/bucket/words/{target.path}", b"words")
        shaky.pipe_file(f"/bucket/words/{PARTS}/of-the-dead", b"wor")
        crew.say(worker, WorkerLost("its process died"))

    crew = ScriptedCrew(x=[finish_and_die])
    outcomes, _ = run(crew, [job_for(shaky)], tmp_path / "manifest.jsonl")
    assert outcomes["x"].report.error is None
    assert crew.tried["x"] == 1
    assert shaky.find("/bucket/words") == ["/bucket/words/x.json", "/bucket/words/x.srt"], "and what is half is gone"


def test_a_store_that_does_not_answer_for_a_while_ends_no_call(shaky: Shaky, tmp_path: Path) -> None:
    def die_in_the_dark(crew: ScriptedCrew, worker: str, lease: int, job: object) -> None:
        Shaky.troubles["ls"] = [ConnectionError()] * 10  # of two looks
        crew.say(worker, FileOpened(lease, 1.0), WorkerLost("its process died"))

    def finish(crew: ScriptedCrew, worker: str, lease: int, job: object) -> None:
        assert isinstance(job, StoredJob)
        assert len(job.targets) == 2
        crew.say(worker, FileOpened(lease, 1.0), FileHeard(lease, ended_round(job)), FileEnded(lease))

    outcomes, diary = run(ScriptedCrew(x=[die_in_the_dark, finish]), [job_for(shaky)], tmp_path / "manifest.jsonl")
    assert outcomes["x"].report.error is None
    assert Shaky.troubles["ls"] == []
    assert diary.failures == {}


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies go."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_worker_fetches_captions_and_stores(shaky: Shaky, copies: Path, tiny_checkpoint: Path) -> None:
    jobs = [job_for(shaky), job_for(shaky, "season/a/y.mp4")]
    [local] = planned(f"{BUCKET}/season/x.mp4", folder="local").jobs
    Path("local").mkdir()
    Shaky.troubles |= {"get_file": [ConnectionResetError()], "put_file": [0.5]}
    order = order_for(tiny_checkpoint, Path.cwd(), streams=2)
    with working(order) as (worker, until):
        for lease, job in enumerate(jobs):
            worker.take(lease, pickle.loads(pickle.dumps(job)))
        until(FileEnded, 2)
        worker.take(2, local)
        ended = [one for one in until(FileEnded, 3) if isinstance(one, FileEnded)]
        told = until(FileEnded, 3)
        assert [path.name.startswith(SCRATCH) for path in copies.iterdir()] == [True]
        assert [path for folder in copies.iterdir() for path in folder.iterdir()] == [], "nothing is kept"
    assert [one.error for one in ended] == [None] * 3
    assert {one.event.name for one in told if isinstance(one, FileHeard)} == {job.name for job in (*jobs, local)}
    assert shaky.find(f"/bucket/words/{PARTS}") == []
    assert shaky.cat_file("/bucket/words/x.srt") == Path("local/x.srt").read_bytes()
    document = json.loads(shaky.cat_file("/bucket/words/x.json"))
    assert document["source"] == "shaky://...@bucket/season/x.mp4"
    assert list(copies.iterdir()) == []


def test_what_fails_is_told_of_the_video_not_of_its_copy(shaky: Shaky, copies: Path, tiny_checkpoint: Path) -> None:
    bad, gone = job_for(shaky), job_for(shaky, "season/a/y.mp4")
    shaky.pipe_file("/bucket/season/x.mp4", b"no video")
    shaky.rm_file("/bucket/season/a/y.mp4")
    with working(order_for(tiny_checkpoint, Path.cwd())) as (worker, until):
        worker.take(1, bad)
        worker.take(2, gone)
        ended = {one.lease: one.error for one in until(FileEnded, 2) if isinstance(one, FileEnded)}
    assert all(isinstance(error, InputError) for error in ended.values())
    assert str(ended[1]).startswith("shaky://...@bucket/season/x.mp4 is not a video that ffmpeg knows.")
    assert str(ended[2]).startswith("shaky://...@bucket/season/a/y.mp4 does not exist.")
    assert shaky.find("/bucket/words") == []
    assert list(copies.iterdir()) == []


def test_another_runs_words_are_not_replaced(shaky: Shaky, copies: Path, tiny_checkpoint: Path) -> None:
    job = job_for(shaky)
    shaky.pipe_file("/bucket/words/x.srt", b"by another")
    order = order_for(tiny_checkpoint, Path.cwd())
    with working(order) as (worker, until):
        worker.take(1, job)
        [ended] = (one for one in until(FileEnded, 1) if isinstance(one, FileEnded))
    assert isinstance(ended.error, OutputExistsError)
    assert shaky.cat_file("/bucket/words/x.srt") == b"by another"
    order = replace(order, work=VideoWork(replace(SessionSettings(), existing=Existing.OVERWRITE)))
    with working(order) as (worker, until):
        worker.take(1, job)
        [ended] = (one for one in until(FileEnded, 1) if isinstance(one, FileEnded))
    assert ended.error is None
    assert shaky.cat_file("/bucket/words/x.srt") != b"by another"


def test_copies_go_with_a_process_that_is_killed(copies: Path) -> None:
    """Guards disks against the videos of workers that died."""
    script = (
        "import sys; from svlm_cli.fleet.transfers import Transfers; held = Transfers(1, overwrite=False);"
        "print('begun', flush=True); sys.stdin.read()"
    )
    command, env = [sys.executable, "-c", script], environment(TMPDIR=str(copies))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        [remover] = psutil.Process(process.pid).children()
        [folder] = copies.iterdir()
        (folder / "1").mkdir()
        (folder / "1" / "video.mp4").write_bytes(b"v")
        process.kill()
    assert ends(remover)
    assert list(copies.iterdir()) == []
