"""``svlm eval footage``: what a model says of simulated everyday footage, held against the truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from svlm_cli.checkpoints import policy_changes
from svlm_cli.commands import options
from svlm_cli.commands.messages import print_json
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.playing import PlayOptions
from svlm_cli.outputs.tables import print_tables


@dataclass(frozen=True, slots=True)
class _Asked(PlayOptions):
    """The options of `svlm eval footage`."""

    minutes: Annotated[float, Panel.MATCH.option(help="Of each.")] = 10.0
    photos: Annotated[
        Path | None,
        Panel.MATCH.option(
            metavar="FOLDER",
            help="Photos that the footage is made of, which no training has seen.",
            show_default="patterns alone",
        ),
    ] = None


@options.takes(_Asked)
def footage(asked: _Asked) -> None:
    """Let a model comment on simulated footage of everyday things, and hold every statement against the truth.

    Always the likeliest word (temperature 0). Three controls run first: if one fails, nothing is played.
    """
    from svlm_cli.evals.footage.player import FootagePlayer
    from svlm_cli.evals.footage.report import run_controls, score
    from svlm_cli.evals.match_files import match_seconds
    from svlm_cli.evals.playing import play_matches
    from svlm_cli.evals.runner import MatchSelection, describe
    from svlm_cli.simulator.footage.footage import EndlessFootage
    from svlm_cli.simulator.footage.photos import read_photos
    from svlm_cli.simulator.footage.speech import texts

    seconds = match_seconds(asked.minutes)
    player = FootagePlayer("" if asked.photos is None else str(asked.photos.absolute()))
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    if asked.photos is not None:
        read_photos(asked.photos)  # here it is told what is wrong with them
    model = asked.ready(changes)
    setting = MatchSelection(asked.matches, seconds, asked.seed, player)
    references = []
    with asked.counting("references", asked.matches) as advance:
        for seed in setting.seeds:
            references.append(texts(EndlessFootage(seed), seconds))
            advance(len(references))
    controls = run_controls(references)
    engine = model.load(asked.matches)
    played = play_matches(engine, setting, asked)
    report = score(references, played.texts(seconds), controls)
    described: dict[str, Any] = describe(model.checkpoint.name, engine, setting) | changes.told()
    described |= {"photos": None if asked.photos is None else str(asked.photos)}
    if asked.as_json:
        print_json(report.to_json(described, played))
        return
    print_tables(report.tables())
    asked.tell_silent("footage", played.ended)
