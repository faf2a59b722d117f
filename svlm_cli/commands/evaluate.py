"""``svlm eval``, and its command ``match``: how good a commentary is, measured where the truth is known.

The measuring is in ``evals/``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from svlm_cli.checkpoints import policy_changes
from svlm_cli.checkpoints.catalog import MATCH_MODEL
from svlm_cli.checkpoints.policy_changes import PolicyChanges
from svlm_cli.cli.command import given
from svlm_cli.cli.messages import print_json
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import generate, judge, vqa
from svlm_cli.commands.claims import claims
from svlm_cli.commands.eval_footage import footage
from svlm_cli.commands.playing import PlayOptions
from svlm_cli.commands.timeliness import timeliness
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.tables import print_tables

if TYPE_CHECKING:
    from svlm_cli.evals.report import EvaluationReport
    from svlm_cli.evals.runner import Played

DEFAULT_MINUTES = 10.0

AlteredName = Literal["hue", "bright", "grey", "rotated", "letterboxed"]

AlteredPictures = Annotated[
    AlteredName | None,
    Panel.MATCH.option(
        help="Alter the pictures so that they differ from those of training: colours, rotation, or black bars."
    ),
]

Predictions = Annotated[
    list[Path] | None,
    Panel.INPUT.option(
        metavar="FILE",
        help="Score what `svlm caption -f jsonl` wrote about the match of --seed. Repeat it for the next seeds.",
    ),
]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Measure quality.")


@dataclass(frozen=True, slots=True)
class _Asked(PlayOptions):
    """The options of `svlm eval match`."""

    minutes: Annotated[
        float | None, Panel.MATCH.option(help="Length of each match.", show_default="10, or the length of the file")
    ] = None
    altered: AlteredPictures = None
    predictions: Predictions = None
    save: Annotated[
        Path | None, Panel.OUTPUT.option(metavar="FOLDER", help="Write the commentary into FOLDER/match-SEED.jsonl.")
    ] = None

    def refuse_playing(self) -> None:
        """`UsageError` for what makes sense only where matches are played."""
        # a model from elsewhere is for the calls that play
        played = (
            given("model")
            or self.adapter is not None
            or self.save is not None
            or self.matches > 1
            or self.altered is not None
        )
        if played or self.policy is not None or self.policy_keys:
            raise UsageError(
                "With --predictions nothing is played.",
                "Leave out --model, --adapter, --matches, --altered, --policy, --set and --save.",
            )

    def policy_changes(self) -> PolicyChanges:
        """What a file and single keys ask of the policy. `UsageError` for what cannot be."""
        if policy_changes.read(single=self.policy_keys or ()).asks("sampling.temperature"):
            raise UsageError("Here a model always says the likeliest word.", "Leave out sampling.temperature.")
        return policy_changes.read(self.policy, self.policy_keys or ())


@app.command()
@takes(_Asked)
def match(asked: _Asked) -> None:
    """Let a model comment on new simulated matches, and score every word against the truth.

    Decoding is greedy (temperature 0). Three controls run first: if one fails, nothing is scored.
    """
    if asked.predictions:
        from svlm_cli.evals.scoring import score_files

        asked.refuse_playing()
        report, played = score_files(asked.predictions, asked.seed, asked.minutes, asked), None
        setting: dict[str, Any] = {"predictions": [str(path) for path in asked.predictions], "seed": asked.seed}
    else:
        report, played, setting = _play(asked)
    if asked.as_json:
        print_json(report.to_json(setting, played))
        return
    print_tables((report.table(), report.control_table(), *report.timeliness_tables()))
    asked.tell_silent("match", [] if played is None else played.ended)


def _play(asked: _Asked) -> "tuple[EvaluationReport, Played, dict[str, Any]]":
    from svlm_cli.evals.alterations import Altered
    from svlm_cli.evals.match_files import match_seconds
    from svlm_cli.evals.playing import new_files, play_and_score
    from svlm_cli.evals.runner import MatchSelection
    from svlm_cli.evals.world import MatchPlayer

    seconds = match_seconds(DEFAULT_MINUTES if asked.minutes is None else asked.minutes)
    setting = MatchSelection(asked.matches, seconds, asked.seed, MatchPlayer(asked.altered and Altered(asked.altered)))
    changes = asked.policy_changes()
    paths = [] if asked.save is None else new_files(asked.save, setting)
    report, played, told = play_and_score(asked.ready(changes, MATCH_MODEL), setting, asked, paths)
    return report, played, told | ({"altered": asked.altered} if asked.altered else {}) | changes.told()


app.command()(footage)
app.command()(claims)
judge.commentary.command("generate")(generate.generate_commentary)
judge.livesports.command("generate")(generate.generate_livesports)
judge.commentary.command()(timeliness)
app.add_typer(judge.commentary)
app.add_typer(judge.livesports)
app.add_typer(vqa.app)
