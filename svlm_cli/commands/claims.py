"""``svlm eval claims``: the comparisons of the paper, a row at a time, merged into a table.

The measuring is in ``evals/``, all files ``evals/claims*.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from svlm_cli.commands import choices, options
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.playing import match_seconds, play_matches, write_matches
from svlm_cli.commands.tables import print_json, table_console
from svlm_cli.core.errors import OutputError, OutputExistsError, UsageError
from svlm_cli.core.policy import Mode, PolicyOverrides, StreamPolicy
from svlm_cli.core.text import plain_text
from svlm_cli.outputs.destination import make_folder, text_file

if TYPE_CHECKING:
    import torch

    from svlm_cli.evals.claims.questions_file import QuestionResults
    from svlm_cli.evals.claims.results import RowResult
    from svlm_cli.evals.claims.rows import Row
    from svlm_cli.evals.claims.setting import RowSetting
    from svlm_cli.evals.claims.training_file import TrainingClaims
    from svlm_cli.evals.controls import Controls
    from svlm_cli.evals.runner import MatchSelection
    from svlm_cli.evals.script import Script

_Model = Panel.MODEL.option(
    "--model",
    "-m",
    metavar="NAME|PATH|HUB_ID",
    autocompletion=choices.models,
    help="Measure the rows that are missing. Without it, nothing is measured.",
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options, in the order of the help."""

    results: Annotated[Path, Panel.INPUT.argument(metavar="RESULTS", help="A folder: a file a row.")]
    model: Annotated[str | None, _Model] = None
    row: Annotated[
        list[str] | None,
        Panel.MEASURING.option(
            metavar="NAME", autocompletion=choices.rows, help="This row alone. May be given several times."
        ),
    ] = None
    matches: Annotated[
        int | None,
        Panel.MATCH.option(
            min=1,
            help="How many, with seeds from --seed on, 20 of them side by side. Default: 160 for full, 100 for "
            "vision-0, 40 for window and native-positions, 20 for the others.",
        ),
    ] = None
    minutes: Annotated[
        float | None,
        Panel.MEASURING.option(
            help="Of each match. Default: 120 for streaming, 40 for window, 15 for full, 30 for the others."
        ),
    ] = None
    seed: options.MatchSeed = 0
    fps: options.Fps = None
    no_overlap_model: Annotated[
        str | None,
        Panel.MODEL.option(
            metavar="NAME|PATH|HUB_ID",
            autocompletion=choices.models,
            help="For the row no-overlap: a model trained without overlap.",
        ),
    ] = None
    overwrite: Annotated[
        bool, Panel.OUTPUT.option("--overwrite", help="Measure rows again that are there already.")
    ] = False
    write: Annotated[
        Path | None,
        Panel.OUTPUT.option(metavar="FILE.md", help="Write the table as a page, with plots in assets/ beside it."),
    ] = None
    as_json: options.Json = False
    revision: options.Revision = None
    offline: options.Offline = False
    device: options.Device = "auto"
    dtype: options.Dtype = "auto"
    quiet: options.Quiet = False


@options.takes(_Asked)
def claims(asked: _Asked) -> None:
    """Compare what the paper compares: streaming, full attention, windows, positions, sink, vision window, training.

    Each row is measured as by `svlm eval match`, and kept in RESULTS/ROW.json. Rows that are there are not measured
    again, so the table can be made bit by bit. A row is streaming, full, window, window-overlap, native-positions,
    sink-0, text-window-0, vision-0, vision-1, vision-4, vision-8, vision-16 or no-overlap.

    RESULTS/questions.json, what `svlm eval vqa report --json` has printed about simulated matches, is told of as well,
    and so is RESULTS/training.json, of models that were trained in different ways.
    """
    if asked.model is None and asked.no_overlap_model is None and (asked.row or asked.overwrite):
        raise UsageError("Nothing says which model is measured.", "Name a --model.")
    from svlm_cli.evals.claims.questions_file import read_questions
    from svlm_cli.evals.claims.results import merge
    from svlm_cli.evals.claims.rows import choose_rows
    from svlm_cli.evals.claims.training_file import read_training

    if asked.write is not None:
        _require_page(asked.write)
    measured: list[str] = []
    rows = choose_rows(
        asked.row or (), model=asked.model is not None, no_overlap_model=asked.no_overlap_model is not None
    )
    sections = _Sections(read_questions(asked.results), read_training(asked.results))
    if rows:
        names = {False: asked.model, True: asked.no_overlap_model}
        subjects = {
            kind: _subject(name, asked.fps, None if kind else asked.revision, offline=asked.offline, quiet=asked.quiet)
            for kind, name in names.items()
            if name is not None and any(one.no_overlap is kind for one in rows)
        }
        measured = _Run(asked).measure([(one, subjects[one.no_overlap]) for one in rows])
    found = merge(asked.results)
    if asked.write is not None:
        _write_page(found, sections, asked.results, asked.write)
    _print(found, sections, measured, asked.write, as_json=asked.as_json)


