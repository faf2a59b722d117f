"""What a simulation has shown: recovery of cameras, and what they cost the supervisor. Rows for tables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from svlm_cli.bench.fleet.fates import Cause, Recovery
from svlm_cli.bench.fleet.metered import SupervisorMeter
from svlm_cli.bench.fleet.simulation import FleetSimulation

_MB = 1_000_000
_OFTEN = 0.99


@dataclass(frozen=True, slots=True)
class SupervisorCost:
    """Of one supervisor. Cores are CPU seconds per simulated second, on the machine that simulates.

    With messages: pickled, and answers hold every round of every camera. What carries the messages is not counted.
    """

    messages_per_s: float
    bytes_per_s: float
    rounds_per_s: float
    beat_us: float
    hear_us: float
    look_us: float
    beat_whole_us: float
    hear_whole_us: float
    start_s: float
    cores: float
    cores_p99: float  # of the second that 99 of 100 do not exceed
    cores_most: float
    cores_whole: float
    cameras_most: int  # that a core carries
    workers_most: int
    cameras_most_whole: int
    workers_most_whole: int


@dataclass(frozen=True, slots=True)
class FleetResult:
    """Of one simulation."""

    failures: dict[str, int]
    recoveries: tuple[Recovery, ...]
    lost_share: float  # of camera-seconds, without those until the first words
    watched_twice: int
    without_words: int  # cameras at the end
    moves: int
    events: int  # of the simulation
    supervisor: SupervisorCost


def result_of(one: FleetSimulation, without_words: int) -> FleetResult:
    """What became of a simulation that has ended."""
    setting, fates = one.setting, one.fates
    watched_s = setting.cameras * setting.end_s - fates.lost_s(Cause.START)
    lost_s = sum(fates.lost_s(cause) for cause in Cause if cause is not Cause.START)
    return FleetResult(
        failures=dict(one.failures),
        recoveries=tuple(fates.recovery(cause) for cause in Cause),
        lost_share=lost_s / watched_s,
        watched_twice=fates.watched_twice,
        without_words=without_words,
        moves=one.moves,
        events=one.deeds,
        supervisor=_cost(one.meter, setting.end_s, setting.cameras, setting.workers),
    )


def recovery_rows(result: FleetResult) -> tuple[list[str], list[list[str]]]:
    """Headings and cells: how long cameras were without words."""
    headings = ["why", "failures", "cameras", "s p50", "p95", "p99", "most", "camera-seconds lost"]
    rows = []
    for one in result.recoveries:
        times = (one.p50_s, one.p95_s, one.p99_s, one.max_s)
        failures = str(result.failures.get(one.cause, "-"))
        row = [one.cause.value, failures, str(one.cameras), *(_seconds(time) for time in times)]
        rows.append([*row, f"{one.lost_s:.0f}"])
    return headings, rows


def camera_rows(result: FleetResult) -> tuple[list[str], list[list[str]]]:
    """Headings and one row: all cameras together."""
    headings = ["lost of all camera-seconds", "watched twice", "without words at the end", "moves for balance"]
    row = [f"{result.lost_share:.5%}", str(result.watched_twice), str(result.without_words), str(result.moves)]
    return headings, [row]


def cost_rows(result: FleetResult) -> tuple[list[str], list[list[str]]]:
    """Headings and rows: the supervisor's own code, and the same with the messages."""
    headings = ["supervisor", "messages/s", "MB/s", "beat us", "hear us", "cores", "p99", "a core: cameras", "workers"]
    cost = result.supervisor
    own = [_micro(cost.beat_us), _micro(cost.hear_us), f"{cost.cores:.3f}", f"{cost.cores_p99:.3f}"]
    whole = [_micro(cost.beat_whole_us), _micro(cost.hear_whole_us), f"{cost.cores_whole:.3f}", "-"]
    rate, data = f"{cost.messages_per_s:.0f}", f"{cost.bytes_per_s / _MB:.2f}"
    return headings, [
        ["its code", rate, "-", *own, str(cost.cameras_most), str(cost.workers_most)],
        ["with messages", rate, data, *whole, str(cost.cameras_most_whole), str(cost.workers_most_whole)],
    ]


def _cost(meter: SupervisorMeter, seconds: float, cameras: int, workers: int) -> SupervisorCost:
    beats = meter.messages / 2
    looking_s = meter.looks * meter.look_s.value
    cores = (beats * (meter.beat_s.value + meter.hear_s.value) + looking_s) / seconds
    whole = (beats * (meter.whole_beat_s.value + meter.whole_hear_s.value) + looking_s) / seconds
    busy = sorted(meter.by_second_s.values())
    return SupervisorCost(
        messages_per_s=meter.messages / seconds,
        bytes_per_s=beats * (meter.beat_bytes.value + meter.answer_bytes.value) / seconds,
        rounds_per_s=meter.rounds / seconds,
        beat_us=meter.beat_s.value * 1e6,
        hear_us=meter.hear_s.value * 1e6,
        look_us=meter.look_s.value * 1e6,
        beat_whole_us=meter.whole_beat_s.value * 1e6,
        hear_whole_us=meter.whole_hear_s.value * 1e6,
        start_s=meter.start_s.value,
        cores=cores,
        cores_p99=_rank(busy, _OFTEN),
        cores_most=_rank(busy, 1.0),
        cores_whole=whole,
        cameras_most=int(cameras / cores),
        workers_most=int(workers / cores),
        cameras_most_whole=int(cameras / whole),
        workers_most_whole=int(workers / whole),
    )


def _rank(values: Sequence[float], share: float) -> float:
    return values[max(math.ceil(share * len(values)), 1) - 1]


def _seconds(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "-"


def _micro(value: float) -> str:
    return f"{value:.1f}"
