"""Stretches through the engine: side by side as alone, killed and resumed as never stopped; and their troubles."""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from svlm_cli.core.errors import InputError, OutputError, SvlmError
from svlm_cli.core.policy import Mode
from svlm_cli.core.types import Chunk
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.stream import StreamState
from svlm_cli.evals.benchmarks.chunks import read_commentary
from svlm_cli.evals.benchmarks.livesports import read_predictions
from svlm_cli.evals.generation import predictions as written
from svlm_cli.evals.generation import run as generation
from svlm_cli.evals.generation.journal import RoundsFolder
from svlm_cli.evals.generation.place import PredictionPlace
from svlm_cli.evals.generation.predictions import CommentaryPredictions, EventPredictions
from svlm_cli.evals.generation.record import GenerationListener, GenerationOutcome, is_done
from svlm_cli.evals.generation.run import Generation
from svlm_cli.evals.generation.setting import RunFile
from svlm_cli.evals.generation.stretches import StreamSeed, VideoStretch
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.sources.files import open_frames
from tests.clips import cut, make_clip
from tests.engine.conftest import Parts, parts, small_policy

__all__ = ["parts"]  # the fixture

POLICY = small_policy(temperature=0.9)
SECONDS = {"a": 13, "b": 8, "c": 4}


class KilledError(BaseException):
    """As by SIGKILL: nobody catches it."""


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("games")
    for first, (name, seconds) in enumerate(SECONDS.items()):
        make_clip(folder / f"{name}.mp4", frames=2 * seconds, fps="2", size=(56, 42), first=500 * first)
    return folder


@pytest.fixture(autouse=True)
def _short_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "CHUNK_S", 5.0)


@pytest.fixture
def games(clips: Path) -> list[VideoStretch]:
    contexts = {"a": "reds against blues", "b": "the final", "c": ""}
    return [VideoStretch(f"{n}.mp4", clips / f"{n}.mp4", 0.0, float(s), contexts[n]) for n, s in SECONDS.items()]


@dataclass(slots=True)
class Told:
    """What was heard of a run."""

    outcome: GenerationOutcome = field(default_factory=GenerationOutcome)
    notices: list[str] = field(default_factory=list)
    failures: list[SvlmError] = field(default_factory=list)
    progress: list[tuple[float, float]] = field(default_factory=list)


def generate(
    engine: Engine,
    folder: Path,
    stretches: Sequence[VideoStretch],
    *,
    streams: int = 1,
    events: bool = False,
    seed: int = 0,
    now_s: Callable[[], float] = time.monotonic,
) -> Told:
    """One call; what is done already is left out, as the command does it."""
    path, told = folder / "pred.jsonl", Told()
    made_by = RunFile(path)
    with (EventPredictions if events else CommentaryPredictions)(path) as file:
        made_by.begin({"seed": seed})
        place = PredictionPlace(file, RoundsFolder(path), made_by)
        left = [one for one in stretches if not is_done(one, place)]
        telling = GenerationListener(
            told.notices.append, told.failures.append, lambda done, speed: told.progress.append((done, speed))
        )
        told.outcome = Generation(engine, place, telling, StreamSeed(seed), now_s=now_s).generate(left, streams=streams)
    return told


def lines(folder: Path) -> list[str]:
    return sorted((folder / "pred.jsonl").read_text(encoding="utf-8").splitlines())


def said(folder: Path, video: str) -> list[dict[str, Any]]:
    return [item for line in map(json.loads, lines(folder)) if line["video"] == video for item in line["items"]]


