"""``svlm eval``: how good a commentary is, measured where the truth is known. The measuring is in ``evals/``."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from svlm_cli.commands import options
from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.core.policy import Mode
from svlm_cli.core.types import Segment
from svlm_cli.outputs.destination import open_destination
from svlm_cli.outputs.jsonl import JsonlOutput

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine
    from svlm_cli.evals.controls import Controls
    from svlm_cli.evals.report import Report
    from svlm_cli.evals.runner import Played, Setting
    from svlm_cli.evals.script import Script

TABLE_WIDTH = 120  # where there is no terminal to ask
DEFAULT_MINUTES = 10.0
_TENTHS = 10

app = typer.Typer(no_args_is_help=True, help="Measure quality. The last line of stdout is JSON.")


@app.callback()
def _eval() -> None:
    """Measure quality. The last line of stdout is JSON."""


@app.command()
def match(
    model: options.Model = "",
    matches: Annotated[int, typer.Option(min=1, help="How many, with seeds from --seed on, all in one batch.")] = 1,
    minutes: Annotated[float | None, typer.Option(help="Of each match. Default: 10, or as long as the file.")] = None,
    seed: options.Seed = 0,
    mode: Annotated[Mode, typer.Option(help="How the streams forget.")] = Mode.STREAMING,
    fps: Annotated[float | None, typer.Option(help="Frames a second. Default: the model's.")] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Score what `svlm caption -f jsonl` wrote of the match of --seed. Given again: of the next seed's.",
        ),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write what is said into FOLDER/match-SEED.jsonl.")
    ] = None,
    as_json: options.Json = False,
    revision: options.Revision = None,
    offline: options.Offline = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
) -> None:
    """Let a model comment on simulated matches that nobody has seen, and hold every word against the truth.

    Always the likeliest word (temperature 0). Three controls run first: if one fails, nothing is scored.
    """
    if predictions:
        if model or save is not None or matches > 1:
            raise UsageError("With --predictions nothing is played.", "Leave out --model, --matches and --save.")
        report = _score_files(predictions, seed, minutes)
        _print(report, {"predictions": [str(path) for path in predictions], "seed": seed}, None, as_json=as_json)
        return
    if not model:
        raise UsageError("Nothing says whose commentary is scored.", "Name a --model, or a file with --predictions.")
    from svlm_cli.checkpoints.resolve import resolve
    from svlm_cli.engine.device import resolve_device, resolve_dtype
    from svlm_cli.engine.engine import Engine
    from svlm_cli.evals.report import score
    from svlm_cli.evals.runner import Setting

    setting = Setting(matches, _seconds(DEFAULT_MINUTES if minutes is None else minutes), seed)
    paths = [] if save is None else _new_files(save, setting)
    where = resolve_device(device)
    precision = resolve_dtype(dtype, where)
    checkpoint = resolve(model, revision=revision, offline=offline)
    policy = checkpoint.policy.changed(mode=mode, fps=fps, temperature=0.0)
    scripts, controls = _write_scripts([(one, setting.seconds) for one in setting.seeds])
    engine = Engine.load(checkpoint.folder, policy, device=where, dtype=precision, max_streams=matches)
    played = _play(engine, setting, paths)
    report = score(scripts, [_texts(said, setting.seconds) for said in played.said], controls)
    _print(report, _described(checkpoint.name, engine, setting), played, as_json=as_json)


def _seconds(minutes: float) -> int:
    seconds = round(minutes * 60) if abs(minutes) < 1e6 else 0
    if seconds < 1:
        raise UsageError(f"{minutes:g} minutes is no length for a match.", "Give a number above 0, like 2 or 120.")
    return seconds


def _score_files(paths: Sequence[Path], seed: int, minutes: float | None) -> "Report":
    from svlm_cli.evals.predictions import by_second, read_rounds
    from svlm_cli.evals.report import score

    files = [read_rounds(path) for path in paths]
    lengths = [max(round(rounds[-1][0]), 1) if minutes is None else _seconds(minutes) for rounds in files]
    scripts, controls = _write_scripts(list(enumerate(lengths, seed)))
    return score(scripts, [by_second(*one) for one in zip(files, lengths, strict=True)], controls)


def _write_scripts(matches: Sequence[tuple[int, int]]) -> tuple[list["Script"], "Controls"]:
    """What there is to say in the matches, each a seed and its seconds; and the controls, which need no more."""
    from svlm_cli.evals.controls import run_controls
    from svlm_cli.evals.script import write_scripts

    with _progress("scripts", len(matches)) as advance:
        scripts = write_scripts(matches, advance)
    return scripts, run_controls(scripts)


def _new_files(folder: Path, setting: "Setting") -> list[Path]:
    """Where each match's words go; `OutputError`, before anything is played, if one is there already."""
    paths = [folder / f"match-{seed}.jsonl" for seed in setting.seeds]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made a folder.", "Choose another for --save.") from error
    for path in paths:
        if path.exists():
            raise OutputError(f"{path} exists already.", "Choose another folder for --save.")
    return paths


def _play(engine: "Engine", setting: "Setting", paths: Sequence[Path]) -> "Played":
    from svlm_cli.evals.runner import play

    rounds = round(setting.seconds / engine.policy.chunk_seconds)
    with _saver(paths) as listen, _progress("rounds", rounds) as advance:
        return play(engine, setting, listen=listen, progress=advance)


@contextmanager
def _saver(paths: Sequence[Path]) -> Iterator[Callable[[int, Segment], None]]:
    """Writes each match's rounds as they come; what a run that was cut short has said is kept."""
    with ExitStack() as stack:
        files = []
        for path in paths:
            files.append(JsonlOutput(open_destination(path, overwrite=False)))
            stack.callback(files[-1].close)
        yield lambda match, segment: files[match].write(segment) if files else None


def _described(model: str, engine: "Engine", setting: "Setting") -> dict[str, Any]:
    return {
        "model": model,
        "mode": engine.policy.mode.value,
        "matches": setting.matches,
        "minutes": setting.seconds / 60,
        "seed": setting.seed,
        "fps": engine.policy.vision.fps,
        "device": str(engine.device),
        "dtype": str(engine.dtype).removeprefix("torch."),
    }


def _texts(said: Sequence[Segment], seconds: int) -> tuple[str, ...]:
    from svlm_cli.evals.predictions import by_second

    return by_second(((segment.end_s, segment.text) for segment in said), seconds)


@contextmanager
def _progress(name: str, total: int) -> Iterator[Callable[..., None]]:
    """On stderr, a bar if that is a terminal, else a line for every tenth."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=total)

        def advance(done: int, took_s: float | None = None) -> None:
            progress.update(task, completed=done)
            if not console.is_terminal and done * _TENTHS // total > (done - 1) * _TENTHS // total:
                took = "" if took_s is None else f", {took_s * 1000:.0f} ms the last"
                typer.echo(f"svlm: {done} of {total} {name}{took}", err=True)

        yield advance


def _print(report: "Report", setting: dict[str, Any], played: "Played | None", *, as_json: bool) -> None:
    import json

    if not as_json:
        from rich.console import Console
        from rich.table import Table

        console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
        for headings, rows in (report.table(), report.control_table()):
            table = Table(*headings, box=None)
            for row in rows:
                table.add_row(*row)
            console.print(table)
            console.print()
        for one in [] if played is None else played.ended:
            typer.echo(f"svlm: The match of seed {one.seed} is silent from {one.at_s:g} s on: {one.why}", err=True)
    typer.echo(json.dumps(report.to_json(setting, played), separators=(",", ":"), allow_nan=False))
