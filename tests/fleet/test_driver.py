"""The driver, with workers that do what a script says: retries, the dead, and what is remembered of all that."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, ModelError, OutputBusyError, OutputError, OutputExistsError, SvlmError
from svlm_cli.fleet.manifest import FileState, Manifest, key_of, read_records, still_done
from svlm_cli.fleet.messages import FileEnded, FileHeard, FileOpened, Message, WorkerLost, WorkerUnfit
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import Existing, Job
from tests.fleet.fleets import Deed, ScriptedCrew, caption, die, ended_round, fails, job_in, run, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.jsonl"


def test_all_are_done_and_nothing_is_left_behind(tmp_path: Path, path: Path) -> None:
    crew = ScriptedCrew()
    jobs = [job_in(tmp_path, name, size=size) for name, size in (("x", 1), ("y", 3), ("z", 2))]
    outcomes, diary = run(crew, jobs, path)
    assert set(outcomes) == {"x", "y", "z"}
    assert [stem for _, stem in crew.given] == ["y", "z", "x"], "the longest first"
    report = outcomes["y"].report
    assert (report.rounds, report.spoken, report.video_s, report.error) == (1, 1, 1.0, None)
    assert diary.lines == []
    assert not path.exists()


def test_a_dead_workers_file_goes_to_another(tmp_path: Path, path: Path) -> None:
    crew = ScriptedCrew(x=[die, caption])
    outcomes, diary = run(crew, [job_in(tmp_path, "x"), job_in(tmp_path, "y")], path)
    assert set(outcomes) == {"x", "y"}
    assert [line for line in diary.lines if "x.mp4: its worker ended (its process died)" in line] == diary.lines
    assert len(diary.lines) == 1


def test_what_kills_three_workers_is_put_aside_and_named(tmp_path: Path, path: Path) -> None:
    crew = ScriptedCrew(x=[die])
    outcomes, diary = run(crew, [job_in(tmp_path, name) for name in "xyz"], path)
    assert crew.tried["x"] == 3
    assert set(outcomes) == {"y", "z"}
    assert "x.mp4 is given up: 3 workers ended while they had it." in str(diary.failures["x"])
    records, ended = read_records(path)
    assert ended
    assert {Path(name).stem: one.state for name, one in records.items()} == {
        "x": FileState.ASIDE,
        "y": FileState.DONE,
        "z": FileState.DONE,
    }


def test_one_that_cannot_be_read_fails_as_it_does_alone(tmp_path: Path, path: Path) -> None:
    error = InputError("x.mp4 is not a video.")
    crew = ScriptedCrew(x=[fails(error)])
    outcomes, diary = run(crew, [job_in(tmp_path, "x"), job_in(tmp_path, "y")], path)
    assert set(outcomes) == {"y"}
    assert diary.failures == {"x": error}
    assert crew.tried["x"] == 3, "another host might have read it"
    assert {worker for worker, stem in crew.given if stem == "x"} == {"a", "b"}


def test_a_full_disk_on_one_host_is_no_failure(tmp_path: Path, path: Path) -> None:
    """Guards also against an output that got its name though another of the same video failed: it is not whole."""

    def fill(crew: ScriptedCrew, worker: str, lease: int, job: Job) -> None:
        crew.say(worker, FileOpened(lease, 1.0), FileHeard(lease, ended_round(job)))
        assert job.targets[1].path is not None
        job.targets[1].path.write_text("half")
        crew.say(worker, FileEnded(lease, OutputError("There is no room left.")))

    crew = ScriptedCrew(x=[fill, caption])
    outcomes, diary = run(crew, [job_in(tmp_path, "x", Format.SRT, Format.VTT)], path)
    assert outcomes["x"].report.error is None
    assert [worker for worker, _ in crew.given] == ["a", "b"]
    assert crew.targets == [2, 2]
    assert (tmp_path / "x.vtt").read_text() == "words"
    assert diary.failures == {}


def test_words_that_have_their_name_stay(tmp_path: Path, path: Path) -> None:
    """A video that breaks off is captioned as far as it goes; another try would do no better."""

    def break_off(crew: ScriptedCrew, worker: str, lease: int, job: Job) -> None:
        crew.say(worker, FileOpened(lease, 1.0), FileHeard(lease, ended_round(job)))
        write(job)
        crew.say(worker, FileEnded(lease, InputError("x.mp4 breaks off.")))

    crew = ScriptedCrew(x=[break_off])
    outcomes, _ = run(crew, [job_in(tmp_path, "x")], path)
    assert isinstance(outcomes["x"].report.error, InputError)
    assert crew.tried["x"] == 1


def test_what_a_worker_finished_before_it_died_is_not_done_again(tmp_path: Path, path: Path) -> None:
    def finish_and_die(crew: ScriptedCrew, worker: str, lease: int, job: Job) -> None:
        crew.say(worker, FileOpened(lease, 1.0), FileHeard(lease, ended_round(job)))
        write(job)
        crew.say(worker, WorkerLost("its process died"))

    crew = ScriptedCrew(x=[finish_and_die])
    outcomes, _ = run(crew, [job_in(tmp_path, "x")], path)
    assert outcomes["x"].report.error is None
    assert crew.tried["x"] == 1


def test_of_two_formats_only_the_missing_one_is_made(tmp_path: Path, path: Path) -> None:
    def half(crew: ScriptedCrew, worker: str, lease: int, job: Job) -> None:
        assert job.targets[0].path is not None
        job.targets[0].path.write_text("words")
        die(crew, worker, lease, job)

    crew = ScriptedCrew(x=[half, caption])
    run(crew, [job_in(tmp_path, "x", Format.SRT, Format.VTT)], path)
    assert crew.targets == [2, 1]
    again = ScriptedCrew(x=[half, caption])
    run(again, [job_in(tmp_path, "x", Format.SRT, Format.VTT)], path, existing=Existing.OVERWRITE)
    assert again.targets == [2, 2], "what is there may be old"


def test_one_that_was_taken_for_dead_may_finish_after_all(tmp_path: Path, path: Path) -> None:
    """Guards a host that was cut off, and wrote on: its file is done, once."""

    def meet(crew: ScriptedCrew, worker: str, lease: int, job: Job) -> None:
        write(job, "by the other")
        crew.say(worker, FileOpened(lease, 1.0), FileEnded(lease, OutputExistsError("x.srt exists already.")))

    crew = ScriptedCrew(x=[die, meet])
    outcomes, diary = run(crew, [job_in(tmp_path, "x")], path)
    assert outcomes["x"].report.error is None
    assert diary.failures == {}
    stranger = ScriptedCrew(y=[meet])
    outcomes, _ = run(stranger, [job_in(tmp_path, "y")], path)
    assert isinstance(outcomes["y"].report.error, OutputExistsError), "a stranger's file is another matter"


def test_a_file_that_a_dying_worker_still_holds_is_waited_for(tmp_path: Path, path: Path) -> None:
    busy = fails(OutputBusyError("Another run is writing x.srt."), opened=True)
    crew = ScriptedCrew(x=[die, busy, busy, busy, busy, caption])
    outcomes, _ = run(crew, [job_in(tmp_path, "x")], path)
    assert outcomes["x"].report.error is None
    assert crew.now_s >= 8.0
    stranger = ScriptedCrew(y=[busy])
    outcomes, _ = run(stranger, [job_in(tmp_path, "y")], path)
    assert isinstance(outcomes["y"].report.error, OutputBusyError), "as alone, where another run has it"
    assert stranger.tried["y"] == 1


def test_words_of_the_dead_are_not_heard(tmp_path: Path, path: Path) -> None:
    def die_and_speak(crew: ScriptedCrew, worker: str, lease: int, job: Job) -> None:
        die(crew, worker, lease, job)
        crew.say(worker, FileHeard(lease, ended_round(job)), FileEnded(lease))

    outcomes, _ = run(ScriptedCrew(x=[die_and_speak, caption]), [job_in(tmp_path, "x")], path)
    assert outcomes["x"].report.rounds == 1


def test_who_does_not_answer_is_dismissed(tmp_path: Path, path: Path) -> None:
    def sleep(crew: ScriptedCrew, worker: str, lease: int, job: Job) -> None:
        crew.deaf.add(worker)

    crew = ScriptedCrew(["a"], x=[sleep, caption])
    outcomes, _ = run(crew, [job_in(tmp_path, "x")], path)
    assert crew.dismissed == ["a"]
    assert outcomes["x"].report.error is None


def test_who_does_not_answer_and_cannot_be_ended_holds_nothing(tmp_path: Path, path: Path) -> None:
    """Guards a call that waits for ever for a host that is cut off, of which nobody says that it is lost."""

    def vanish(crew: ScriptedCrew, worker: str, lease: int, job: Job) -> None:
        crew.deaf.add(worker)
        crew.unreachable.add(worker)

    crew = ScriptedCrew(x=[vanish, caption])
    outcomes, diary = run(crew, [job_in(tmp_path, "x"), job_in(tmp_path, "y")], path)
    assert crew.dismissed == ["a"]
    assert [worker for worker, stem in crew.given if stem == "x"] == ["a", "b"]
    assert set(outcomes) == {"x", "y"}
    assert len(diary.lines) == 1
    assert "its worker ended (it has not answered for 60 s); another goes on with it." in diary.lines[0]


def test_nobody_is_left_to_guess_why_nothing_happens(tmp_path: Path, path: Path) -> None:
    """Guards a cluster whose cores others have: workers start as these become free, and until then it is silent."""

    class Late(ScriptedCrew):
        def wait(self, timeout_s: float) -> list[tuple[str, Message]]:
            if self.now_s < 100:
                self.now_s += timeout_s
                return []
            return super().wait(timeout_s)

    outcomes, diary = run(Late(["a"]), [job_in(tmp_path, "x")], path)
    assert set(outcomes) == {"x"}
    assert diary.lines == ["svlm: no worker of the fleet is ready; still waiting for one."]


def test_no_worker_can_start(tmp_path: Path, path: Path) -> None:
    crew = ScriptedCrew(["a"])
    crew.wait(0)
    crew.alive.clear()
    crew.say("a", WorkerUnfit(ModelError("There is no such model.")))
    with pytest.raises(ModelError, match="no such model"):
        run(crew, [job_in(tmp_path, "x")], path)
    crew.say("a", WorkerLost("its process died"))
    with pytest.raises(SvlmError, match=r"No worker of the fleet is left\. The last one ended: its process died\."):
        run(crew, [job_in(tmp_path, "x")], path)


def test_a_killed_driver_goes_on_where_it_was(tmp_path: Path, path: Path) -> None:
    """What is done stays done, what was put aside stays aside, and all else is done."""
    done, poison, open_, waiting = (job_in(tmp_path, name) for name in ("done", "poison", "open", "waiting"))
    with Manifest(path) as manifest:
        for job in (done, poison, open_):
            manifest.taken(key_of(job), "a")
        write(done)
        manifest.done(key_of(done))
        manifest.failed(key_of(poison), 3, "its process died", aside=True)
    records, ended = read_records(path)
    assert not ended
    assert still_done(done, records, frozenset(done.targets))
    crew = ScriptedCrew()
    outcomes, diary = run(crew, [poison, open_, waiting], path)
    assert set(outcomes) == {"open", "waiting"}
    assert "poison.mp4 failed 3 times, and is left out. its process died" in str(diary.failures["poison"])
    records, ended = read_records(path)
    assert ended, "the next call tries it again"
    assert records[key_of(poison).name].state is FileState.ASIDE


def test_what_is_left_to_another_run_is_no_failure(tmp_path: Path, path: Path) -> None:
    error = OutputBusyError("Another run is writing x.srt.")
    jobs = [job_in(tmp_path, "x"), job_in(tmp_path, "y")]
    _, diary = run(ScriptedCrew(x=[fails(error)]), jobs, path, existing=Existing.SKIP)
    assert diary.failures == {"x": error}
    assert not path.exists(), "nothing is to be tried again"


def test_the_last_of_several_hosts_that_cannot_load_the_model_says_why(tmp_path: Path, path: Path) -> None:
    """Guards a cluster that hosts may join: it is waited for them, and the reason is not forgotten."""

    class Hopeful(ScriptedCrew):
        @property
        def expected(self) -> int:
            return int(self.now_s < 60)

    crew = Hopeful(["a"])
    crew.wait(0)
    crew.alive.clear()
    crew.say("a", WorkerUnfit(ModelError("There is no such model here.")))
    with pytest.raises(ModelError, match="no such model here"):
        run(crew, [job_in(tmp_path, "x")], path)
    assert crew.now_s >= 60


class KilledError(BaseException):
    """As by SIGKILL: nobody catches it."""


def kill_driver(crew: ScriptedCrew, worker: str, lease: int, job: Job) -> None:
    raise KilledError


@pytest.mark.parametrize("drivers", [[[die, die, kill_driver]], [[die, kill_driver], [die, kill_driver]]])
def test_failures_count_across_drivers(tmp_path: Path, path: Path, drivers: list[list[Deed]]) -> None:
    """Guards a poisoned video that kills two workers of each driver, for ever; it is tried alone from then on."""
    jobs = [job_in(tmp_path, name, size=size) for name, size in (("x", 9), ("y", 1))]
    for deeds in drivers:
        with pytest.raises(KilledError):
            run(ScriptedCrew(["a"], x=deeds), jobs, path)
    records, ended = read_records(path)
    assert (records[key_of(jobs[0]).name].state, records[key_of(jobs[0]).name].tries, ended) == (
        FileState.TAKEN,
        2,
        False,
    )
    again = ScriptedCrew(x=[die])
    _, diary = run(again, jobs, path)
    assert again.tried["x"] == 1
    assert "x.mp4 is given up: 3 workers ended while they had it." in str(diary.failures["x"])
    changed = job_in(tmp_path, "x", size=7)
    mended = ScriptedCrew()
    outcomes, _ = run(mended, [changed], path)
    assert set(outcomes) == {"x"}
