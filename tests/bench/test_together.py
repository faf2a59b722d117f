"""`svlm bench streams --fleet`: what workers do at the same time, and what one does alone."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from svlm_cli.bench import together
from svlm_cli.bench.setup import BenchSetup
from svlm_cli.bench.streams import Trial
from svlm_cli.bench.together import TogetherTrial
from tests.conftest import Svlm


def test_the_slowest_worker_decides() -> None:
    found = TogetherTrial.of([Trial(8, 4, 0.5, 0.9, live=True), Trial(8, 4, 0.8, 1.2, live=False)])
    assert found == TogetherTrial(2, 16, 4, 0.8, 1.2, 8 / 0.5 + 8 / 0.8, live=False)


class _Crew:
    """Two workers, which slow each other down by a tenth; more than five streams are too many."""

    workers = 2

    def attempt(self, streams: int, *, alone: bool = False) -> TogetherTrial:
        round_s = 0.1 * streams * (1.0 if alone else 1.1)
        trial = Trial(streams, 4, round_s, 1.9 * round_s, live=streams <= 5)
        return TogetherTrial.of([trial] * (1 if alone else 2))


def test_one_alone_is_measured_with_as_many_streams(
    svlm_inside: Svlm, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the number that says what a second GPU is worth."""

    @contextmanager
    def crew_at(address: str, setup: BenchSetup, most: int) -> Iterator[_Crew]:
        assert (address, most) == ("10.0.0.1:6379", 8)
        yield _Crew()

    monkeypatch.setattr(together, "crew_at", crew_at)
    monkeypatch.setattr("svlm_cli.commands.bench.require_ray", lambda: None)
    asked: Sequence[str] = ("--most", "8", "--step", "1", "--fleet", "10.0.0.1:6379")
    done = svlm_inside("bench", "streams", "--model", tiny_checkpoint, *asked, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["live_streams"] == 10
    assert report["alone"]["streams"] == 5
    assert report["times_one"] == pytest.approx(2 / 1.1)
    assert report["setting"]["workers"] == 2
    table = svlm_inside("bench", "streams", "--model", tiny_checkpoint, *asked)
    assert "2 workers do 1.818 times what one does alone, with 5 streams on each" in " ".join(table.stdout.split())


def test_what_does_not_go_with_a_fleet(svlm_inside: Svlm, tiny_checkpoint: Path) -> None:
    done = svlm_inside("bench", "streams", "--model", tiny_checkpoint, "--decode", "--fleet", "local")
    assert (done.returncode, done.stderr) == (
        2,
        "svlm: --decode and --fleet do not go together. Leave one of them out.\n",
    )


@pytest.mark.extra
@pytest.mark.timeout(400)
def test_workers_measure_on_real_ray(svlm_inside: Svlm, tiny_checkpoint: Path) -> None:
    done = svlm_inside(
        "bench", "streams", "--model", tiny_checkpoint, "--rounds", "2", "--tokens", "2", "--size", "56x56",
        "--most", "1", "--step", "1", "--fleet", "local", "--device", "cpu", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    workers = report["setting"]["workers"]
    assert report["results"][0]["streams"] == workers
    assert report["alone"]["workers"] == 1
    assert report["times_one"] > 0
    assert together.TogetherTrial(**report["alone"]).rounds == 2
