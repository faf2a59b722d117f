"""Measures missing rows of the claims on one device, one engine at a time, and writes their files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from svlm_cli.checkpoints.resolve import Origin, resolve
from svlm_cli.core.policy import Mode, PolicyOverrides, StreamPolicy
from svlm_cli.core.reporting import Reporter
from svlm_cli.engine.place import EnginePlace
from svlm_cli.evals.claims.results import RowResult, dump, is_measured, read_results, row_file
from svlm_cli.evals.claims.rows import MATCHES_AT_ONCE, Row, measured_as
from svlm_cli.evals.claims.run import make_result
from svlm_cli.evals.claims.setting import RowSetting, fingerprint, require_comparable
from svlm_cli.evals.controls import Controls
from svlm_cli.evals.match_files import match_seconds
from svlm_cli.evals.playing import play_matches
from svlm_cli.evals.runner import MatchSelection
from svlm_cli.evals.scoring import write_matches
from svlm_cli.evals.script import Script
from svlm_cli.outputs.destination import make_folder, text_file


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """A model to measure."""

    name: str
    folder: Path
    fingerprint: str
    base: StreamPolicy

    @classmethod
    def of(cls, model: str, fps: float | None, revision: str | None, *, offline: bool, quiet: bool) -> "MeasuredModel":
        """The named model, downloaded if necessary. Raises `ModelError`."""
        checkpoint = resolve(model, revision=revision, offline=offline, quiet=quiet)
        # Results are shared, so they do not contain paths of local folders.
        name = checkpoint.folder.resolve().name if checkpoint.origin is Origin.FOLDER else checkpoint.name
        base = checkpoint.policy.changed(PolicyOverrides(mode=Mode.STREAMING, fps=fps, temperature=0.0))
        return cls(name, checkpoint.folder, fingerprint(checkpoint.folder), base)


class RowPlayer:
    """Plays rows. The reference commentary is computed once per length."""

    def __init__(self, place: EnginePlace, reporter: Reporter) -> None:
        self._place, self._reporter = place, reporter
        self._written: dict[MatchSelection, tuple[list[Script], Controls]] = {}

    def measure(self, setting: RowSetting, model: MeasuredModel) -> RowResult:
        """Measure one row."""
        matches = MatchSelection(setting.matches, setting.seconds, setting.seed)
        if matches not in self._written:
            self._written[matches] = write_matches([(one, setting.seconds) for one in matches.seeds], self._reporter)
        scripts, controls = self._written[matches]
        streams = min(setting.matches, MATCHES_AT_ONCE)
        engine = self._place.load(model.folder, setting.policy, max_streams=streams)
        played = play_matches(engine, matches, self._reporter)
        return make_result(setting, model.name, engine, played, scripts, controls)


@dataclass(frozen=True, slots=True)
class RowsRun:
    """A run over rows: where their files are, and overrides of the rows' settings. None keeps the row's."""

    results: Path
    seed: int
    minutes: float | None
    matches: int | None
    overwrite: bool
    tell: Callable[[str], None]

    def measure(self, rows: Sequence[Row], load: Callable[[bool], MeasuredModel], player: RowPlayer) -> list[str]:
        """Measure the missing rows, and return their names. Everything is checked before the first is measured.

        `load` gives the model: for True the one trained without overlap.
        """
        models = {kind: load(kind) for kind in sorted({row.no_overlap for row in rows})}
        wanted = {row.name: (self._setting(row, models[row.no_overlap]), models[row.no_overlap]) for row in rows}
        there = read_results(self.results)
        if self.overwrite:
            there = {name: result for name, result in there.items() if name not in wanted}
        missing = {name: one for name, one in wanted.items() if not is_measured(there, one[0], self.results)}
        for name in wanted:
            if name not in missing:
                self.tell(f"{name} has been measured already.")
        require_comparable({name: one.setting for name, one in there.items()} | {n: s for n, (s, _) in wanted.items()})
        make_folder(self.results, "Choose another one for the results.")
        for name, (setting, model) in missing.items():
            there[name] = self._one(setting, model, there, player)
        return list(missing)

    def _setting(self, row: Row, model: MeasuredModel) -> RowSetting:
        usual = measured_as(row, model.base)
        minutes = usual.minutes if self.minutes is None else self.minutes
        matches = usual.matches if self.matches is None else self.matches
        seconds, policy = match_seconds(minutes), row.policy(model.base)
        return RowSetting(row.name, model.fingerprint, matches, seconds, self.seed, model.base, policy)

    def _one(
        self, setting: RowSetting, model: MeasuredModel, there: Mapping[str, RowResult], player: RowPlayer
    ) -> RowResult:
        """Measure a row, or copy it from one that has measured the same, and write its file."""
        # Opened first, so that a file that is not writable, or locked by another run, is reported before measuring.
        with text_file(row_file(self.results, setting.row), overwrite=self.overwrite) as file:
            twin = next((one for one in there.values() if one.setting.measures_the_same(setting)), None)
            if twin is not None:
                self.tell(f"{setting.row} is the same as {twin.setting.row}, so its result is copied.")
                result = replace(twin, setting=setting)
            else:
                self.tell(f"{setting.row}: {setting.matches} matches of {setting.seconds / 60:g} minutes")
                result = player.measure(setting, model)
            file.write(dump(result))
        return result
