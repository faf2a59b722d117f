"""``svlm bench``: how fast and how flat a stream is on this machine. The measuring is in ``bench/``."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.commands import options
from svlm_cli.commands.command import given
from svlm_cli.commands.messages import ExitCode
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.tables import bar, table_console
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode, StreamPolicy

if TYPE_CHECKING:
    import torch

    from svlm_cli.bench.latency import Load
    from svlm_cli.bench.subject import Place, Subject

_PIXELS_PER_TOKEN = 28 * 28  # in every release of the architecture

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Measure speed and memory. The last line of stdout is JSON."
)


@app.callback()
def _bench() -> None:
    """Measure speed and memory. The last line of stdout is JSON."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options that all benches of streams share."""

    model: options.Model = None
    random_weights: Annotated[
        str | None,
        typer.Option(
            "--random-weights",
            metavar="3b|7b",
            help="Instead of a model: Qwen2.5-VL of that size, with random weights.",
            rich_help_panel=Panel.MODEL,
        ),
    ] = None
    revision: options.Revision = None
    offline: options.Offline = False
    device: options.Device = "auto"
    dtype: options.Dtype = "auto"
    attention: options.Attention = "auto"
    graphs: options.Graphs = True
    seed: options.Seed = 0
    tokens: Annotated[
        int,
        typer.Option(
            "--tokens", min=1, help="Generated in every round, no more and no fewer.", rich_help_panel=Panel.MEASURING
        ),
    ] = 20
    fps: options.Fps = None
    visual_tokens: Annotated[
        int | None,
        typer.Option(
            "--visual-tokens",
            min=4,
            help="At most so many a frame pair. Default: the model's.",
            rich_help_panel=Panel.MEASURING,
        ),
    ] = None
    size: Annotated[
        str, typer.Option("--size", metavar="WxH", help="Of the made-up pictures.", rich_help_panel=Panel.MEASURING)
    ] = "1280x720"


@dataclass(frozen=True, slots=True)
class _LatencyOptions:
    asked: _Asked = field(default_factory=_Asked)
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, help="Seconds of made-up video.", rich_help_panel=Panel.MEASURING)
    ] = 1000
    mode: Annotated[
        list[Mode] | None, typer.Option("--mode", help="May be given several times.", rich_help_panel=Panel.MEASURING)
    ] = None
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE.png", help="Draw the time of a token over time.", rich_help_panel=Panel.MEASURING
        ),
    ] = None


@app.command()
@options.takes(_LatencyOptions)
def latency(one: _LatencyOptions) -> None:
    """Time every round of a long stream: is its last minute as fast as its first, and is its memory flat?"""
    setup = _Setup.of(one.asked, one.rounds)
    from svlm_cli.bench.latency import measure
    from svlm_cli.bench.plots import draw_latency, require_plots
    from svlm_cli.bench.report import latency_json, latency_rows, print_json
    from svlm_cli.engine.engine import Engine
    from svlm_cli.outputs.destination import refuse_unwritable

    if one.plot is not None:
        require_plots()
        refuse_unwritable(one.plot, makes_folders=False, hint="Choose another --plot.")
    results = []
    for mode in one.mode or [Mode.STREAMING]:
        engine = setup.subject.engine(setup.policy(mode), Engine, setup.place)
        with _progress(mode, one.rounds) as advance:
            results.append(measure(engine, setup.load, advance))
        del engine  # before the next one is loaded
    ended = any(result.ended for result in results)
    _print_table(*latency_rows(results), "* ended early: its cache is full" if ended else "")
    if one.plot is not None:
        draw_latency(results, one.plot, setup.policy().chunk_seconds)
    print_json(latency_json(results, setup.told()), sys.stdout)


@dataclass(frozen=True, slots=True)
class _StagesOptions:
    asked: _Asked = field(default_factory=_Asked)
    streams: Annotated[int, typer.Option("--streams", min=1, help="Side by side.", rich_help_panel=Panel.MEASURING)] = 1
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds", min=1, help="Seconds of made-up video, after 20 of warming up.", rich_help_panel=Panel.MEASURING
        ),
    ] = 40


