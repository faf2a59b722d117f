"""Validation: the loss on held-out windows, the best checkpoint, and free captions.

Leaves the run's weights, random states and data unchanged. Knows no loop.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.network import Network
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.networks.weights import load_network
from svlm_cli.training.best import Best, keep_best
from svlm_cli.training.feed import DeviceBatch, on_device
from svlm_cli.training.held_out import HeldOut
from svlm_cli.training.held_out_videos import HeldOutVideo
from svlm_cli.training.layout import Role
from svlm_cli.training.log import TrainingLog
from svlm_cli.training.replacing import replace_text
from svlm_cli.training.result import Result, write_weights
from svlm_cli.training.run import TrainingRun
from svlm_cli.training.saying import greedy, hear, page
from svlm_cli.training.sharding import whole_weights

SAID = "said"

Forward = Callable[[nn.Module, DeviceBatch], Mapping[str, Tensor]]
"""A forward pass as in training."""


class Validation:
    """One rank's part. All ranks call `after` at the same steps."""

    def __init__(
        self, run: TrainingRun, held_out: HeldOut, videos: tuple[HeldOutVideo, ...], preprocessor: Preprocessor
    ) -> None:
        """`videos` are only for the first rank, which also has the log."""
        self._run = run
        self._held_out = held_out
        self._videos = videos
        self._preprocessor = preprocessor

    def is_due(self, step: int) -> bool:
        """Whether to validate after this step."""
        recipe = self._run.recipe
        return recipe.validation.is_due(step, recipe.optimisation.steps)

    def after(self, step: int, model: nn.Module, network: Network, forward: Forward, log: TrainingLog | None) -> None:
        """Validate `model`, whose inner network is `network`, after a step."""
        run, started = self._run, time.perf_counter()
        with _as_it_was(model, run.device):
            tally = self._tally(model, forward)
            counts = tally.sum(0)
            best = Best(step, float(counts[1] / counts[0]))
            beats = self._agree(best.held_out_loss < Best.of(run.output).held_out_loss)
            if log is not None:
                log.note_held_out(step, tally, best=beats)
            if beats or run.recipe.validation.videos:
                weights = whole_weights(network)  # sharded, so all ranks take part
                if log is not None:
                    result = Result(run.recipe, network.family, step, log.learned)
                    if beats:
                        keep_best(run.output, best, result, weights)
                    self._say(result, weights)
            run.ranks.meet()
        if log is not None:
            log.leave_out(time.perf_counter() - started)

    @torch.no_grad()
    def _tally(self, model: nn.Module, forward: Forward) -> Tensor:
        """The tally over all held-out windows, as in `LearningNetwork`."""
        run = self._run
        tally = torch.zeros(len(Role), 3, dtype=torch.float64, device=run.device)
        for batch, counts in self._held_out:
            one = on_device(batch, self._preprocessor, device=run.device, dtype=run.computed_in, weight=1.0)
            found = forward(model, one)["tally"]
            if counts:
                tally += found
        tally[[Role.NONE, Role.CELL]] = 0  # padding, and what is no token
        return run.ranks.add_up(tally)

    def _agree(self, decided: bool) -> bool:
        """The decision of the first rank."""
        told = torch.tensor(float(decided and self._run.ranks.first), device=self._run.device)
        return bool(self._run.ranks.add_up(told))

    def _say(self, result: Result, weights: Mapping[str, Tensor]) -> None:
        run = self._run
        if not self._videos:
            return
        try:
            heard = hear(self._engine(result, weights), self._videos)
        except torch.OutOfMemoryError:
            run.say(f"step {result.step}: no captions are generated: there is no memory left for a stream.")
            return
        finally:
            gc.collect()
            if run.device.type == "cuda":
                torch.cuda.empty_cache()
        folder = run.output / SAID
        folder.mkdir(exist_ok=True)
        replace_text(folder / f"step-{result.step}.txt", page(result.step, heard))

    def _engine(self, result: Result, weights: Mapping[str, Tensor]) -> Engine:
        """An engine with its own copy of the weights, in the training's compute dtype."""
        run = self._run
        if run.recipe.adapter.used:
            with TemporaryDirectory() as folder:
                write_weights(Path(folder), result, weights)
                base = resolve(run.recipe.model.base).folder
                network = load_network(base, device=run.device, dtype=run.computed_in, adapter=Path(folder))
        else:
            with torch.device("meta"):
                network = result.family.network()
            own = {name: weight.to(run.device, run.computed_in, copy=True) for name, weight in weights.items()}
            network.load_state_dict(own, assign=True)
        policy = greedy(run.recipe.policy)
        return Engine(network.eval(), self._preprocessor, Tokenizer(run.output), policy, graphs=False)


@contextmanager
def _as_it_was(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Without dropout, and with the random state restored afterwards."""
    training = model.training
    model.eval()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        model.train(training)
