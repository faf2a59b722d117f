"""``--fleet`` of the ``generate`` commands: the stretches of a benchmark, commented on by workers elsewhere."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from svlm_cli.commands.fleet_options import model_order
from svlm_cli.commands.generate_options import GenerateOptions
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.evals.generation.stretches import StreamSeed, VideoStretch

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.evals.generation.job import Generate, Prepare
    from svlm_cli.evals.generation.place import PredictionPlace
    from svlm_cli.evals.generation.record import GenerationListener, GenerationOutcome


def in_fleet(
    address: str,
    asked: GenerateOptions,
    dtype: str,
    checkpoint: "Checkpoint",
    policy: StreamPolicy,
    begins: StreamSeed,
    introduce: Callable[[str], None],
) -> "Prepare":
    """Generates in the cluster at `address`, to which this process is connected."""
    from svlm_cli.fleet.crews import crew_at
    from svlm_cli.fleet.messages import WorkerOrder
    from svlm_cli.fleet.stretch_driver import spread_stretches
    from svlm_cli.fleet.stretch_work import StretchWork

    def prepare(left: Sequence[VideoStretch]) -> "Generate":
        introduce(left[0].context)
        model, work = model_order(asked, dtype), StretchWork(begins)
        order = WorkerOrder(model, policy, work, Path.cwd(), asked.streams, len(left))

        def generate(place: "PredictionPlace", telling: "GenerationListener") -> "GenerationOutcome":
            with crew_at(address, order, checkpoint.folder) as crew:
                return spread_stretches(left, crew, place, telling)

        return generate

    return prepare