@app.command()
@options.takes(_StagesOptions)
def stages(one: _StagesOptions) -> None:
    """Time the stages of a round: forgetting, looking at the frames, reading, and speaking."""
    setup = _Setup.of(one.asked, one.rounds)
    from svlm_cli.bench.report import print_json, stages_json, stages_rows
    from svlm_cli.bench.stages import WARM_UP_ROUNDS, StagedEngine, measure

    engine = setup.subject.engine(setup.policy(), StagedEngine, setup.place, max_streams=one.streams)
    with _progress("rounds", WARM_UP_ROUNDS + one.rounds) as advance:
        result = measure(engine, setup.load, one.streams, advance)
    _print_table(*stages_rows(result))
    print_json(stages_json(result, setup.told()), sys.stdout)


@dataclass(frozen=True, slots=True)
class _StreamsOptions:
    asked: _Asked = field(default_factory=_Asked)
    most: Annotated[
        int,
        typer.Option("--most", min=1, help="No more streams than these are tried.", rich_help_panel=Panel.MEASURING),
    ] = 64
    step: Annotated[
        int, typer.Option("--step", min=1, help="Multiples of this number are tried.", rich_help_panel=Panel.MEASURING)
    ] = 4
    rounds: Annotated[
        int,
        typer.Option("--rounds", min=1, help="Of each trial, after 20 of warming up.", rich_help_panel=Panel.MEASURING),
    ] = 100


@app.command()
@options.takes(_StreamsOptions)
def streams(one: _StreamsOptions) -> None:
    """Find how many live streams this device keeps up with: 99 of 100 rounds take less time than they show."""
    if one.step > one.most:
        raise UsageError(f"There is no multiple of {one.step} up to {one.most}.", "Lower --step or raise --most.")
    setup = _Setup.of(one.asked, one.rounds)
    from svlm_cli.bench.report import print_json, streams_json, streams_rows
    from svlm_cli.bench.streams import find_most
    from svlm_cli.engine.engine import Engine

    engine = setup.subject.engine(setup.policy(), Engine, setup.place, max_streams=one.most)
    trials = find_most(
        engine,
        setup.load,
        most=one.most,
        step=one.step,
        progress=lambda trial: typer.echo(
            f"svlm: {trial.streams} streams: {trial.round_s_p99 * 1000:.0f} ms at the 99th percentile", err=True
        ),
    )
    _print_table(*streams_rows(trials))
    print_json(streams_json(trials, setup.told()), sys.stdout)


@app.command()
def renderer(
    device: options.Device = "auto",
    batch: Annotated[
        int, typer.Option(min=1, max=16384, help="Pictures drawn at once.", rich_help_panel=Panel.MEASURING)
    ] = 1024,
    batches: Annotated[int, typer.Option(min=1, help="How often.", rich_help_panel=Panel.MEASURING)] = 20,
) -> None:
    """Time the drawing of simulated matches, as training does it: how many pictures a second on this device?"""
    from svlm_cli.bench.renderer import MATCHES, measure
    from svlm_cli.bench.report import print_json, renderer_json, renderer_rows
    from svlm_cli.engine.device import resolve_device
    from svlm_cli.simulator.match import HEIGHT, WIDTH

    result = measure(resolve_device(device), batch=batch, batches=batches)
    _print_table(*renderer_rows(result))
    print_json(renderer_json(result, {"matches": MATCHES, "width": WIDTH, "height": HEIGHT}), sys.stdout)


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=1.0, help="How long.", rich_help_panel=Panel.MEASURING)] = 30.0,
    seed: options.Seed = 0,
    model: options.Model = None,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where svlm writes meanwhile; kept.", rich_help_panel=Panel.MEASURING),
    ] = None,
) -> None:
    """Watch a camera that is killed, stopped, disturbed and resized at random. Needs Debian's RTSP server.

    Exits with 1 if something is not as it must be: words again in time, memory flat, files valid at every moment.
    """
    from svlm_cli.bench.camera import PACKAGES, missing
    from svlm_cli.bench.report import print_json, soak_json, soak_rows
    from svlm_cli.bench.soak import Load, measure
    from svlm_cli.outputs.destination import make_folder

    if reason := missing():
        raise UsageError(f"There is no RTSP server here: {reason}.", f"apt install {PACKAGES}")
    with TemporaryDirectory(prefix="svlm-soak-") as made:
        pictures, context = _camera_pictures(Path(made), seed)
        folder = keep or Path(made) / "out"
        make_folder(folder, "Choose another --keep.")
        arguments = ("--context", f"@{context}", *(("--model", model) if model else ()))
        load = Load(minutes, seed, pictures, arguments)
        result = measure(load, folder, lambda line: typer.echo(f"svlm: {line}", err=True))
    _print_table(*soak_rows(result), ", ".join(result.failures))
    print_json(soak_json(result, {"model": model or DEFAULT_MODEL, "cpus": os.cpu_count()}), sys.stdout)
    if result.failures:
        raise typer.Exit(ExitCode.FAILED)


