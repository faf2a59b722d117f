"""One bench after its setup: what is measured, and the report of it, as a document and as tables. Prints nothing."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from svlm_cli.bench import latency, playback, renderer, report, stages, startup, streams, together, videos
from svlm_cli.bench.fleet import result as fleet_result
from svlm_cli.bench.fleet.setting import FleetSetting
from svlm_cli.bench.fleet.simulation import FleetSimulation
from svlm_cli.bench.live import EvenEngine, prepare
from svlm_cli.bench.setup import BenchSetup
from svlm_cli.compute.device import resolve_device
from svlm_cli.core.policy import Mode
from svlm_cli.core.reporting import Reporter
from svlm_cli.engine.engine import Engine
from svlm_cli.simulator.match.match import HEIGHT, WIDTH

Rows = tuple[Sequence[str], Sequence[Sequence[str]]]
"""The headings of a table, and its cells."""


@dataclass(frozen=True, slots=True)
class BenchReport:
    """What was measured."""

    document: dict[str, Any]
    tables: tuple[Rows, ...]
    caption: str = ""  # of the tables

    def to_json(self) -> dict[str, Any]:
        """The document, in which numbers that are not finite are null."""
        return report.finite(self.document)


@contextmanager
def _rounds(reporter: Reporter, name: str, rounds: int) -> Iterator[Callable[[int], None]]:
    """Is to be told which round is done."""
    with reporter.bar(name, rounds) as show:
        yield lambda round_: show(round_ + 1)


def bench_latency(
    setup: BenchSetup, modes: Sequence[Mode], reporter: Reporter
) -> tuple[BenchReport, list[latency.StreamLatency]]:
    """Every round of a long stream, in each mode, or in the usual one; and the results, for a plot of them."""
    results = []
    for mode in modes or [setup.usual_mode]:
        engine = setup.engine(Engine, mode)
        with _rounds(reporter, mode, setup.load.rounds) as advance:
            results.append(latency.measure(engine, setup.load, advance))
        del engine  # before the next one is loaded
    caption = "* ended early: its cache is full" if any(result.ended for result in results) else ""
    document = report.results_json("latency", results, setup.told())
    return BenchReport(document, (report.latency_rows(results),), caption), results


def bench_stages(setup: BenchSetup, count: int, kernels: int, reporter: Reporter) -> BenchReport:
    """The stages of a round of so many streams, and so many kernels of each."""
    engine = setup.engine(stages.StagedEngine, max_streams=count)
    with _rounds(reporter, "rounds", setup.load.rounds) as advance:
        result = stages.measure(engine, setup.load, count, advance, kernels=kernels)
    tables = (report.stages_rows(result), *([report.kernels_rows(result)] if kernels else []))
    return BenchReport(report.results_json("stages", [result], setup.told()), tables)


def bench_memory(setup: BenchSetup, count: int) -> BenchReport:
    """What so many streams will take. Loads nothing."""
    result = setup.subject.footprint(setup.policy(), setup.place.dtype, streams=count)
    document = report.results_json("memory", [result], setup.told() | {"streams": count})
    return BenchReport(document, (report.memory_rows(result),))


def bench_playback(setup: BenchSetup, video: Path, reporter: Reporter) -> BenchReport:
    """A video file from disk to words."""
    load = setup.load
    with (
        videos.file_chunks(video, setup.policy()) as (chunks, close),
        _rounds(reporter, "rounds", load.rounds) as advance,
    ):
        engine = setup.engine(Engine)
        result = playback.measure(
            engine, chunks, close, rounds=load.rounds, tokens=load.tokens, seed=load.seed, progress=advance
        )
    told = setup.told_of_video() | {"video": videos.video_facts(video)}
    return BenchReport(report.results_json("playback", [result], told), (report.playback_rows(result),))


def bench_startup(setup: BenchSetup) -> BenchReport:
    """The time of this process from its start to its first word."""
    result = startup.measure(lambda: setup.engine(Engine), setup.load)
    return BenchReport(report.results_json("startup", [result], setup.told()), (report.startup_rows(result),))


def bench_streams(setup: BenchSetup, most: int, step: int, reporter: Reporter) -> BenchReport:
    """How many streams of pictures in memory keep up."""
    engine = setup.engine(Engine, max_streams=most)
    trials = streams.find_most(
        lambda count: streams.attempt(engine, setup.load, count),
        most=most,
        step=step,
        progress=lambda trial: _tell_trial(reporter, trial.streams, trial.round_s_p99),
    )
    return BenchReport(report.streams_json(trials, setup.told()), (report.streams_rows(trials),))


def bench_together(setup: BenchSetup, address: str, most: int, step: int, reporter: Reporter) -> BenchReport:
    """How many streams of pictures in memory keep up on each worker of a fleet, all at once; and on one alone."""
    with together.crew_at(address, setup, most) as crew:
        trials = streams.find_most(
            crew.attempt,
            most=most,
            step=step,
            progress=lambda trial: _tell_trial(reporter, trial.streams, trial.round_s_p99),
        )
        workers = crew.workers
        each = max((one.streams // workers for one in trials if one.live), default=step)
        alone = crew.attempt(each, alone=True)
    kept = next(one for one in [*trials, alone] if one.streams == each * one.workers)
    document = report.streams_json(trials, setup.told() | {"workers": workers, "cpus": os.cpu_count()})
    document |= {"alone": asdict(alone), "times_one": kept.rounds_per_s / alone.rounds_per_s}
    caption = f"{workers} workers do {document['times_one']:.3f} times what one does alone, with {each} streams on each"
    return BenchReport(document, (report.together_rows([alone, *trials]),), caption)


def bench_live(setup: BenchSetup, video: Path | None, most: int, step: int, reporter: Reporter) -> BenchReport:
    """How many streams of a video keep up, or of one that is made for the time being, decoding included."""
    load = setup.load
    with videos.video_or_sample(video, load.width, load.height) as shown:
        facts = videos.video_facts(shown)
        engine = setup.engine(EvenEngine, max_streams=most)
        engine.tokens = load.tokens
        prepare(engine, replace(load, width=facts["width"], height=facts["height"]))
        trials = streams.find_most(
            lambda count: videos.attempt_live(engine, shown, count, load.rounds),
            most=most,
            step=step,
            progress=lambda trial: _tell_trial(reporter, trial.streams, trial.latency_s_p99),
        )
    told = setup.told_of_video() | {"decode": True, "video": facts, "cpus": os.cpu_count()}
    return BenchReport(report.streams_json(trials, told), (report.live_rows(trials),))


def bench_renderer(device: str, batch: int, batches: int) -> BenchReport:
    """The drawing of simulated matches."""
    result = renderer.measure(resolve_device(device), batch=batch, batches=batches)
    setting = {"matches": renderer.MATCHES, "width": WIDTH, "height": HEIGHT}
    return BenchReport(report.results_json("renderer", [result], setting), (report.renderer_rows(result),))


def bench_fleet(setting: FleetSetting, reporter: Reporter) -> tuple[BenchReport, FleetSimulation]:
    """Cameras over a simulated fleet; and the simulation, for a plot of it."""
    simulation = FleetSimulation(setting)
    with reporter.bar("minutes", math.ceil(setting.end_s / 60)) as advance:
        found = fleet_result.result_of(simulation, simulation.run(advance))
    document = {"bench": "fleet", "setting": asdict(setting), "results": [asdict(found)]}
    tables = tuple(
        rows(found) for rows in (fleet_result.recovery_rows, fleet_result.camera_rows, fleet_result.cost_rows)
    )
    return BenchReport(document, tables), simulation


def _tell_trial(reporter: Reporter, count: int, p99_s: float) -> None:
    reporter.show(f"svlm: {count} streams: {p99_s * 1000:.0f} ms at the 99th percentile")