@dataclass(frozen=True, slots=True)
class _Sections:
    """What is told beside the rows, as far as it is there."""

    questions: "QuestionResults | None"
    training: "TrainingClaims | None"


@dataclass(frozen=True, slots=True)
class _Subject:
    """A model that is measured."""

    name: str
    folder: Path
    fingerprint: str
    base: StreamPolicy


def _subject(model: str, fps: float | None, revision: str | None, *, offline: bool, quiet: bool) -> _Subject:
    from svlm_cli.checkpoints.resolve import Origin, resolve
    from svlm_cli.evals.claims.setting import fingerprint

    checkpoint = resolve(model, revision=revision, offline=offline, quiet=quiet)
    # Results travel: where somebody's folders lie is nobody else's affair.
    name = checkpoint.folder.resolve().name if checkpoint.origin is Origin.FOLDER else checkpoint.name
    base = checkpoint.policy.changed(PolicyOverrides(mode=Mode.STREAMING, fps=fps, temperature=0.0))
    return _Subject(name, checkpoint.folder, fingerprint(checkpoint.folder), base)


@dataclass(frozen=True, slots=True)
class _Run:
    """One call that measures: what was asked for."""

    asked: _Asked

    def measure(self, rows: Sequence[tuple["Row", _Subject]]) -> list[str]:
        """Measures those that are not there, and returns their names. All is checked before the first is measured."""
        from svlm_cli.compute.device import resolve_device, resolve_dtype
        from svlm_cli.evals.claims.results import is_measured, read_results
        from svlm_cli.evals.claims.setting import require_comparable

        where = resolve_device(self.asked.device)
        precision = resolve_dtype(self.asked.dtype, where)
        wanted = {row.name: (self._setting(row, subject), subject) for row, subject in rows}
        there = read_results(self.asked.results)
        if self.asked.overwrite:
            there = {name: result for name, result in there.items() if name not in wanted}
        missing = {name: one for name, one in wanted.items() if not is_measured(there, one[0], self.asked.results)}
        for name in wanted:
            if name not in missing:
                self._tell(f"svlm: {name} is there already.")
        require_comparable({name: one.setting for name, one in there.items()} | {n: s for n, (s, _) in wanted.items()})
        make_folder(self.asked.results, "Choose another one for the results.")
        plays = _Plays(where, precision, quiet=self.asked.quiet)
        for name, (setting, subject) in missing.items():
            there[name] = self._one(setting, subject, there, plays)
        return list(missing)

    def _setting(self, row: "Row", subject: _Subject) -> "RowSetting":
        from svlm_cli.evals.claims.rows import measured_as
        from svlm_cli.evals.claims.setting import RowSetting

        usual = measured_as(row, subject.base)
        minutes = usual.minutes if self.asked.minutes is None else self.asked.minutes
        matches = usual.matches if self.asked.matches is None else self.asked.matches
        seconds, policy = match_seconds(minutes), row.policy(subject.base)
        return RowSetting(row.name, subject.fingerprint, matches, seconds, self.asked.seed, subject.base, policy)

    def _one(
        self, setting: "RowSetting", subject: _Subject, there: Mapping[str, "RowResult"], plays: "_Plays"
    ) -> "RowResult":
        """Measures a row, or takes it from one that has measured the same, and writes its file."""
        from dataclasses import replace

        from svlm_cli.evals.claims.results import dump, row_file

        # Opened first: a place that cannot be written to, or that another run is writing to, is found out now.
        with text_file(row_file(self.asked.results, setting.row), overwrite=self.asked.overwrite) as file:
            twin = next((one for one in there.values() if one.setting.measures_the_same(setting)), None)
            if twin is not None:
                self._tell(f"svlm: {setting.row} is what {twin.setting.row} has measured.")
                result = replace(twin, setting=setting)
            else:
                self._tell(f"svlm: {setting.row}: {setting.matches} matches of {setting.seconds / 60:g} minutes")
                result = plays.measure(setting, subject)
            file.write(dump(result))
        return result

    def _tell(self, line: str) -> None:
        if not self.asked.quiet:
            typer.echo(line, err=True)