def at(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def test_a_video_in_company_is_commented_on_as_alone(parts: Parts, tmp_path: Path, games: list[VideoStretch]) -> None:
    """Guards comparisons: words must depend on neither batch nor order, also where they are drawn by lot."""
    company = at(tmp_path, "company")
    told = generate(parts.engine(POLICY, streams=2), company, games, streams=2)
    assert told.outcome.rounds == sum(SECONDS.values())
    assert (told.outcome.done, told.failures, told.notices) == (3, [], [])
    assert told.progress[-1][0] == told.outcome.video_s == sum(SECONDS.values())
    alone = []
    for one in reversed(games):
        folder = at(tmp_path, one.video)
        generate(parts.engine(POLICY), folder, [one])
        alone += lines(folder)
    assert sorted(alone) == lines(company)
    assert {one.name for one in company.iterdir()} == {"pred.jsonl", "pred.jsonl.run.json"}
    assert said(company, "a.mp4") != said(company, "b.mp4")
    generate(parts.engine(POLICY, streams=2), other := at(tmp_path, "other"), games, streams=2, seed=1)
    assert lines(other) != lines(company)


def _killed_after(count: int, patch: pytest.MonkeyPatch) -> None:
    """The sources of one call raise after so many chunks, all in all."""
    left = [count]

    def stopping(*arguments: Any, **options: Any) -> Iterator[Chunk]:
        for chunk in chunks(*arguments, **options):
            if left[0] == 0:
                raise KilledError
            left[0] -= 1
            yield chunk

    patch.setattr("svlm_cli.evals.generation.showing.chunks", stopping)


def _after_every_round(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(generation, "SNAPSHOT_S", 0.0)
    patch.setattr(generation, "SNAPSHOT_SHARE", math.inf)


def _saved_now_and_then(patch: pytest.MonkeyPatch) -> None:
    """A snapshot after every third round, so that there are rounds which are in no snapshot."""
    save = Engine.save

    def now_and_then(engine: Engine, stream: StreamState, path: Path) -> None:
        if stream.rounds % 3 == 1:
            save(engine, stream, path)

    patch.setattr(Engine, "save", now_and_then)
    _after_every_round(patch)


@pytest.mark.parametrize(
    ("mode", "snapshots"),
    [
        (Mode.STREAMING, True),
        pytest.param(Mode.STREAMING, False, marks=pytest.mark.extra),
        *(pytest.param(mode, True, marks=pytest.mark.extra) for mode in Mode if mode is not Mode.STREAMING),
    ],
)
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(
    parts: Parts,
    tmp_path: Path,
    games: list[VideoStretch],
    monkeypatch: pytest.MonkeyPatch,
    mode: Mode,
    snapshots: bool,
) -> None:
    """Guards hours of work: killed again and again, on the edge of a line or beside it, with half a line at the end."""
    policy, left = replace(POLICY, mode=mode), RoundsFolder(tmp_path / "pred.jsonl").path
    generate(parts.engine(policy, streams=2), whole := at(tmp_path, "whole"), games, streams=2)
    if snapshots:
        _saved_now_and_then(monkeypatch)
    goes_on_from = 0
    for count in (7, 11):
        with monkeypatch.context() as patch:
            _killed_after(count, patch)
            with pytest.raises(KilledError):
                generate(parts.engine(policy, streams=2), tmp_path, games, streams=2)
        assert any(path.suffix == ".state" for path in left.iterdir()) is snapshots
        for path in left.glob("*.jsonl"):
            path.write_bytes(path.read_bytes()[:-5])
            goes_on_from += path.read_bytes().count(b"\n")
    told = generate(parts.engine(policy, streams=2), tmp_path, games, streams=2)
    assert lines(tmp_path) == lines(whole)
    assert goes_on_from > 4
    assert told.outcome.rounds < sum(SECONDS.values()) - 4, "what was said is not said again"
    assert not left.exists()


def test_what_was_said_is_what_the_stream_remembers(
    parts: Parts, tmp_path: Path, games: list[VideoStretch], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards a run that goes on where sums round otherwise: the journal counts, not what would be said there."""
    generate(parts.engine(POLICY), whole := at(tmp_path, "whole"), games[:1])
    with monkeypatch.context() as patch:
        _killed_after(4, patch)
        with pytest.raises(KilledError):
            generate(parts.engine(POLICY), tmp_path, games[:1])
    path = tmp_path / "pred.jsonl.rounds/a.jsonl"
    rounds = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rounds) > 2
    for one in rounds:
        one |= {"text": "Goal!", "token_ids": one["token_ids"][::-1]}
    path.write_text("".join(f"{json.dumps(one)}\n" for one in rounds), encoding="utf-8")
    generate(parts.engine(POLICY), tmp_path, games[:1])
    found, otherwise = said(tmp_path, "a.mp4"), said(whole, "a.mp4")
    assert [one["response"] for one in found[: len(rounds)]] == ["Goal!"] * len(rounds)
    assert found[len(rounds)] != otherwise[len(rounds)], "it remembers other words than it would have said"


def test_a_snapshot_spares_the_pictures_before_it(
    parts: Parts, tmp_path: Path, games: list[VideoStretch], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards a game's two hours against being watched once more; and a snapshot that is no use is none."""
    generate(parts.engine(POLICY), whole := at(tmp_path, "whole"), games[:1])
    folder, opened = at(tmp_path, "killed"), list[float]()

    def spy(*arguments: Any, start_s: float, **options: Any) -> Any:
        opened.append(start_s)
        return open_frames(*arguments, start_s=start_s, **options)

    monkeypatch.setattr("svlm_cli.evals.generation.showing.open_frames", spy)
    _after_every_round(monkeypatch)
    for count in (6, 4):
        with monkeypatch.context() as patch:
            _killed_after(count, patch)
            with pytest.raises(KilledError):
                generate(parts.engine(POLICY), folder, games[:1])
    (snapshot,) = (folder / "pred.jsonl.rounds").glob("*.state")
    snapshot.write_bytes(b"no snapshot")
    told = generate(parts.engine(POLICY), folder, games[:1])
    assert opened[0] == opened[2] == 0
    assert 3 < opened[1] <= 6
    assert told.notices == [f"The snapshot {snapshot} cannot be read. a.mp4 is shown again from its beginning."]
    assert lines(folder) == lines(whole)


def test_a_snapshot_that_cannot_be_written_stops_nothing(
    parts: Parts, tmp_path: Path, games: list[VideoStretch], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Engine, stream: StreamState, path: Path) -> None:
        raise OutputError(f"{path.name} cannot be written.")

    monkeypatch.setattr(Engine, "save", full)
    _after_every_round(monkeypatch)
    told = generate(parts.engine(POLICY), tmp_path, games[2:])
    assert (told.outcome.done, {*told.notices}) == (1, {"c.state cannot be written."})


def test_snapshots_take_little_of_the_time_and_of_the_disk(
    parts: Parts, tmp_path: Path, games: list[VideoStretch], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards sixty streams of a large model, whose snapshots fill many a disk and take a minute."""
    clock, saved = [0.0], list[float]()

    def slow(self: Engine, stream: StreamState, path: Path) -> None:
        saved.append(clock[0])
        clock[0] += 10.0

    def tick() -> float:
        clock[0] += 1.0
        return clock[0]

    monkeypatch.setattr(Engine, "save", slow)
    monkeypatch.setattr(generation, "SNAPSHOT_S", 2.0)
    monkeypatch.setattr(generation, "SNAPSHOT_SHARE", 0.5)
    generate(parts.engine(POLICY), at(tmp_path, "slow"), games[:1], now_s=tick)
    assert 2 < saved[0] <= 6
    assert len(saved) > 1
    assert all(later - earlier >= 10 + 10 / 0.5 for earlier, later in pairwise(saved))
    saved.clear()
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    told = generate(parts.engine(POLICY), at(tmp_path, "full"), games[2:], now_s=tick)
    assert (saved, told.outcome.done) == ([], 1)
    assert told.notices[0].startswith("There is no room for snapshots in ")


def test_a_stream_that_is_full_is_silent_from_there_on(parts: Parts, tmp_path: Path, games: list[VideoStretch]) -> None:
    """Guards mode `full`: its silence is judged, not left out; and the others speak on."""
    policy = replace(small_policy(mode=Mode.FULL), windows=replace(POLICY.windows, full_tokens=360))
    told = generate(parts.engine(policy, streams=2), tmp_path, games, streams=2)
    assert (told.outcome.done, told.failures) == (3, [])
    (notice,) = [one for one in told.notices if one.startswith("a.mp4")]
    assert "is silent from " in notice
    assert "the stream has room for 360" in notice
    silent_s = float(notice.split(" from ")[1].split(" s ")[0])
    assert 4 < silent_s < 13
    found = read_commentary(tmp_path / "pred.jsonl")
    assert found.chunks["a"] == ((0, 5), (5, 10), (10, 13))
    assert max(one.end_s for one in found.items["a"]) <= silent_s


def test_a_video_that_is_short_is_told_and_not_covered(parts: Parts, tmp_path: Path, games: list[VideoStretch]) -> None:
    """Guards against silence that nobody kept, and against watching it again in every call."""
    longer = [replace(one, end_s=one.end_s + 14) for one in games]
    told = generate(parts.engine(POLICY), tmp_path, longer)
    assert told.failures == []
    assert told.notices[0] == "a.mp4 ends at 13 s, before its annotations do: the rest is not covered."
    assert len(told.notices) == 3
    found = read_commentary(tmp_path / "pred.jsonl")
    assert found.chunks == {"a": ((0, 5), (5, 10), (10, 13)), "b": ((0, 5), (5, 8)), "c": ((0, 4),)}
    assert told.progress[-1][0] == sum(SECONDS.values()) + 3 * 14
    assert generate(parts.engine(POLICY), tmp_path, longer).outcome.done == 0, "nothing is left to do"
    nearly = [replace(games[0], video="z.mp4", end_s=13.4)]
    told = generate(parts.engine(POLICY), tmp_path, nearly)
    assert (told.notices, read_commentary(tmp_path / "pred.jsonl").chunks["z"][-1]) == ([], (10, 13.4))


def test_pieces_are_streams_of_their_own(parts: Parts, tmp_path: Path, games: list[VideoStretch]) -> None:
    """Guards the published protocol: nothing of a piece depends on another, and those past the end are told once."""
    pieces = [
        replace(games[0], start_s=start_s, end_s=start_s + 5.0, context=f"so far {start_s}", is_piece=True)
        for start_s in (0.0, 5.0, 10.0, 15.0, 20.0)
    ]
    told = generate(parts.engine(POLICY, streams=3), tmp_path, pieces, streams=3)
    assert told.failures == []
    assert len(told.notices) == 1
    assert read_commentary(tmp_path / "pred.jsonl").chunks["a"] == ((0, 5), (5, 10), (10, 13))
    generate(parts.engine(POLICY), alone := at(tmp_path, "alone"), pieces[1:2])
    assert lines(alone)[0] in lines(tmp_path)
    assert generate(parts.engine(POLICY), tmp_path, pieces).outcome.done == 0, "nothing is left to do"


def test_a_broken_video_touches_no_other(parts: Parts, tmp_path: Path, games: list[VideoStretch]) -> None:
    """Guards a night's run; and once the file is whole, the same call goes on where it broke off."""
    path = tmp_path / "broken.mp4"
    whole = make_clip(tmp_path / "whole.mkv", frames=26, fps="2", size=(160, 120))
    cut(whole, path, 0.6)
    rotten = tmp_path / "rotten.mp4"
    rotten.write_bytes(b"rotten")
    broken = [
        VideoStretch("broken.mp4", path, 0.0, 13.0, ""),
        VideoStretch("rotten.mp4", rotten, 0.0, 20.0, ""),
        VideoStretch("gone.mp4", tmp_path / "gone.mp4", 0.0, 20.0, ""),
    ]
    told = generate(parts.engine(POLICY, streams=2), tmp_path, [*broken, *games[1:]], streams=2)
    assert told.outcome.done == 2
    assert len(told.failures) == 3
    assert all(isinstance(one, InputError) for one in told.failures)
    for name in ("broken", "rotten", "gone"):
        assert sum(f"{name}.mp4" in one.message for one in told.failures) == 1
    assert [one.name for one in (tmp_path / "pred.jsonl.rounds").iterdir()] == ["broken.jsonl"]
    path.write_bytes(whole.read_bytes())
    told = generate(parts.engine(POLICY), tmp_path, broken[:1])
    assert 0 < told.outcome.rounds < 11
    generate(parts.engine(POLICY), never := at(tmp_path, "never"), broken[:1])
    assert {*lines(never)} < {*lines(tmp_path)}


def test_events_go_the_same_way(parts: Parts, tmp_path: Path, games: list[VideoStretch]) -> None:
    """Guards LiveSports: times of the event, words joined, one that its video does not reach left out and told."""
    path = games[0].path
    events = [
        VideoStretch("a", path, 3.5, 9.5, "Here they come.", event_id="1"),
        VideoStretch("a", path, 5.0, 10.0, "", event_id="2"),
        VideoStretch("a", path, 50.0, 60.0, "", event_id="3"),
        VideoStretch("a", path, 13.2, 13.8, "", event_id="just after the end"),
    ]
    told = generate(parts.engine(POLICY, streams=2), tmp_path, events, streams=2, events=True)
    assert (told.failures, len(told.notices)) == ([], 1)
    found, _ = read_predictions(tmp_path / "pred.jsonl")
    assert {key: (one.begin_s, one.end_s) for key, one in found.items()} == {
        ("a", "1"): (3.5, 9.5),
        ("a", "2"): (5.0, 10.0),
    }
    assert all(one.pred.strip() for one in found.values())
    generate(parts.engine(POLICY), alone := at(tmp_path, "alone"), events[1:2], events=True)
    assert lines(alone)[0] in lines(tmp_path)
    assert generate(parts.engine(POLICY), tmp_path, events, events=True).outcome.done == 0, "nothing is left to do"


def test_a_video_that_begins_late_keeps_its_own_times(parts: Parts, tmp_path: Path, games: list[VideoStretch]) -> None:
    """Guards the clock: seconds are those of the video, whatever second the stream begins with."""
    generate(parts.engine(POLICY), tmp_path, [replace(games[0], start_s=7.0)])
    found = read_commentary(tmp_path / "pred.jsonl")
    assert found.chunks["a"] == ((7, 12), (12, 13))
    assert {(one.start_s, one.end_s) for one in found.items["a"]} <= {(s, s + 1) for s in range(7, 13)}
    assert found.items["a"]
