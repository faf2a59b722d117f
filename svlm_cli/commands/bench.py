"""``svlm bench``: how fast and how flat a stream is on this machine. The measuring is in ``bench/``."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from svlm_cli.commands import options
from svlm_cli.commands.bench_live import attempt_live, video_facts, video_or_sample
from svlm_cli.commands.bench_setup import BenchOptions, Size, StreamSetup, size_of
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.tables import add_rows, bar, table_console
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Measure speed and memory.")


@dataclass(frozen=True, slots=True)
class _LatencyOptions:
    asked: BenchOptions = field(default_factory=BenchOptions)
    rounds: Annotated[int, Panel.MEASURING.option(min=1, help="Seconds of made-up video.")] = 1000
    mode: Annotated[list[Mode] | None, Panel.MEASURING.option(help="May be given several times.")] = None
    plot: Annotated[
        Path | None, Panel.MEASURING.option(metavar="FILE.png", help="Draw the time of a token over time.")
    ] = None


@app.command()
@options.takes(_LatencyOptions)
def latency(one: _LatencyOptions) -> None:
    """Time every round of a long stream: is its last minute as fast as its first, and is its memory flat?"""
    setup = StreamSetup.of(one.asked, one.rounds)
    from svlm_cli.bench.latency import measure
    from svlm_cli.bench.plots import draw_latency
    from svlm_cli.bench.report import latency_rows, results_json
    from svlm_cli.engine.engine import Engine
    from svlm_cli.outputs.figures import require_plot

    if one.plot is not None:
        require_plot(one.plot, makes_folders=False)
    results = []
    for mode in one.mode or [setup.usual_mode]:
        engine = setup.subject.engine(setup.policy(mode), Engine, setup.place)
        with _progress(mode, one.rounds, one.asked) as advance:
            results.append(measure(engine, setup.load, advance))
        del engine  # before the next one is loaded
    ended = any(result.ended for result in results)
    table = _table(*latency_rows(results), "* ended early: its cache is full" if ended else "")
    _show(results_json("latency", results, setup.told()), table, as_json=one.asked.as_json)
    if one.plot is not None:
        draw_latency(results, one.plot, setup.policy().chunk_seconds)


@dataclass(frozen=True, slots=True)
class _StagesOptions:
    asked: BenchOptions = field(default_factory=BenchOptions)
    streams: Annotated[int, Panel.MEASURING.option(min=1, help="Side by side.")] = 1
    rounds: Annotated[
        int, Panel.MEASURING.option(min=1, help="Seconds of made-up video, once all windows are full.")
    ] = 40
    kernels: Annotated[
        int,
        Panel.MEASURING.option(min=0, help="Profile one more round: so many kernels of each stage, the longest first."),
    ] = 0


@app.command()
@options.takes(_StagesOptions)
def stages(one: _StagesOptions) -> None:
    """Time the stages of a round: looking at the frames, forgetting, reading, and speaking."""
    setup = StreamSetup.of(one.asked, one.rounds)
    from svlm_cli.bench.report import kernels_rows, results_json, stages_rows
    from svlm_cli.bench.stages import StagedEngine, measure

    engine = setup.subject.engine(setup.policy(), StagedEngine, setup.place, max_streams=one.streams)
    with _progress("rounds", one.rounds, one.asked) as advance:
        result = measure(engine, setup.load, one.streams, advance, kernels=one.kernels)
    tables = [stages_rows(result), *([kernels_rows(result)] if one.kernels else [])]
    report = results_json("stages", [result], setup.told())
    _show(report, *(_table(*rows) for rows in tables), as_json=one.asked.as_json)


@dataclass(frozen=True, slots=True)
class _MemoryOptions:
    asked: BenchOptions = field(default_factory=BenchOptions)
    streams: Annotated[int, Panel.MEASURING.option(min=1, help="Side by side.")] = 1


@app.command()
@options.takes(_MemoryOptions)
def memory(one: _MemoryOptions) -> None:
    """Say how much memory streams will take, from shapes alone: nothing is loaded."""
    setup = StreamSetup.of(one.asked, 1)
    from svlm_cli.bench.report import memory_rows, results_json

    result = setup.subject.footprint(setup.policy(), setup.place.dtype, streams=one.streams)
    told = setup.told() | {"streams": one.streams}
    _show(results_json("memory", [result], told), _table(*memory_rows(result)), as_json=one.asked.as_json)


@dataclass(frozen=True, slots=True)
class _PlaybackOptions:
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A file.")]
    asked: BenchOptions = field(default_factory=BenchOptions)
    rounds: Annotated[int, Panel.MEASURING.option(min=1, help="Seconds of it, after those that fill the windows.")] = (
        100
    )


@app.command()
@options.takes(_PlaybackOptions)
def playback(one: _PlaybackOptions) -> None:
    """Time a video file from disk to words: does its decoding hold up the model?"""
    setup = StreamSetup.of(one.asked, one.rounds)
    setup.require_made_up()
    from svlm_cli.bench.playback import measure
    from svlm_cli.bench.report import playback_rows, results_json
    from svlm_cli.engine.engine import Engine
    from svlm_cli.pipeline.chunker import chunks
    from svlm_cli.sources.files import open_frames

    policy = setup.policy()
    fps, tokens, seed = policy.vision.fps, one.asked.tokens, one.asked.seed
    enough_pixels = policy.vision.enough_pixels
    with (
        open_frames(one.video, fps=fps, enough_pixels=enough_pixels) as frames,
        _progress("rounds", one.rounds, one.asked) as advance,
    ):
        engine = setup.subject.engine(policy, Engine, setup.place)
        source = chunks(frames, fps=fps, chunk_seconds=policy.chunk_seconds)
        result = measure(engine, source, frames.close, rounds=one.rounds, tokens=tokens, seed=seed, progress=advance)
    told = setup.told_of_video() | {"video": video_facts(one.video)}
    _show(results_json("playback", [result], told), _table(*playback_rows(result)), as_json=one.asked.as_json)


@app.command()
@options.takes(BenchOptions)
def startup(asked: BenchOptions) -> None:
    """Time this process from its start to its first word.

    What was compiled once is kept, in ~/.triton or where TRITON_CACHE_DIR says: with an empty folder the start is cold.
    """
    setup = StreamSetup.of(asked, 2)
    from svlm_cli.bench.report import results_json, startup_rows
    from svlm_cli.bench.startup import measure
    from svlm_cli.engine.engine import Engine

    result = measure(lambda: setup.subject.engine(setup.policy(), Engine, setup.place), setup.load)
    _show(results_json("startup", [result], setup.told()), _table(*startup_rows(result)), as_json=asked.as_json)


@dataclass(frozen=True, slots=True)
class _StreamsOptions:
    video: Annotated[
        Path | None, typer.Argument(metavar="[VIDEO]", help="A file for --decode.", show_default="one that is made up")
    ] = None
    asked: BenchOptions = field(default_factory=BenchOptions)
    decode: Annotated[
        bool,
        Panel.MEASURING.option(
            "--decode", help="Videos that are read at their own pace and decoded, instead of pictures in memory."
        ),
    ] = False
    most: Annotated[int, Panel.MEASURING.option(min=1, help="No more streams than these are tried.")] = 64
    step: Annotated[int, Panel.MEASURING.option(min=1, help="Multiples of this number are tried.")] = 4
    rounds: Annotated[int, Panel.MEASURING.option(min=1, help="Of each trial, once all windows are full.")] = 100


@app.command()
@options.takes(_StreamsOptions)
def streams(one: _StreamsOptions) -> None:
    """Find how many live streams this device keeps up with: 99 of 100 rounds take less time than they show.

    With --decode from the arrival of a round's newest frame to its last word, decoding included, and nothing is lost.
    """
    if one.step > one.most:
        raise UsageError(f"There is no multiple of {one.step} up to {one.most}.", "Lower --step or raise --most.")
    if one.video is not None and not one.decode:
        raise UsageError("Pictures in memory come from no video.", "Add --decode, or leave out the video.")
    setup = StreamSetup.of(one.asked, one.rounds)
    if one.decode:
        _live_streams(setup, one)
        return
    from svlm_cli.bench.report import streams_json, streams_rows
    from svlm_cli.bench.streams import attempt, find_most
    from svlm_cli.engine.engine import Engine

    engine = setup.subject.engine(setup.policy(), Engine, setup.place, max_streams=one.most)
    trials = find_most(
        lambda count: attempt(engine, setup.load, count),
        most=one.most,
        step=one.step,
        progress=lambda trial: _tell_trial(trial.streams, trial.round_s_p99, one.asked),
    )
    _show(streams_json(trials, setup.told()), _table(*streams_rows(trials)), as_json=one.asked.as_json)


def _live_streams(setup: StreamSetup, one: _StreamsOptions) -> None:
    if one.video is not None:
        setup.require_made_up()
    from svlm_cli.bench.live import EvenEngine, prepare
    from svlm_cli.bench.report import live_rows, streams_json
    from svlm_cli.bench.streams import find_most

    load = setup.load
    with video_or_sample(one.video, load.width, load.height) as video:
        facts = video_facts(video)
        engine = setup.subject.engine(setup.policy(), EvenEngine, setup.place, max_streams=one.most)
        engine.tokens = load.tokens
        prepare(engine, replace(load, width=facts["width"], height=facts["height"]))
        trials = find_most(
            lambda count: attempt_live(engine, video, count, one.rounds),
            most=one.most,
            step=one.step,
            progress=lambda trial: _tell_trial(trial.streams, trial.latency_s_p99, one.asked),
        )
    told = setup.told_of_video() | {"decode": True, "video": facts, "cpus": os.cpu_count()}
    _show(streams_json(trials, told), _table(*live_rows(trials)), as_json=one.asked.as_json)


def _tell_trial(streams: int, p99_s: float, asked: BenchOptions) -> None:
    if not asked.quiet:
        _tell(f"{streams} streams: {p99_s * 1000:.0f} ms at the 99th percentile")


@app.command("video")
def make_video(
    output: Annotated[Path, typer.Argument(metavar="OUT.mp4", help="Where to.")],
    seconds: Annotated[float, Panel.MEASURING.option(min=1.0, help="How long it is.")] = 80.0,
    size: Size = "1280x720",
    overwrite: options.Overwrite = False,
) -> None:
    """Make a video to measure with: H.264, 25 pictures a second, 4 Mbit/s at 720p, and everything in it moves."""
    from svlm_cli.media.sample import make_sample

    width, height = size_of(size)
    if width % 2 or height % 2:
        raise UsageError(f"A video of {size} cannot be made.", "Take an even width and height.")
    make_sample(output, width=width, height=height, seconds=seconds, overwrite=overwrite)


@app.command()
def renderer(
    device: options.Device = "auto",
    batch: Annotated[int, Panel.MEASURING.option(min=1, max=16384, help="Pictures drawn at once.")] = 1024,
    batches: Annotated[int, Panel.MEASURING.option(min=1, help="How often.")] = 20,
    as_json: options.Json = False,
) -> None:
    """Time the drawing of simulated matches, as training does it: how many pictures a second on this device?"""
    from svlm_cli.bench.renderer import MATCHES, measure
    from svlm_cli.bench.report import renderer_rows, results_json
    from svlm_cli.compute.device import resolve_device
    from svlm_cli.simulator.match.match import HEIGHT, WIDTH

    result = measure(resolve_device(device), batch=batch, batches=batches)
    setting = {"matches": MATCHES, "width": WIDTH, "height": HEIGHT}
    _show(results_json("renderer", [result], setting), _table(*renderer_rows(result)), as_json=as_json)


def _tell(line: str) -> None:
    typer.echo(f"svlm: {line}", err=True)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Table:
    table = Table(*headings, caption=caption or None)
    add_rows(table, rows)
    return table


def _show(report: dict[str, Any], *tables: Table, as_json: bool) -> None:
    """What was measured: one JSON document for programs, or tables for people."""
    from svlm_cli.bench.report import print_json

    if as_json:
        print_json(report, sys.stdout)
        return
    for table in tables:
        table_console().print(table)


@contextmanager
def _progress(name: str, rounds: int, asked: BenchOptions) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, if that is a terminal; told which round is done."""
    with bar(name, rounds, quiet=asked.quiet) as (show, _):
        yield lambda round_: show(round_ + 1)
