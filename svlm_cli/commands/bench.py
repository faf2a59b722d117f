"""``svlm bench``: how fast and how flat a stream is on this machine. The measuring is in ``bench/``."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from svlm_cli.checkpoints import policy_changes
from svlm_cli.cli.command import given
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.cli.values import size_of
from svlm_cli.commands import options
from svlm_cli.commands.loading import place_of, settled_name
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode
from svlm_cli.outputs.tables import add_rows, table_console

if TYPE_CHECKING:
    from svlm_cli.bench.runs import BenchReport
    from svlm_cli.bench.setup import BenchSetup

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Measure speed and memory.")

Size = Annotated[str, Panel.MEASURING.option("--size", metavar="WxH", help="Size of the generated pictures.")]
Streams = Annotated[int, Panel.MEASURING.option(min=1, help="Number of streams in one batch.")]


@dataclass(frozen=True, slots=True)
class BenchOptions(options.EngineOptions):
    """The options that all benches of streams share."""

    model: options.Model = None
    random_weights: Annotated[
        str | None,
        Panel.MODEL.option(metavar="3b|7b", help="Use Qwen2.5-VL of this size with random weights instead of a model."),
    ] = None
    tokens: Annotated[int, Panel.MEASURING.option(min=1, help="Exact number of tokens generated per round.")] = 20
    pair_tokens: Annotated[
        int | None,
        Panel.MEASURING.option(
            min=4, help="Maximum number of visual tokens per pair of frames.", show_default="the model's"
        ),
    ] = None
    vision_tokens: Annotated[
        int | None,
        Panel.MEASURING.option(
            min=0, help="Maximum number of visual tokens in the vision window.", show_default="the model's"
        ),
    ] = None
    size: Size = "1280x720"
    as_json: options.Json = False

    def setup(self, rounds: int) -> "BenchSetup":
        """`UsageError` if the options contradict each other or this machine."""
        width, height = size_of(self.size)
        if self.random_weights is not None and given("model"):
            raise UsageError("A model has weights of its own.", "Leave out --model, or --random-weights.")
        if policy_changes.read(single=self.policy_keys or ()).asks("sampling.max_new_tokens"):
            raise UsageError("A bench generates --tokens in every round.", "Give --tokens, not --set.")
        changes = policy_changes.read(self.policy, self.policy_keys or ())
        from svlm_cli.bench.latency import Load
        from svlm_cli.bench.setup import BenchSetup, with_kernel
        from svlm_cli.bench.subject import Subject

        place = with_kernel(place_of(self))
        if self.random_weights is None:
            model = settled_name(self.model, self)
            subject = Subject.named(model, self.revision, offline=self.offline, quiet=self.quiet)
        else:
            subject = Subject.random(self.random_weights)
        load = Load(rounds, self.tokens, width, height, self.seed)
        return BenchSetup(subject, place, load, changes, self.fps, self.vision_tokens, self.pair_tokens)

    def require_made_up(self) -> None:
        """`UsageError` if --size was asked for where a video has its own."""
        if given("size"):
            raise UsageError("A video has a size of its own.", "Leave out --size, or the video.")


@dataclass(frozen=True, slots=True)
class _LatencyOptions(BenchOptions):
    rounds: Annotated[
        int, Panel.MEASURING.option(min=1, help="Number of rounds, each one second of generated video.")
    ] = 1000
    mode: Annotated[
        list[Mode] | None, Panel.MEASURING.option(metavar="|".join(Mode), help="Mode to measure. Repeatable.")
    ] = None
    plot: Annotated[
        Path | None, Panel.MEASURING.option(metavar="FILE.png", help="Plot the time per token over the stream.")
    ] = None


@app.command()
@takes(_LatencyOptions)
def latency(one: _LatencyOptions) -> None:
    """Time every round of a long stream: is the last minute as fast as the first, and does memory stay flat?"""
    setup = one.setup(one.rounds)
    from svlm_cli.bench.plots import draw_latency
    from svlm_cli.bench.runs import bench_latency
    from svlm_cli.outputs.figures import require_plot

    if one.plot is not None:
        require_plot(one.plot, makes_folders=False)
    found, results = bench_latency(setup, one.mode or (), one)
    _show(found, as_json=one.as_json)
    if one.plot is not None:
        draw_latency(results, one.plot, setup.policy().chunk_seconds)


@dataclass(frozen=True, slots=True)
class _StagesOptions(BenchOptions):
    streams: Streams = 1
    rounds: Annotated[
        int, Panel.MEASURING.option(min=1, help="Number of rounds to time, once all windows are full.")
    ] = 40
    kernels: Annotated[
        int,
        Panel.MEASURING.option(
            min=0, help="Profile one more round, and list this many kernels of each stage, longest first."
        ),
    ] = 0


@app.command()
@takes(_StagesOptions)
def stages(one: _StagesOptions) -> None:
    """Time the stages of a round: vision encoder, eviction, prefill, decode."""
    setup = one.setup(one.rounds)
    from svlm_cli.bench.runs import bench_stages

    _show(bench_stages(setup, one.streams, one.kernels, one), as_json=one.as_json)


@dataclass(frozen=True, slots=True)
class _MemoryOptions(BenchOptions):
    streams: Streams = 1


@app.command()
@takes(_MemoryOptions)
def memory(one: _MemoryOptions) -> None:
    """Estimate how much memory streams take, from shapes alone; nothing is loaded."""
    setup = one.setup(1)
    from svlm_cli.bench.runs import bench_memory

    _show(bench_memory(setup, one.streams), as_json=one.as_json)


@dataclass(frozen=True, slots=True)
class _PlaybackOptions(BenchOptions):
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file.")] = field(kw_only=True)
    rounds: Annotated[
        int, Panel.MEASURING.option(min=1, help="Number of rounds to time, once all windows are full.")
    ] = 100


@app.command()
@takes(_PlaybackOptions)
def playback(one: _PlaybackOptions) -> None:
    """Time a video file from disk to words: does decoding slow the model down?"""
    setup = one.setup(one.rounds)
    one.require_made_up()
    from svlm_cli.bench.runs import bench_playback

    _show(bench_playback(setup, one.video, one), as_json=one.as_json)


@app.command()
@takes(BenchOptions)
def startup(asked: BenchOptions) -> None:
    """Time this process from its start to the first word.

    Compiled kernels are cached in ~/.triton, or in TRITON_CACHE_DIR. With an empty cache, the start is cold.
    """
    setup = asked.setup(2)
    from svlm_cli.bench.runs import bench_startup

    _show(bench_startup(setup), as_json=asked.as_json)


@dataclass(frozen=True, slots=True)
class _StreamsOptions(BenchOptions):
    video: Annotated[
        Path | None, typer.Argument(metavar="VIDEO", help="A video file for --decode.", show_default="a generated one")
    ] = None
    decode: Annotated[
        bool,
        Panel.MEASURING.option(
            "--decode", help="Read and decode videos in real time, instead of using pictures in memory."
        ),
    ] = False
    most: Annotated[int, Panel.MEASURING.option(min=1, help="Maximum number of streams to try.")] = 64
    step: Annotated[int, Panel.MEASURING.option(min=1, help="Try multiples of this number.")] = 4
    rounds: Annotated[
        int, Panel.MEASURING.option(min=1, help="Number of rounds of each trial, once all windows are full.")
    ] = 100


@app.command()
@takes(_StreamsOptions)
def streams(one: _StreamsOptions) -> None:
    """Find how many live streams this device keeps up with: 99 of 100 rounds must take less time than they cover.

    With --decode, a round is timed from the arrival of its newest frame to its last word, and no frame may be dropped.
    """
    if one.step > one.most:
        raise UsageError(f"There is no multiple of {one.step} up to {one.most}.", "Lower --step or raise --most.")
    if one.video is not None and not one.decode:
        raise UsageError("A video is read only with --decode.", "Add --decode, or leave out the video.")
    setup = one.setup(one.rounds)
    if one.video is not None:
        one.require_made_up()
    from svlm_cli.bench.runs import bench_live, bench_streams

    if one.decode:
        found = bench_live(setup, one.video, one.most, one.step, one)
    else:
        found = bench_streams(setup, one.most, one.step, one)
    _show(found, as_json=one.as_json)


@app.command("video")
def make_video(
    output: Annotated[Path, typer.Argument(metavar="OUT.mp4", help="Where to write it.")],
    seconds: Annotated[float, Panel.MEASURING.option(min=1.0, help="Length of the video.")] = 80.0,
    size: Size = "1280x720",
    overwrite: options.Overwrite = False,
) -> None:
    """Make a video to measure with: H.264, 25 frames per second, 4 Mbit/s at 720p, with motion everywhere."""
    from svlm_cli.media.sample import make_sample

    width, height = size_of(size)
    if width % 2 or height % 2:
        raise UsageError(f"A video of {size} cannot be made.", "Take an even width and height.")
    make_sample(output, width=width, height=height, seconds=seconds, overwrite=overwrite)


@app.command()
def renderer(
    device: options.Device = "auto",
    batch: Annotated[int, Panel.MEASURING.option(min=1, max=16384, help="Number of pictures drawn at once.")] = 1024,
    batches: Annotated[int, Panel.MEASURING.option(min=1, help="Number of batches to time.")] = 20,
    as_json: options.Json = False,
) -> None:
    """Time the rendering of simulated matches as in training: how many pictures per second on this device?"""
    from svlm_cli.bench.runs import bench_renderer

    _show(bench_renderer(device, batch, batches), as_json=as_json)


def _show(found: "BenchReport", *, as_json: bool) -> None:
    """What was measured: one JSON document for programs, or tables for people."""
    from svlm_cli.bench.report import print_json

    if as_json:
        print_json(found.document, sys.stdout)
        return
    for headings, rows in found.tables:
        table = Table(*headings, caption=found.caption or None)
        add_rows(table, rows)
        table_console().print(table)
