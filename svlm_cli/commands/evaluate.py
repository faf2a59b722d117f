"""``svlm eval``, and its command ``match``: how good a commentary is, measured where the truth is known.

The measuring is in ``evals/``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from svlm_cli.commands import judge, options
from svlm_cli.commands.claims import claims
from svlm_cli.commands.command import given
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.playing import match_seconds, play_matches, write_matches
from svlm_cli.commands.tables import add_rows, table_console
from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.core.policy import Mode
from svlm_cli.outputs.destination import make_folder

if TYPE_CHECKING:
    from svlm_cli.evals.report import Report
    from svlm_cli.evals.runner import Played, Setting

DEFAULT_MINUTES = 10.0

AlteredName = Literal["hue", "bright", "grey", "rotated", "letterboxed"]

AlteredPictures = Annotated[
    AlteredName | None,
    typer.Option(
        help="Show other pictures than in training: of other colours, or turned, or between black bars.",
        rich_help_panel=Panel.MATCH,
    ),
]

Predictions = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Score what `svlm caption -f jsonl` wrote of the match of --seed. Given again: of the next seed's.",
        rich_help_panel=Panel.INPUT,
    ),
]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Measure quality. The last line of stdout is JSON.")


@app.callback()
def _eval() -> None:
    """Measure quality. The last line of stdout is JSON."""


@app.command()
def match(
    model: options.Model = None,
    matches: options.Matches = 1,
    minutes: Annotated[
        float | None,
        typer.Option(help="Of each match. Default: 10, or as long as the file.", rich_help_panel=Panel.MATCH),
    ] = None,
    seed: options.Seed = 0,
    mode: Annotated[
        Mode, typer.Option(help="How the streams forget.", rich_help_panel=Panel.COMMENTARY)
    ] = Mode.STREAMING,
    fps: options.Fps = None,
    altered: AlteredPictures = None,
    predictions: Predictions = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write what is said into FOLDER/match-SEED.jsonl.", rich_help_panel=Panel.OUTPUT
        ),
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
        # a model from elsewhere is for the calls that play
        if given("model") or save is not None or matches > 1 or altered is not None:
            raise UsageError(
                "With --predictions nothing is played.", "Leave out --model, --matches, --altered and --save."
            )
        report = _score_files(predictions, seed, minutes)
        _print(report, {"predictions": [str(path) for path in predictions], "seed": seed}, None, as_json=as_json)
        return
    from svlm_cli.checkpoints.resolve import resolve
    from svlm_cli.compute.device import resolve_device, resolve_dtype
    from svlm_cli.engine.engine import Engine
    from svlm_cli.evals.alterations import Altered
    from svlm_cli.evals.report import score
    from svlm_cli.evals.runner import Setting, describe

    setting = Setting(
        matches, match_seconds(DEFAULT_MINUTES if minutes is None else minutes), seed, altered and Altered(altered)
    )
    paths = [] if save is None else _new_files(save, setting)
    where = resolve_device(device)
    precision = resolve_dtype(dtype, where)
    checkpoint = resolve(model, revision=revision, offline=offline)
    policy = checkpoint.policy.changed(mode=mode, fps=fps, temperature=0.0)
    scripts, controls = write_matches([(one, setting.seconds) for one in setting.seeds])
    engine = Engine.load(checkpoint.folder, policy, device=where, dtype=precision, max_streams=matches)
    played = play_matches(engine, setting, paths, checkpoint.name)
    report = score(scripts, played.texts(setting.seconds), controls)
    _print(report, describe(checkpoint.name, engine, setting), played, as_json=as_json)


app.command()(claims)
app.add_typer(judge.commentary)
app.add_typer(judge.livesports)


def _score_files(paths: Sequence[Path], seed: int, minutes: float | None) -> "Report":
    from svlm_cli.evals.predictions import by_second, read_rounds
    from svlm_cli.evals.report import score

    files = [read_rounds(path) for path in paths]
    lengths = [max(round(rounds[-1][0]), 1) if minutes is None else match_seconds(minutes) for rounds in files]
    scripts, controls = write_matches(list(enumerate(lengths, seed)))
    return score(scripts, [by_second(*one) for one in zip(files, lengths, strict=True)], controls)


def _new_files(folder: Path, setting: "Setting") -> list[Path]:
    """Where each match's words go; `OutputError`, before anything is played, if one is there already."""
    paths = [folder / f"match-{seed}.jsonl" for seed in setting.seeds]
    make_folder(folder, "Choose another for --save.")
    for path in paths:
        if path.exists():
            raise OutputError(f"{path} exists already.", "Choose another folder for --save.")
    return paths


def _print(report: "Report", setting: dict[str, Any], played: "Played | None", *, as_json: bool) -> None:
    import json

    if not as_json:
        from rich.table import Table

        console = table_console()
        for headings, rows in (report.table(), report.control_table()):
            table = Table(*headings, box=None)
            add_rows(table, rows)
            console.print(table)
            console.print()
        for one in [] if played is None else played.ended:
            typer.echo(f"svlm: The match of seed {one.seed} is silent from {one.at_s:g} s on: {one.why}", err=True)
    typer.echo(json.dumps(report.to_json(setting, played), separators=(",", ":"), allow_nan=False))
