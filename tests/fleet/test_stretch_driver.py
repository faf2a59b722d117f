"""The driver of a benchmark's stretches, with workers that do what a script says: what is kept, whoever dies."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from svlm_cli.core.errors import CapacityError, InputError, OutputError, SvlmError
from svlm_cli.evals.generation.journal import SaidRound
from svlm_cli.evals.generation.place import open_place
from svlm_cli.evals.generation.predictions import CommentaryPredictions
from svlm_cli.evals.generation.record import GenerationListener, GenerationOutcome, GenerationRecord, StretchEnding
from svlm_cli.evals.generation.stretches import VideoStretch
from svlm_cli.fleet.messages import StretchEnded, StretchSaid, WorkerLost
from svlm_cli.fleet.stretch_driver import spread_stretches
from svlm_cli.fleet.stretch_work import BegunStretch
from tests.fleet.fleets import ScriptedCrew

LENGTH_S = {"x": 4, "y": 6, "z": 5}
StretchDeed = Callable[["StretchCrew", str, int, BegunStretch], None]


class KilledError(BaseException):
    """As by SIGKILL: nobody catches it."""


def said(second: int) -> SaidRound:
    return SaidRound(second, second + 1, f" word {second}", (second + 1,))


def comment(crew: "StretchCrew", worker: str, lease: int, begun: BegunStretch, *, until: int = 99) -> None:
    """What a worker does with a video that is all right: it goes on after what was said."""
    seconds = range(len(begun.said), min(until, int(begun.stretch.end_s)))
    crew.say(worker, *(StretchSaid(lease, said(one)) for one in seconds))
    if until == 99:
        crew.say(worker, StretchEnded(lease, StretchEnding(duration_s=begun.stretch.end_s)))


def die_after(seconds: int) -> StretchDeed:
    def deed(crew: "StretchCrew", worker: str, lease: int, begun: BegunStretch) -> None:
        comment(crew, worker, lease, begun, until=seconds)
        crew.say(worker, WorkerLost("its process died"))

    return deed


def fails(error: SvlmError, *, after: int = 0) -> StretchDeed:
    def deed(crew: "StretchCrew", worker: str, lease: int, begun: BegunStretch) -> None:
        comment(crew, worker, lease, begun, until=after)
        crew.say(worker, StretchEnded(lease, StretchEnding(error)))

    return deed


def kill_driver(crew: "StretchCrew", worker: str, lease: int, begun: BegunStretch) -> None:
    raise KilledError


class StretchCrew(ScriptedCrew):
    """The same crew, for stretches."""

    def __init__(self, workers: Sequence[str] = ("a", "b"), **deeds: Sequence[StretchDeed]) -> None:
        super().__init__(workers)
        self._deeds = deeds
        self.begun: list[tuple[str, str, int]] = []  # worker, video, rounds that were said before

    def give(self, worker: str, lease: int, item: object) -> None:
        assert isinstance(item, BegunStretch)
        name = item.stretch.path.stem
        self.begun.append((worker, name, len(item.said)))
        tries = self.tried[name] = self.tried.get(name, 0) + 1
        deeds = self._deeds.get(name, ())
        (deeds[min(tries, len(deeds)) - 1] if deeds else comment)(self, worker, lease, item)


@dataclass
class Heard:
    notices: list[str] = field(default_factory=list)
    failures: list[SvlmError] = field(default_factory=list)
    done_s: float = 0.0

    def listener(self) -> GenerationListener:
        return GenerationListener(self.notices.append, self.failures.append, self.note)

    def note(self, done_s: float, speed: float) -> None:
        assert done_s >= self.done_s, "progress never goes back"
        self.done_s = done_s


def stretches(folder: Path) -> list[VideoStretch]:
    for name in LENGTH_S:
        if not (folder / f"{name}.mp4").exists():
            (folder / f"{name}.mp4").write_bytes(b"v")
    return [VideoStretch(f"{n}.mp4", folder / f"{n}.mp4", 0.0, float(s), "") for n, s in LENGTH_S.items()]


def spread(folder: Path, crew: StretchCrew) -> tuple[GenerationOutcome, Heard]:
    heard = Heard()
    with open_place(folder / "pred.jsonl", CommentaryPredictions, {"seed": 0}, overwrite=False) as place:
        found = spread_stretches(stretches(folder), crew, place, heard.listener(), now_s=lambda: crew.now_s)
    return found, heard


def lines(folder: Path) -> dict[str, list[str]]:
    """The words of each video."""
    rows = [json.loads(line) for line in (folder / "pred.jsonl").read_text().splitlines()]
    assert len({row["video"] for row in rows}) == len(rows), "no line is written twice"
    return {row["video"]: [item["response"] for item in row["items"]] for row in rows}


def whole(*names: str) -> dict[str, list[str]]:
    return {f"{name}.mp4": [f"word {second}" for second in range(LENGTH_S[name])] for name in names}


def test_all_are_done_and_nothing_but_predictions_is_left(tmp_path: Path) -> None:
    crew = StretchCrew()
    outcome, heard = spread(tmp_path, crew)
    assert [name for _, name, _ in crew.begun] == ["y", "z", "x"], "the longest first"
    assert (outcome.done, outcome.rounds, outcome.errors, heard.notices) == (3, 15, [], [])
    assert heard.done_s == 15
    assert lines(tmp_path) == whole("x", "y", "z")
    assert not (tmp_path / "pred.jsonl.rounds").exists()


def test_a_dead_workers_stretch_goes_on_after_its_last_round(tmp_path: Path) -> None:
    crew = StretchCrew(y=[die_after(3), die_after(5), comment])
    outcome, heard = spread(tmp_path, crew)
    assert [before for _, name, before in crew.begun if name == "y"] == [0, 3, 5]
    assert (outcome.done, outcome.rounds) == (3, 15), "no round is said twice"
    assert [line for line in heard.notices if "y.mp4: its worker ended (its process died)" in line] == heard.notices
    assert lines(tmp_path) == whole("x", "y", "z")


def test_words_of_the_dead_are_not_heard(tmp_path: Path) -> None:
    def speak_on(crew: StretchCrew, worker: str, lease: int, begun: BegunStretch) -> None:
        die_after(2)(crew, worker, lease, begun)
        crew.say(worker, StretchSaid(lease, said(2)), StretchEnded(lease, StretchEnding()))

    outcome, _ = spread(tmp_path, StretchCrew(y=[speak_on, comment]))
    assert outcome.rounds == 15
    assert lines(tmp_path)["y.mp4"] == whole("y")["y.mp4"]


def test_what_kills_three_workers_is_put_aside_even_if_the_driver_dies_between(tmp_path: Path) -> None:
    """Guards a count that begins at zero with each driver: a poisoned video would kill two workers of every one."""
    with pytest.raises(KilledError):
        spread(tmp_path, StretchCrew(["a"], y=[die_after(1), die_after(2), kill_driver]))
    crew = StretchCrew(y=[die_after(3)])
    outcome, heard = spread(tmp_path, crew)
    assert [before for _, name, before in crew.begun if name == "y"] == [2], "one more try"
    assert [str(error) for error in heard.failures] == [
        "y.mp4 is given up: 3 workers ended while they had it. The last one: its process died."
    ]
    assert outcome.errors == heard.failures
    assert lines(tmp_path) == whole("x", "z")
    outcome, _ = spread(tmp_path, StretchCrew())
    assert outcome.errors == []
    assert lines(tmp_path) == whole("x", "y", "z"), "a call that has ended begins anew, after the last round"


def test_one_that_is_put_aside_stays_there_until_the_call_has_ended(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        spread(tmp_path, StretchCrew(["a"], y=[fails(InputError("It is no video."))], x=[kill_driver]))
    crew = StretchCrew()
    outcome, _ = spread(tmp_path, crew)
    assert "y" not in crew.tried
    assert [str(error) for error in outcome.errors] == ["y.mp4 failed 3 times, and is left out. It is no video."]


def test_one_that_no_host_can_read_fails_once(tmp_path: Path) -> None:
    error = InputError("y.mp4 is not a video.")
    crew = StretchCrew(y=[fails(error)])
    outcome, heard = spread(tmp_path, crew)
    assert crew.tried["y"] == 3
    assert {worker for worker, name, _ in crew.begun if name == "y"} == {"a", "b"}
    assert heard.failures == outcome.errors == [error]
    assert lines(tmp_path) == whole("x", "z")


def test_one_that_breaks_off_is_not_tried_again(tmp_path: Path) -> None:
    """As alone: its rounds are kept for a call after it is repaired."""
    crew = StretchCrew(y=[fails(InputError("y.mp4 breaks off."), after=3)])
    outcome, _ = spread(tmp_path, crew)
    assert (crew.tried["y"], len(outcome.errors)) == (1, 1)
    again = StretchCrew()
    spread(tmp_path, again)
    assert again.begun == [("a", "y", 3)]
    assert lines(tmp_path) == whole("x", "y", "z")


def test_a_stream_that_is_full_is_silent_and_done(tmp_path: Path) -> None:
    outcome, heard = spread(tmp_path, StretchCrew(y=[fails(CapacityError("It is full.", stream=0), after=2)]))
    assert (outcome.done, outcome.errors) == (3, [])
    assert heard.notices == ["y.mp4 is silent from 2 s on: It is full."]
    assert lines(tmp_path)["y.mp4"] == ["word 0", "word 1"]


def test_a_round_that_cannot_be_written_fails_its_stretch_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, add = OutputError("There is no room left."), GenerationRecord.add

    def full(self: GenerationRecord, one: object, round_: SaidRound) -> None:
        if round_ == said(5):
            raise error
        add(self, one, round_)  # type: ignore[arg-type]  # as it comes

    monkeypatch.setattr(GenerationRecord, "add", full)
    outcome, _ = spread(tmp_path, StretchCrew())
    assert outcome.errors == [error]
    assert lines(tmp_path) == whole("x", "z")
