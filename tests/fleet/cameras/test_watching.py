"""A call that watches cameras by a fleet, with workers that do what a script says: files, lines, errors."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.cameras.memory import CameraMemory
from svlm_cli.fleet.cameras.watching import FleetWatching
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.progress import ProgressStyle, open_progress
from svlm_cli.outputs.summary import Summary
from svlm_cli.pipeline.batch import Job, Target
from svlm_cli.pipeline.captioning import CallSettings
from svlm_cli.pipeline.settings import SessionSettings
from tests.fleet.cameras.crews import ScriptedCameraCrew

Watch = Callable[..., tuple[ScriptedCameraCrew, FleetWatching]]


def jobs_in(folder: Path, *names: str) -> list[Job]:
    return [
        Job(SourceAddress(f"rtsp://10.0.0.1/{name}"), (Target(Format.JSONL, folder / f"{name}.jsonl"),), name=name)
        for name in names
    ]


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """Watches cameras until Ctrl-C, or until all have ended."""

    def watch(
        names: str, script: dict[int, tuple[str, str]], *, workers: str = "w v", until_s: int = 20
    ) -> tuple[ScriptedCameraCrew, FleetWatching]:
        crew = ScriptedCameraCrew(workers.split(), script, until_s=until_s)
        jobs = jobs_in(tmp_path, *names.split())
        progress = open_progress(ProgressStyle.NONE, quiet=False)
        with CameraMemory(tmp_path / "memory.db") as memory:
            call = FleetWatching(
                jobs,
                SessionSettings(),
                CallSettings(live=True),
                memory,
                progress=progress,
                summary=Summary([job.source.reveal() for job in jobs]),
                now_s=lambda: crew.now_s,
            )
            with suppress(KeyboardInterrupt):
                call.watch(crew)
        return crew, call

    return watch


def rounds(folder: Path, name: str) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def test_words_of_all_cameras_stand_in_their_files(watch: Watch, tmp_path: Path) -> None:
    watch("a b c", {})
    for name in "abc":
        found = rounds(tmp_path, name)
        assert [one["start"] for one in found] == list(range(len(found)))
        assert len(found) >= 14
    assert not (tmp_path / "memory.db").exists(), "the call has ended"


def test_a_dead_workers_cameras_go_on_with_their_last_words(
    watch: Watch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crew, _ = watch("a b", {10: ("kill", "w")})
    (name,) = [name for name, said in crew.carried if said]
    assert crew.carried[-1] == (name, " ".join(["word"] * crew.carried[-1][1].count("word")))
    found = rounds(tmp_path, name)
    assert any(one.get("gap_s", 0) >= 1 for one in found)
    assert [one["start"] for one in found] == sorted(one["start"] for one in found)
    assert f"svlm: {name}: the worker ended (its process died); another goes on with it." in capsys.readouterr().err


def test_a_camera_that_fails_is_told_and_the_others_go_on(
    watch: Watch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, call = watch("a b", {8: ("fail", "a")})
    assert [str(error) for error in call.errors] == ["a rejects everything."]
    assert len(rounds(tmp_path, "b")) > len(rounds(tmp_path, "a"))
    err = capsys.readouterr().err
    assert "svlm: a rejects everything." in err
    assert "svlm: A notice" in err


def test_the_call_ends_with_its_cameras(watch: Watch, capsys: pytest.CaptureFixture[str]) -> None:
    crew, call = watch("a b", {8: ("end", "a"), 9: ("end", "b")}, until_s=1000)
    assert crew.now_s < 20
    assert call.errors == []
    assert "a.jsonl: " in capsys.readouterr().err


def test_a_worker_that_cannot_start_is_told_and_the_last_one_ends_the_call(
    watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SvlmError, match="It has no room"):
        watch("a b", {2: ("unfit", "w"), 5: ("unfit", "v")})
    assert "svlm: a worker cannot start: It has no room." in capsys.readouterr().err


def test_without_workers_there_is_no_call(watch: Watch) -> None:
    with pytest.raises(SvlmError, match="No worker of the fleet is left"):
        watch("a", {3: ("kill", "w")}, workers="w")


def test_a_call_after_one_that_was_killed_goes_on_in_the_same_file(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards a file that is begun anew, and a clock that begins at 0 again."""
    with monkeypatch.context() as patched:
        patched.setattr(CameraMemory, "end", CameraMemory.close)  # as if it were killed
        patched.setattr("svlm_cli.fleet.cameras.memory._EVERY_S", 0.0)
        watch("a", {})
    before = (tmp_path / "a.jsonl").read_text()
    crew, _ = watch("a", {}, until_s=30)
    after = (tmp_path / "a.jsonl").read_text()
    assert after.startswith(before)
    assert len(after) > len(before)
    assert "word word" in crew.carried[0][1]
    starts = [one["start"] for one in rounds(tmp_path, "a")]
    assert starts == sorted(starts)