def _camera_pictures(folder: Path, seed: int) -> tuple[Path, Path]:
    """Two minutes of a match, picture by picture, and its context."""
    from svlm_cli.media.ffmpeg import find_ffmpeg

    video = folder / "match.mp4"
    simulate = [sys.executable, "-m", "svlm_cli", "simulate", "--seed", str(seed), "--minutes", "2", "-o", str(video)]
    environment = {**os.environ, "SVLM_CONFIG": os.devnull}  # the same match, whatever the settings are
    subprocess.run(simulate, check=True, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pictures = folder / "pictures"
    pictures.mkdir()
    split = ["-v", "error", "-nostdin", "-i", str(video), "-start_number", "0", "-q:v", "2", f"{pictures}/%05d.jpg"]
    subprocess.run([find_ffmpeg().path, *split], check=True)
    return pictures, video.with_suffix(".context.txt")


def _print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> None:
    table = Table(*headings, caption=caption or None)
    for row in rows:
        table.add_row(*row)
    table_console().print(table)


@dataclass(frozen=True, slots=True)
class _Setup:
    """What is measured, where, and how much it is given to do."""

    asked: _Asked
    subject: "Subject"
    place: "Place"
    load: "Load"

    @classmethod
    def of(cls, asked: _Asked, rounds: int) -> "_Setup":
        """`UsageError` if the options contradict each other or this machine."""
        width, height = _size(asked.size)
        if asked.random_weights is not None and given("model"):
            raise UsageError("A model has weights of its own.", "Leave out --model, or --random-weights.")
        from svlm_cli.bench.latency import Load
        from svlm_cli.bench.subject import Place, Subject
        from svlm_cli.engine import flash
        from svlm_cli.engine.device import computing_dtype, resolve_device, resolve_dtype

        where = resolve_device(asked.device)
        dtype = resolve_dtype(asked.dtype, where)
        kernel = flash.choose(flash.AttentionKernel(asked.attention), where, computing_dtype(dtype, where))
        if asked.random_weights is None:
            subject = Subject.named(asked.model, asked.revision, offline=asked.offline)
        else:
            subject = Subject.random(asked.random_weights)
        load = Load(rounds, asked.tokens, width, height, asked.seed)
        return cls(asked, subject, Place(where, dtype, kernel, asked.graphs), load)

    def policy(self, mode: Mode | None = None) -> StreamPolicy:
        """The subject's own, but for what was asked for."""
        policy = self.subject.policy.changed(mode=mode, fps=self.asked.fps, max_new_tokens=self.asked.tokens)
        if self.asked.visual_tokens is None:
            return policy
        pixels = self.asked.visual_tokens * _PIXELS_PER_TOKEN
        vision = replace(policy.vision, min_pixels=min(policy.vision.min_pixels, pixels), max_pixels=pixels)
        return replace(policy, vision=vision)

    def told(self) -> dict[str, Any]:
        """The setting of a report."""
        from svlm_cli.engine.device import dtype_name

        policy = self.policy()
        return {
            "model": self.subject.name,
            "device": str(self.place.device),
            "hardware": _hardware(self.place.device),
            "dtype": dtype_name(self.place.dtype),
            "attention": self.place.attention.value,
            "graphs": self.place.graphs,
            "fps": policy.vision.fps,
            "max_pixels": policy.vision.max_pixels,
            **asdict(self.load),
        }


def _hardware(device: "torch.device") -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None:
        raise UsageError(f"A size looks like 1280x720, not like {text}.")
    return int(match[1]), int(match[2])


@contextmanager
def _progress(name: str, rounds: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, if that is a terminal; told which round is done."""
    with bar(name, rounds) as (show, _):
        yield lambda round_: show(round_ + 1)
