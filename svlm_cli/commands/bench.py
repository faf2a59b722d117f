"""``svlm bench``: how fast and how flat a stream is on this machine. The measuring is in ``bench/``."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.commands import options
from svlm_cli.commands.messages import ExitCode
from svlm_cli.commands.tables import bar, table_console
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode

app = typer.Typer(no_args_is_help=True, help="Measure speed and memory. The last line of stdout is JSON.")


@app.callback()
def _bench() -> None:
    """Measure speed and memory. The last line of stdout is JSON."""


@app.command()
def latency(
    model: options.Model = None,
    revision: options.Revision = None,
    offline: options.Offline = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    seed: options.Seed = 0,
    rounds: Annotated[int, typer.Option(min=1, help="Seconds of made-up video.")] = 1000,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens generated in every round, no more and no fewer.")] = 20,
    mode: Annotated[list[Mode] | None, typer.Option(help="May be given several times.")] = None,
    fps: options.Fps = None,
    size: Annotated[str, typer.Option(metavar="WxH", help="Of the made-up pictures.")] = "1280x720",
) -> None:
    """Time every round of a long stream: is its last minute as fast as its first, and is its memory flat?"""
    width, height = _size(size)
    from svlm_cli.bench.latency import Load, measure
    from svlm_cli.bench.report import latency_json, latency_rows, print_json
    from svlm_cli.checkpoints.resolve import resolve
    from svlm_cli.engine.device import resolve_device, resolve_dtype
    from svlm_cli.engine.engine import Engine

    where = resolve_device(device)
    number_format = resolve_dtype(dtype, where)
    checkpoint = resolve(model, revision=revision, offline=offline)
    load = Load(rounds, tokens, width, height, seed)
    results = []
    for one in mode or [Mode.STREAMING]:
        policy = checkpoint.policy.changed(mode=one, fps=fps, max_new_tokens=tokens)
        engine = Engine.load(checkpoint.folder, policy, device=where, dtype=number_format)
        with _progress(one, rounds) as advance:
            results.append(measure(engine, load, advance))
    _print_table(
        *latency_rows(results), "* ended early: its cache is full" if any(one.ended for one in results) else ""
    )
    setting = {
        "model": checkpoint.name,
        "device": str(where),
        "dtype": str(number_format).removeprefix("torch."),
        "fps": fps or checkpoint.policy.vision.fps,
        **asdict(load),
    }
    print_json(latency_json(results, setting), sys.stdout)


@app.command()
def renderer(
    device: options.Device = "auto",
    batch: Annotated[int, typer.Option(min=1, max=16384, help="Pictures drawn at once.")] = 1024,
    batches: Annotated[int, typer.Option(min=1, help="How often.")] = 20,
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
    minutes: Annotated[float, typer.Option(min=1.0, help="How long.")] = 30.0,
    seed: options.Seed = 0,
    model: options.Model = None,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Where svlm writes meanwhile; kept.")] = None,
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
    subprocess.run(simulate, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None:
        raise UsageError(f"A size looks like 1280x720, not like {text}.")
    return int(match[1]), int(match[2])


@contextmanager
def _progress(mode: Mode, rounds: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, if that is a terminal; told which round is done."""
    with bar(mode.value, rounds) as (show, _):
        yield lambda round_: show(round_ + 1)
