"""What a soak holds against svlm, and the strict readers that it uses. The soak itself is `make soak`."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.clips import run_ffmpeg
from tests.rigs.camera import RtspServer
from tests.rigs.disturbed import Disturbance, Soak
from tests.rigs.flapping import Captioned, Flapping, Return, torn_lines
from tests.rigs.observed import GROWTH_BYTES, rounds
from tests.rigs.validity import jsonl_faults, srt_faults
from tests.servers.rtsp import require_rtsp_server
from tests.sources.live import Watched

GOOD = Soak(
    minutes=2,
    seed=0,
    disturbances=[Disturbance("kill", 20, 5, words_after_s=3.0), Disturbance("noise", 40, 5)],
    words=10,
    warm_threads=5,
    last_threads=5,
    exit_code=143,
    ended_after_s=1.0,
)
FLAPPED = Flapping(
    minutes=2,
    seed=0,
    cameras=[Captioned("healthy1", 100, 90, 0, 4, 0.9, 0), Captioned("flapping", 80, 70, 3, 0, 1.0, 3)],
    returns=[Return(20, 5, words_after_s=3.0)],
    exit_code=143,
    ended_after_s=1.0,
)
SRT = "1\n00:00:01,000 --> 00:00:02,000\none\ntwo\n\n2\n00:00:02,000 --> 00:00:03,500\nthree\n\n"
JSONL = '{"start": 0.0, "end": 1.0, "text": ""}\n{"start": 1.0, "end": 2.0, "text": "a"}\n'


def test_a_good_soak_has_no_failures() -> None:
    assert GOOD.failures == []


@pytest.mark.parametrize(
    ("change", "needle"),
    [
        ({"disturbances": [Disturbance("stall", 20, 5, words_after_s=12.5)]}, "stall at 20 s"),
        ({"disturbances": [Disturbance("kill", 20, 5)]}, "kill at 20 s"),
        ({"last_bytes": GROWTH_BYTES + 1}, "memory grew"),
        ({"last_threads": 6}, "6 threads"),
        ({"exit_code": 0}, "ended with 0"),
        ({"ended_after_s": 3.5}, "3.5 s"),
        ({"children_left": 1}, "1 children"),
        ({"words": 0}, "nothing at all"),
        ({"faults": ["a file is broken"]}, "a file is broken"),
    ],
)
def test_each_fault_is_a_failure(change: dict[str, object], needle: str) -> None:
    (failure,) = replace(GOOD, **change).failures  # type: ignore[arg-type]
    assert needle in failure


def test_a_good_run_beside_a_flapping_camera_has_no_failures() -> None:
    assert FLAPPED.failures == []


@pytest.mark.parametrize(
    ("change", "needle"),
    [
        ({"cameras": [Captioned("healthy1", 100, 90, 1, 0, 0.9, 0)]}, "1 gaps"),
        ({"cameras": [Captioned("healthy1", 100, 90, 0, 0, 0.9, 2)]}, "connected again 2 times"),
        ({"cameras": [Captioned("flapping", 80, 0, 3, 0, 1.0, 3)]}, "flapping said nothing"),
        ({"returns": [Return(20, 5)]}, "at 20 s"),
        ({"returns": [Return(20, 5, words_after_s=12.5)]}, "12.5 s"),
        ({"torn": ["svlm: front is svlm: back"]}, "1 lines are torn"),
        ({"last_threads": 1}, "1 threads"),
        ({"exit_code": -9}, "ended with -9"),
        ({"faults": ["it ended by itself, with 70"]}, "by itself"),
    ],
)
def test_each_fault_beside_it_is_a_failure(change: dict[str, object], needle: str) -> None:
    (failure,) = replace(FLAPPED, **change).failures  # type: ignore[arg-type]
    assert needle in failure


def test_torn_lines_are_found() -> None:
    """What several threads print at once without a lock."""
    whole = [
        "svlm: front: connected",
        "svlm: svlm-mini speaks",
        "front [0:00:01] goal",
        "front -> f.srt: 3 s of video",
        "svlm: back -> b.srt",
    ]
    assert torn_lines(whole, ["front", "back"]) == []
    torn = ["svlm: front svlm: back is there", "", " is there", "front [0:00:01] goback [0:00:01] goal"]
    assert torn_lines([*whole, *torn], ["front", "back"]) == torn


def test_a_round_that_is_being_written_is_none_yet(tmp_path: Path) -> None:
    """The soak would fall over it."""
    (tmp_path / "front-1.jsonl").write_text(JSONL)
    (tmp_path / "front-2.jsonl").write_text(JSONL[:-5])
    (tmp_path / "frontier-1.jsonl").write_text(JSONL)
    assert [row["end"] for row in rounds(tmp_path, "front")] == [1.0, 2.0, 1.0]
    assert [row["end"] for row in rounds(tmp_path, "front", newest=1)] == [1.0]


def test_a_camera_that_need_not_encode(tmp_path: Path) -> None:
    """Eight of them have to fit beside svlm on two cores: the file is served as it is, over and over."""
    require_rtsp_server()
    encode = ("-c:v", "libx264", "-tune", "zerolatency", "-g", "8", "-f", "image2", "-start_number", "0")
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=8:d=1", *encode, tmp_path / "%05d.h264")
    with RtspServer(tmp_path) as server, Watched(server.url, fps=8) as camera:
        camera.wait_for(lambda: camera.frames and camera.frames[-1].time_s > 1.5)
        assert len(camera.frames) >= 8


def test_a_strict_reader_of_subtitles() -> None:
    assert srt_faults("") == srt_faults(SRT) == []
    for broken in (
        SRT[:-1],
        SRT[:-9],
        SRT.replace("2\n00:00:02,000", "3\n00:00:02,000"),
        SRT.replace("00:00:02,000 --> 00:00:03,500", "00:00:01,900 --> 00:00:03,500"),
        SRT.replace("00:00:03,500", "00:00:02,000"),
        SRT.replace(",", "."),
        SRT.replace("three\n", ""),
    ):
        assert srt_faults(broken) != [], broken


def test_a_strict_reader_of_rounds() -> None:
    assert jsonl_faults("") == jsonl_faults(JSONL) == []
    for broken in (JSONL[:-1], JSONL[:-5] + "\n", JSONL.replace('"start": 1.0', '"start": 0.5'), "[]\n", "{}\n"):
        assert jsonl_faults(broken) != [], broken