class _Plays:
    """Measures rows on one device, one engine at a time. What there was to say is written down once for each length."""

    def __init__(self, device: "torch.device", dtype: "torch.dtype", *, quiet: bool) -> None:
        self._device, self._dtype, self._quiet = device, dtype, quiet
        self._written: dict[MatchSelection, tuple[list[Script], Controls]] = {}

    def measure(self, setting: "RowSetting", subject: _Subject) -> "RowResult":
        """One row."""
        from svlm_cli.engine.engine import Engine
        from svlm_cli.evals.claims.rows import MATCHES_AT_ONCE
        from svlm_cli.evals.claims.run import make_result
        from svlm_cli.evals.runner import MatchSelection

        matches = MatchSelection(setting.matches, setting.seconds, setting.seed)
        if matches not in self._written:
            self._written[matches] = write_matches([(one, setting.seconds) for one in matches.seeds], quiet=self._quiet)
        scripts, controls = self._written[matches]
        streams = min(setting.matches, MATCHES_AT_ONCE)
        engine = Engine.load(
            subject.folder, setting.policy, device=self._device, dtype=self._dtype, max_streams=streams
        )
        played = play_matches(engine, matches, quiet=self._quiet)
        return make_result(setting, subject.name, engine, played, scripts, controls)


def _require_page(path: Path) -> None:
    """Before anything is measured: the page can be drawn, and what it replaces is such a page."""
    from svlm_cli.evals.claims.page import MARK
    from svlm_cli.outputs.figures import require_matplotlib

    require_matplotlib("svlm eval claims --write")
    if path.suffix.lower() != ".md":
        raise UsageError(f"{plain_text(str(path))} is no Markdown file.", "Give a name that ends in .md.")
    try:
        ours = not path.exists() or path.read_text(encoding="utf-8", errors="replace").startswith(MARK)
    except OSError as error:
        raise OutputError(f"{path} cannot be replaced: {error.strerror}.", "Choose another name.") from error
    if not ours:
        raise OutputExistsError(
            f"{path} exists already, and was not written by svlm eval claims.", "Choose another name."
        )


def _write_page(found: Mapping[str, "RowResult"], sections: _Sections, results: Path, path: Path) -> None:
    from svlm_cli.evals.claims.page import write_page
    from svlm_cli.evals.claims.plots import draw_plots

    folder = path.parent / "assets"
    plots = [(title, f"assets/{plot.name}") for title, plot in draw_plots(found, folder, path.stem)]
    with text_file(path, overwrite=True) as file:
        file.write(write_page(found, results.resolve().name, plots, sections.questions, sections.training))


def _print(
    found: Mapping[str, "RowResult"], sections: _Sections, measured: Sequence[str], page: Path | None, *, as_json: bool
) -> None:
    from svlm_cli.evals.claims.markdown import plain, share
    from svlm_cli.evals.claims.page import claim
    from svlm_cli.evals.claims.rows import ROWS
    from svlm_cli.evals.claims.training import event_f1, training_claim

    questions, training = sections.questions, sections.training
    if as_json:
        told: dict[str, Any] = {
            "eval": "claims",
            "done": list(found),
            "missing": [row.name for row in ROWS if row.name not in found],
            "measured": list(measured),
            "event_f1": {name: result.overall.event_f1.to_json() for name, result in found.items()},
            "questions": None if questions is None else {name: one.to_json() for name, one in questions.totals.items()},
            "training": None
            if training is None
            else {
                name: {mode: event_f1(training, name, mode).to_json() for mode in training.modes}
                for name in training.models
            },
            "page": None if page is None else str(page),
        }
        print_json(told)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("row", "the claim", box=None)
    for row in ROWS:
        table.add_row(row.name, Text(claim(row, found).replace("**", "")))
    if questions is not None:
        totals = (f"{name} {share(one)}" for name, one in questions.totals.items())
        table.add_row("questions", Text(f"Right answers, in all: {'; '.join(totals)}."))
    if training is not None:
        compared = [name for name, model in training.models.items() if model.how.against]
        for name, mode in product(compared, training.modes):
            text = training_claim(training, name, mode)
            table.add_row(f"training: {plain(name)}, {mode}", Text(text.replace("**", "")))
    table_console().print(table)
