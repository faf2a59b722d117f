"""Simulated footage that is played to a model, and what it says held against the truth, told as it goes on."""

from typing import Any

from svlm_cli.core.reporting import Reporter
from svlm_cli.evals.footage.report import FootageReport, run_controls, score
from svlm_cli.evals.playing import PlayedModel, play_matches
from svlm_cli.evals.runner import MatchSelection, Played, describe
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.speech import texts


def play_footage(
    model: PlayedModel, setting: MatchSelection, reporter: Reporter
) -> tuple[FootageReport, Played, dict[str, Any]]:
    """The model on all of it, in one batch; and the setting of the report. A control that fails ends it before."""
    references = []
    with reporter.counting("references", setting.matches) as advance:
        for seed in setting.seeds:
            references.append(texts(EndlessFootage(seed), setting.seconds))
            advance(len(references))
    controls = run_controls(references)
    engine = model.load(setting.matches)
    played = play_matches(engine, setting, reporter)
    report = score(references, played.texts(setting.seconds), controls)
    return report, played, describe(model.checkpoint.name, engine, setting)
