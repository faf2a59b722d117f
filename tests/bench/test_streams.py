"""`svlm bench streams`: that the number it finds is the largest that is live."""

import json
from pathlib import Path

import pytest

from svlm_cli.bench.streams import Trial, find_most
from tests.conftest import Svlm


@pytest.mark.parametrize("limit", [0, 3, 4, 23, 24, 60, 64, 100])
def test_finds_the_largest_number_that_is_live(limit: int) -> None:
    """Guards the search at its ends, and against trials that could be spared: each takes minutes."""

    def pretended(count: int) -> Trial:
        return Trial(count, 4, 0.5, 0.9 if count <= limit else 1.1, live=count <= limit)

    trials = find_most(pretended, most=64, step=4)
    assert max((one.streams for one in trials if one.live), default=0) == min(limit // 4 * 4, 64)
    assert len(trials) <= 6
    assert [one.streams for one in trials] == sorted({one.streams for one in trials})


@pytest.mark.extra  # commands/test_measuring.py does nearly the same
def test_the_command_prints_one_document_if_asked(svlm_inside: Svlm, tiny_checkpoint: Path) -> None:
    done = svlm_inside(
        "bench", "streams", "--model", tiny_checkpoint, "--rounds", "2", "--tokens", "2", "--size", "56x56",
        "--most", "2", "--step", "1", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bench"] == "streams"
    assert report["live_streams"] == max((one["streams"] for one in report["results"] if one["live"]), default=0)
    assert all(one["live"] == (one["round_s_p99"] < 1) for one in report["results"])
    assert svlm_inside("bench", "streams", "--model", tiny_checkpoint, "--most", "2", "--step", "3").returncode == 2
