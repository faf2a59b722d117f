"""Simulated footage that is played to a model, and what it says held against the truth, told as it goes on."""

from typing import Any

from svlm_cli.core.reporting import Reporter
from svlm_cli.evals.footage.report import FootageReport, FootageScript, run_controls, score
from svlm_cli.evals.playing import PlayedModel, play_matches
from svlm_cli.evals.runner import MatchSelection, Played, describe
from svlm_cli.simulator.footage.footage import EndlessFootage


def play_footage(
    model: PlayedModel, setting: MatchSelection, reporter: Reporter
) -> tuple[FootageReport, Played, dict[str, Any]]:
    """The model on all of it, in one batch; and the setting of the report. A control that fails ends it before."""
    scripts = []
    with reporter.counting("references", setting.matches) as advance:
        for seed in setting.seeds:
            scripts.append(FootageScript.of(EndlessFootage(seed), setting.seconds))
            advance(len(scripts))
    controls = run_controls(scripts)
    engine = model.load(setting.matches)
    played = play_matches(engine, setting, reporter)
    report = score(scripts, played.texts(setting.seconds), controls)
    return report, played, describe(model.checkpoint.name, engine, setting)
