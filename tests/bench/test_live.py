"""`svlm bench streams --decode`: real videos, read at their own pace, through decoding and a model to words."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from svlm_cli.bench import live
from svlm_cli.bench.latency import Load
from svlm_cli.bench.live import EvenEngine, Watch, prepare
from svlm_cli.bench.windows import filled_rounds
from svlm_cli.commands.app import main
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.process_stats import cpu_s
from svlm_cli.core.types import Segment, TokenEvent
from svlm_cli.engine.plan import Request
from svlm_cli.media.conversion import read_header
from svlm_cli.media.ffmpeg import Ffmpeg, file_address
from svlm_cli.media.sample import make_sample
from tests.bench.test_windows import TOKENS
from tests.clips import PROGRAMS
from tests.engine.conftest import make_chunks, small_policy


@pytest.fixture(scope="module")
def engine(tiny_checkpoint: Path) -> EvenEngine:
    loaded = EvenEngine.load(
        tiny_checkpoint, small_policy(), device=torch.device("cpu"), dtype=torch.float32, max_streams=3
    )
    loaded.tokens = TOKENS
    return loaded


def said(second: int, latency_s: float, *, stream: int = 0, dropped: int = 0) -> Segment:
    return Segment(stream, second, second, second + 1.0, "", (), 0.1, dropped=dropped, latency_s=latency_s)


def test_every_round_has_as_many_tokens(engine: EvenEngine) -> None:
    """Guards the measurement against a model that likes to be silent."""
    with engine.open() as stream:
        for chunk in make_chunks(3):
            events = list(engine.step([Request(stream, chunk)]))
            assert sum(isinstance(event, TokenEvent) for event in events) == TOKENS


def test_preparing_leaves_every_slot_free(engine: EvenEngine) -> None:
    prepare(engine, Load(rounds=1, tokens=TOKENS, width=56, height=56))
    opened = [engine.open() for _ in range(3)]
    for stream in opened:
        stream.close()


def test_only_rounds_with_full_windows_count() -> None:
    """Guards against a latency of the beginning, and against rounds of streams that are alone at the end."""
    watch = Watch(StreamPolicy(), streams=2, rounds=3)
    first = watch.rounds - 3 - 2
    assert first >= filled_rounds(StreamPolicy())
    for second in range(watch.rounds):
        early, late = second < first, second >= first + 3
        for stream in range(2):
            watch.hear(said(second, 50.0 if early or late else 0.5 + stream / 10, stream=stream))
    trial = watch.trial()
    assert trial is not None
    assert (trial.streams, trial.rounds, trial.dropped, trial.live) == (2, 6, 0, True)
    assert trial.latency_s_median == pytest.approx(0.55)
    assert trial.latency_s_most == pytest.approx(0.6)


@pytest.mark.parametrize(("latency_s", "dropped"), [(1.2, 0), (0.5, 2)])
def test_what_is_late_or_lost_is_not_live(latency_s: float, dropped: int) -> None:
    """Guards a model that keeps up by leaving out half of what it is shown."""
    watch = Watch(StreamPolicy(), streams=1, rounds=1)
    watch.hear(said(watch.rounds - 3, latency_s, dropped=dropped))
    trial = watch.trial()
    assert trial is not None
    assert (trial.dropped, trial.live) == (dropped // 2, False)  # two frames a round


def test_nothing_heard_is_no_trial() -> None:
    assert Watch(StreamPolicy(), streams=1, rounds=1).trial() is None


def test_cpu_time_is_that_of_the_process() -> None:
    before = cpu_s(os.getpid())
    while cpu_s(os.getpid()) < before + 0.05:  # busy, so this ends
        pass
    assert cpu_s(2**22 + 1) == 0, "a process that never was"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_made_up_video_is_what_it_is_said_to_be(
    program: Ffmpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a video that is easier to decode than a broadcast: of another rate, or of few bits."""
    monkeypatch.setattr("svlm_cli.media.sample.find_ffmpeg", lambda: program)
    make_sample(tmp_path / "sample.mp4", width=320, height=180, seconds=4)
    header = read_header(program, file_address(tmp_path / "sample.mp4"))
    assert (header.size, header.rate, header.duration_s) == ((320, 180), 25, 4)
    bits = (tmp_path / "sample.mp4").stat().st_size * 8 / 4
    assert bits == pytest.approx(4e6 / 16, rel=0.3)


def test_the_command_from_video_to_words(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards the whole way, with a video that is made for it: paced, decoded, resized, spoken of, and counted."""
    monkeypatch.setattr(live, "_SETTLING_ROUNDS", 1)
    model = shutil.copytree(tiny_checkpoint, tmp_path / "model")
    windows = "vision_rounds = 1\ntext_rounds = 1\nsink_tokens = 4\nwindow_tokens = 4\n"
    (model / "policy.toml").write_text(f"chunk_seconds = 0.5\n[windows]\n{windows}")
    asked = ["--model", str(model), "--size", "160x120", "--tokens", "2", "--pair-tokens", "4", "--rounds", "2"]
    assert main(["bench", "streams", "--json", "--decode", *asked, "--most", "2", "--step", "2"]) == 0
    report = json.loads(capsys.readouterr().out)
    (trial,) = report["results"]
    assert report["setting"]["video"]["pictures_per_s"] == 25
    assert (trial["streams"], trial["rounds"] + trial["dropped"]) == (2, 4)
    assert 0 < trial["latency_s_median"] <= trial["latency_s_p99"] <= trial["latency_s_most"]
    assert trial["cpu_cores_svlm"] > 0


@pytest.mark.parametrize("asked", [["match.mp4"], ["--decode", "match.mp4", "--size", "8x8"]])
def test_contradictions_are_sentences(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "streams", *asked]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
