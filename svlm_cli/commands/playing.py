"""The options of the commands of ``svlm eval`` that play to a model. The playing is in ``evals/playing.py``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from svlm_cli.checkpoints.policy_changes import PolicyChanges
from svlm_cli.cli.panels import Panel
from svlm_cli.commands import options
from svlm_cli.commands.loading import checkpoint_of, settled

if TYPE_CHECKING:
    from svlm_cli.evals.playing import PlayedModel
    from svlm_cli.evals.runner import Ended


@dataclass(frozen=True, slots=True)
class PlayOptions(options.PolicyOptions):
    """The options of a command that plays to a model."""

    model: options.Model = None
    adapter: options.Adapter = None
    matches: options.Matches = 1
    minutes: Annotated[float | None, Panel.MATCH.option(help="Length of each match.")] = None
    seed: options.MatchSeed = 0
    mode: options.ForgetsBy = None
    as_json: options.Json = False

    def ready(self, changes: PolicyChanges, default: str) -> "PlayedModel":
        """What is named, else `default`; fetched if need be.

        Raises `ModelError` and `UsageError`, before anything takes long.
        """
        from svlm_cli.engine.place import EnginePlace
        from svlm_cli.evals.playing import PlayedModel

        place = EnginePlace.of(self.device, self.dtype)
        asked = replace(self, model=default) if self.model is None and self.adapter is None else settled(self)
        return PlayedModel.of(checkpoint_of(asked), changes, place, mode=self.mode, fps=self.fps)

    def tell_silent(self, what: str, ended: "Sequence[Ended]") -> None:
        """Streams that had no room for all of it."""
        for one in ended:
            self.show(f"svlm: The {what} of seed {one.seed} is silent from {one.at_s:g} s on: {one.why}")
