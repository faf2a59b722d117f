"""What a soak holds against svlm, and the strict readers that it uses. The soak itself is `make soak`."""

from dataclasses import replace

import pytest

from svlm_cli.bench.soak import GROWTH_BYTES, Disturbance, Soak
from svlm_cli.bench.validity import jsonl_faults, srt_faults

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
