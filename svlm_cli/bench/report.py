"""Results of benchmarks as tables for people, and as one object for programs."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from svlm_cli.bench.latency import StreamLatency
from svlm_cli.bench.live import LiveTrial
from svlm_cli.bench.playback import Playback
from svlm_cli.bench.renderer import Drawing
from svlm_cli.bench.stages import Stages
from svlm_cli.bench.startup import Startup
from svlm_cli.bench.streams import Trial
from svlm_cli.bench.together import TogetherTrial
from svlm_cli.engine.footprint import Footprint

MS = 1000
MB = 1_000_000
GB = 1_000_000_000
_NAME_LENGTH = 60


def latency_rows(results: Sequence[StreamLatency]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table of `svlm bench latency`."""
    headings = ["mode", "rounds", "context", "round ms", "p99", "full", "200-300", "last 100", "ratio", "token ms"]
    headings.append("grown MB")
    rows = [
        [
            result.mode,
            str(result.rounds) + ("*" if result.ended else ""),
            str(result.context_tokens),
            _number(result.round_s_median, MS),
            _number(result.round_s_p99, MS),
            _number(result.round_s_full, MS),
            _number(result.round_s_settled, MS),
            _number(result.round_s_last, MS),
            _number(result.last_over_settled, 1, digits=3),
            _number(result.token_s_median, MS),
            _number(result.resident_growth_bytes, 1 / MB),
        ]
        for result in results
    ]
    return headings, rows


def stages_rows(result: Stages) -> tuple[list[str], list[list[str]]]:
    """Headings and the one row of the table of `svlm bench stages`."""
    headings = ["streams", "context", "vision ms", "eviction", "prefill", "decode", "a step", "round", "peak GB"]
    times = (
        result.vision_s,
        result.eviction_s,
        result.prefill_s,
        result.decode_s,
        result.step_s,
        result.round_s,
    )
    row = [str(result.streams), str(result.context_tokens), *(_number(one, MS) for one in times)]
    return headings, [[*row, _number(result.peak_bytes, 1 / GB)]]


def kernels_rows(result: Stages) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the table of `svlm bench stages --kernels`. Long kernel names are shortened."""
    rows = [
        [one.stage, one.name[:_NAME_LENGTH], str(one.calls), _number(one.seconds, MS, digits=3)]
        for one in result.kernels
    ]
    return ["stage", "kernel", "calls", "ms"], rows


def memory_rows(result: Footprint) -> tuple[list[str], list[list[str]]]:
    """Headings and the one row of the table of `svlm bench memory`."""
    parts = (result.weights, result.cache, result.working, result.total)
    return ["weights GB", "cache", "a round", "at most"], [[_number(one, 1 / GB) for one in parts]]


def streams_rows(trials: Sequence[Trial]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table of `svlm bench streams`."""
    rows = [
        [str(one.streams), _number(one.round_s_median, MS), _number(one.round_s_p99, MS), "yes" if one.live else "no"]
        for one in trials
    ]
    return ["streams", "round ms", "p99", "live"], rows


def together_rows(trials: Sequence[TogetherTrial]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table of `svlm bench streams --fleet`."""
    rows = []
    for one in trials:
        times = (_number(one.round_s_median, MS), _number(one.round_s_p99, MS))
        row = [str(one.workers), str(one.streams), *times, _number(one.rounds_per_s, 1, digits=1)]
        rows.append([*row, "yes" if one.live else "no"])
    return ["workers", "streams", "round ms", "p99", "rounds a second", "live"], rows


def live_rows(trials: Sequence[LiveTrial]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table of `svlm bench streams --decode`."""
    headings = ["streams", "rounds", "latency ms", "p99", "longest", "dropped", "cores svlm", "decoding", "live"]
    rows = []
    for one in trials:
        times = (one.latency_s_median, one.latency_s_p99, one.latency_s_most)
        cores = (one.cpu_cores_svlm, one.cpu_cores_decoding)
        row = [str(one.streams), str(one.rounds), *(_number(time, MS, digits=0) for time in times), str(one.dropped)]
        rows.append([*row, *(_number(count, 1, digits=1) for count in cores), "yes" if one.live else "no"])
    return headings, rows


def playback_rows(result: Playback) -> tuple[list[str], list[list[str]]]:
    """Headings and the one row of the table of `svlm bench playback`."""
    row = [f"{result.width}x{result.height}", str(result.rounds)]
    row += [_number(one, MS) for one in (result.round_s, result.work_s, result.wait_s)]
    return ["pictures", "rounds", "round ms", "model", "waiting for frames"], [row]


def startup_rows(result: Startup) -> tuple[list[str], list[list[str]]]:
    """Headings and the one row of the table of `svlm bench startup`."""
    times = (result.import_s, result.load_s, result.first_word_s, result.total_s, result.second_round_s)
    return ["imports s", "weights", "first word", "in all", "second round"], [[_number(one, 1) for one in times]]


def renderer_rows(result: Drawing) -> tuple[list[str], list[list[str]]]:
    """Headings and the one row of the table of `svlm bench renderer`."""
    headings = ["device", "batch", "batches", "batch ms", "frames a second"]
    row = [result.device, str(result.batch), str(result.batches), _number(result.batch_s_median, MS)]
    return headings, [[*row, _number(result.frames_per_s, 1, digits=0)]]


def results_json(
    bench: str,
    results: Sequence[StreamLatency | Stages | Footprint | Playback | Startup | Drawing],
    setting: dict[str, Any],
) -> dict[str, Any]:
    """The object of most benchmarks: setting and results."""
    return {"bench": bench, "setting": setting, "results": [asdict(result) for result in results]}


def streams_json(trials: Sequence[Trial | LiveTrial | TogetherTrial], setting: dict[str, Any]) -> dict[str, Any]:
    """The object of `svlm bench streams`: the setting, the trials, and the largest number of live streams."""
    most = max((one.streams for one in trials if one.live), default=0)
    return {"bench": "streams", "setting": setting, "results": [asdict(one) for one in trials], "live_streams": most}


def _number(value: float | None, scale: float, *, digits: int = 2) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value * scale:.{digits}f}"


def finite(values: dict[str, Any]) -> dict[str, Any]:
    """The same, for JSON: numbers that are not finite are None."""
    return {key: _finite(value) for key, value in values.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
