"""Matches that are written down, and files of what was said in them, scored. Plays nothing, and imports no torch."""

from collections.abc import Sequence
from pathlib import Path

from svlm_cli.core.reporting import Reporter
from svlm_cli.evals.controls import Controls, run_controls
from svlm_cli.evals.match_files import match_seconds
from svlm_cli.evals.predictions import by_second, read_rounds
from svlm_cli.evals.report import EvaluationReport, score
from svlm_cli.evals.script import Script, write_scripts


def write_matches(matches: Sequence[tuple[int, int]], reporter: Reporter) -> tuple[list[Script], Controls]:
    """What there is to say in the matches, each a seed and its seconds; and the controls, which need no more."""
    with reporter.counting("scripts", len(matches)) as advance:
        scripts = write_scripts(matches, advance)
    return scripts, run_controls(scripts)


def score_files(paths: Sequence[Path], seed: int, minutes: float | None, reporter: Reporter) -> EvaluationReport:
    """Files of JSON lines, each of the match of the next seed, as long as `minutes` says or else the file."""
    files = [read_rounds(path) for path in paths]
    lengths = [max(round(rounds[-1][0]), 1) if minutes is None else match_seconds(minutes) for rounds in files]
    scripts, controls = write_matches(list(enumerate(lengths, seed)), reporter)
    return score(scripts, [by_second(*one) for one in zip(files, lengths, strict=True)], controls)
