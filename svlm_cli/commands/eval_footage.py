"""``svlm eval footage``: what a model says of simulated everyday footage, held against the truth."""

from dataclasses import dataclass
from typing import Annotated

from svlm_cli.checkpoints import policy_changes
from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.cli.messages import print_json
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import options
from svlm_cli.commands.playing import PlayOptions
from svlm_cli.outputs.tables import print_tables


@dataclass(frozen=True, slots=True)
class _Asked(PlayOptions):
    """The options of `svlm eval footage`."""

    minutes: Annotated[float, Panel.MATCH.option(help="Length of each stretch of footage.")] = 10.0
    photos: options.Photos = None


@takes(_Asked)
def footage(asked: _Asked) -> None:
    """Let a model comment on simulated footage of everyday things, and score every statement against the truth.

    Decoding is greedy (temperature 0). Three controls run first: if one fails, nothing is played.
    """
    from svlm_cli.evals.footage.player import FootagePlayer
    from svlm_cli.evals.footage.playing import play_footage
    from svlm_cli.evals.match_files import match_seconds
    from svlm_cli.evals.runner import MatchSelection

    seconds = match_seconds(asked.minutes)
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    setting = MatchSelection(asked.matches, seconds, asked.seed, FootagePlayer.of(asked.photos))
    report, played, told = play_footage(asked.ready(changes, DEFAULT_MODEL), setting, asked)
    if asked.as_json:
        photos = None if asked.photos is None else str(asked.photos)
        print_json(report.to_json(told | changes.told() | {"photos": photos}, played))
        return
    print_tables(report.tables())
    asked.tell_silent("footage", played.ended)
