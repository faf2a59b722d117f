"""A simulated fleet: what fails recovers in time, whatever is counted is so, and nothing depends on the run."""

import math
from dataclasses import replace

import pytest

from svlm_cli.bench.fleet.fates import Cause, Recovery
from svlm_cli.bench.fleet.result import FleetResult, camera_rows, cost_rows, recovery_rows, result_of
from svlm_cli.bench.fleet.setting import FleetSetting
from svlm_cli.bench.fleet.simulation import FleetSimulation
from svlm_cli.core.errors import UsageError

_BACK_S = 20.0
_QUIET = FleetSetting(
    nodes=6, gpus=2, cameras=300, hours=0.12, failing=0.0, gpu_failing=0.0, partitions=0, supervisor_deaths=0
)


def _run(setting: FleetSetting) -> FleetResult:
    one = FleetSimulation(setting)
    return result_of(one, one.run())


def _of(result: FleetResult, cause: Cause) -> Recovery:
    return next(one for one in result.recoveries if one.cause is cause)


def test_all_start_and_then_nothing_happens() -> None:
    """Guards the share of lost seconds against what belongs to the start."""
    result = _run(replace(_QUIET, lost=0.0, tail=0.0))
    assert _of(result, Cause.START).cameras == 300
    assert _of(result, Cause.START).max_s < _QUIET.loading_s + _BACK_S
    assert (result.lost_share, result.moves, result.watched_twice, result.without_words) == (0.0, 0, 0, 0)


@pytest.mark.parametrize(
    ("changed", "cause", "least_s"),
    [
        pytest.param({"failing": 12.0}, Cause.NODE, 8.5, id="node"),
        pytest.param({"gpu_failing": 10.0}, Cause.GPU, 0.5, id="gpu"),
        pytest.param({"partitions": 2}, Cause.PARTITION, 8.5, id="partition"),
        pytest.param({"supervisor_deaths": 1, "supervisor_away_s": 9.0}, Cause.SUPERVISOR, 9.0, id="supervisor"),
    ],
)
def test_words_go_on_soon_after_failures(changed: dict[str, float], cause: Cause, least_s: float) -> None:
    """Guards the promise of 20 s, and each number against being counted under another failure's name."""
    setting = replace(_QUIET, **changed)  # type: ignore[arg-type]
    result = _run(setting)
    found = _of(result, cause)
    assert result.failures[cause.value] > 0
    assert found.cameras > 0
    assert least_s < found.p50_s < found.max_s < _BACK_S + setting.supervisor_away_s * (cause is Cause.SUPERVISOR)
    assert result.watched_twice == result.without_words == 0
    others = set(Cause) - {Cause.START, Cause.MOVE, cause}
    assert [_of(result, other).cameras for other in others] == [0, 0, 0, 0]
    watched_s = setting.cameras * setting.end_s - _of(result, Cause.START).lost_s
    assert math.isclose(result.lost_share * watched_s, found.lost_s + _of(result, Cause.MOVE).lost_s)


def test_a_supervisor_that_is_soon_back_costs_nothing() -> None:
    """Guards leases that are shorter than the start of a supervisor."""
    result = _run(replace(_QUIET, supervisor_deaths=2, supervisor_away_s=5.0))
    assert result.failures == {"supervisor": 2}
    assert result.lost_share < 1e-5  # messages are lost as well


def test_two_watchers_would_be_seen() -> None:
    """Guards the zero in the report: cameras that close later than the margin of leases are watched twice."""
    assert _run(replace(_QUIET, partitions=2, closing_s=3.0)).watched_twice > 0


def test_the_seed_decides_all_but_the_time_it_takes() -> None:
    """Guards figures that nobody can repeat."""
    setting = replace(_QUIET, failing=12.0, partitions=1, supervisor_deaths=1)
    first, second, other = _run(setting), _run(setting), _run(replace(setting, seed=1))

    def fate(one: FleetResult) -> tuple[object, ...]:
        return one.failures, [str(each) for each in one.recoveries], one.lost_share, one.moves, one.events

    assert fate(first) == fate(second)
    assert fate(first) != fate(other)


def test_messages_are_those_that_were_sent() -> None:
    """Guards the load of a supervisor: a beat and an answer a second for each worker, and a round for each camera."""
    cost = _run(_QUIET).supervisor
    assert math.isclose(cost.messages_per_s, 2 * 12, rel_tol=0.05)
    assert math.isclose(cost.rounds_per_s, 300, rel_tol=0.1)
    assert cost.bytes_per_s > 300 * 100, "each round has its words"
    assert 0 < cost.cores < cost.cores_whole
    assert cost.cameras_most > cost.cameras_most_whole > 300


def test_tables_are_as_wide_as_their_headings() -> None:
    """Guards cells under the wrong heading."""
    result = _run(replace(_QUIET, failing=12.0))
    for headings, rows in (recovery_rows(result), camera_rows(result), cost_rows(result)):
        assert {len(row) for row in rows} == {len(headings)}
    assert recovery_rows(result)[1][-1][3] == "-" or result.moves


@pytest.mark.parametrize(("changed", "said"), [({"cameras": 1153}, "1152 cameras at most"), ({"hours": 0.04}, "short")])
def test_what_cannot_be_simulated_is_refused(changed: dict[str, float], said: str) -> None:
    """Guards against cameras that never get a place, and failures that have no time to happen."""
    with pytest.raises(UsageError, match=said):
        replace(_QUIET, **changed)  # type: ignore[arg-type]
