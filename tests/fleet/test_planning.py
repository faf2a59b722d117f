"""The same call again: what it leaves out, what it does, and what it refuses, by what the one before has left."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputBusyError, OutputExistsError, UsageError
from svlm_cli.fleet.manifest import FileState, Manifest, key_of
from svlm_cli.fleet.planning import FleetPlan, plan_files
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import Existing, Job, Wanted
from svlm_cli.pipeline.inputs import Input


@pytest.fixture
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Input]:
    monkeypatch.chdir(tmp_path)
    for name in ("one.mp4", "two.mp4", "three.mp4"):
        (tmp_path / name).write_bytes(b"video")
    return [Input.named(name) for name in ("one.mp4", "two.mp4", "three.mp4")]


WANTED = Wanted()


def plan(videos: list[Input], existing: Existing = Existing.REFUSE, *, asked: str = "so") -> FleetPlan:
    return plan_files(videos, replace(WANTED, existing=existing), asked, lambda line: None)


def left(planned: FleetPlan) -> list[str]:
    return [job.name for job in planned.jobs if job.targets]


def words(job: Job) -> None:
    for target in job.targets:
        assert target.path is not None
        target.path.write_text("words")


def killed(planned: FleetPlan) -> None:
    """A run that did the first, had the second, and was killed."""
    first, second, _ = planned.jobs
    with Manifest(planned.manifest) as manifest:
        manifest.taken(key_of(first), "a")
        words(first)
        manifest.done(key_of(first))
        manifest.taken(key_of(second), "b")
        words(second)


@pytest.mark.parametrize("existing", Existing)
def test_a_killed_run_goes_on_whatever_was_asked_of_files_that_exist(videos: list[Input], existing: Existing) -> None:
    killed(plan(videos, existing))
    again = plan(videos, existing)
    mended = [] if existing is not Existing.OVERWRITE else ["two.mp4"]
    assert left(again) == [*mended, "three.mp4"], "what the second one has is whole, or was there before"
    assert [job.name for job in again.jobs if job.kept] == [
        name for name in ("one.mp4", "two.mp4") if name not in mended
    ]


def test_another_call_is_another_matter(videos: list[Input]) -> None:
    killed(plan(videos))
    with pytest.raises(OutputExistsError, match=r"one\.srt exists already, and so do 1 others"):
        plan(videos, asked="otherwise")
    assert left(plan(videos, Existing.OVERWRITE, asked="otherwise")) == ["one.mp4", "two.mp4", "three.mp4"]


def test_a_video_that_has_changed_is_done_again(videos: list[Input]) -> None:
    killed(plan(videos))
    Path("one.mp4").write_bytes(b"another")
    with pytest.raises(OutputExistsError):
        plan(videos)
    assert "one.mp4" in left(plan(videos, Existing.OVERWRITE))
    Path("one.srt").unlink()
    assert left(plan(videos)) == ["one.mp4", "three.mp4"]


def test_words_that_are_gone_are_made_again(videos: list[Input]) -> None:
    killed(plan(videos))
    Path("one.srt").unlink()
    assert left(plan(videos)) == ["one.mp4", "three.mp4"]


def test_after_its_end_a_call_does_what_failed(videos: list[Input]) -> None:
    first = plan(videos)
    killed(first)
    with Manifest(first.manifest) as manifest:
        manifest.done(key_of(first.jobs[1]))
        manifest.failed(key_of(first.jobs[2]), 3, "its process died", aside=True)
        manifest.end(all_done=False)
    again = plan(videos)
    assert left(again) == ["three.mp4"]
    assert FileState.ASIDE not in {one.state for one in again.records.values()}, "it is tried again"
    assert len(left(plan(videos, Existing.OVERWRITE))) == 3, "whoever says so after an end, means it"


def test_one_run_at_a_time(videos: list[Input]) -> None:
    planned = plan(videos)
    with Manifest(planned.manifest), pytest.raises(OutputBusyError):
        Manifest(planned.manifest)


def test_a_torn_line_is_left_out(videos: list[Input]) -> None:
    planned = plan(videos)
    killed(planned)
    with planned.manifest.open("a") as file:
        file.write('{"file":"/thr')
    assert left(plan(videos)) == ["three.mp4"]
    with Manifest(planned.manifest) as manifest:
        manifest.done(key_of(planned.jobs[2]))
    Path("three.srt").write_text("words")
    assert left(plan(videos)) == []


def test_names_that_are_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"caf\xe9.mp4")
    Path(name).write_bytes(b"video")
    planned = plan([Input.named(name)])
    with Manifest(planned.manifest) as manifest:
        words(planned.jobs[0])
        manifest.done(key_of(planned.jobs[0]))
    assert left(plan([Input.named(name)])) == []


def test_where_the_manifest_lies(videos: list[Input], tmp_path: Path) -> None:
    assert plan(videos).manifest.parent == tmp_path
    inside = plan_files(videos, Wanted((Format.VTT,), None, Path("out")), "so", lambda line: None)
    assert inside.manifest.parent == Path("out")
    assert not Path("out").exists(), "nothing is written yet"
    assert plan(videos).manifest.name != plan(videos, asked="otherwise").manifest.name


@pytest.mark.parametrize(
    ("name", "output"),
    [pytest.param("-", None, id="standard input"), pytest.param("one.mp4", "-", id="standard output")],
)
def test_streams_are_refused(videos: list[Input], name: str, output: str | None) -> None:
    with pytest.raises(UsageError, match="A fleet"):
        plan_files([Input.named(name)], Wanted(output=output), "so", lambda line: None)
