"""Divides the windows of a step among ranks. Knows no process. No torch here."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from svlm_cli.core.errors import UsageError
from svlm_cli.training.recipe import Optimisation, OptimizerMoments


@dataclass(frozen=True, slots=True)
class Share:
    """One rank's part of each step: its places among the step's windows, by forward pass."""

    step: int  # windows per step, over all ranks
    passes: tuple[range, ...]

    @classmethod
    def of(cls, optimisation: Optimisation, rank: int = 0, ranks: int = 1) -> Self:
        """Equal shares, in passes of at most `batch` and of nearly equal size. `UsageError` if not divisible."""
        if ranks > 1 and optimisation.moments is OptimizerMoments.BITS8:
            raise UsageError(
                f'optimisation.moments = "{optimisation.moments}" works with one process only, not with {ranks}.',
                f'Use moments = "{OptimizerMoments.FLOAT32}": each process keeps a share of them.',
            )
        step = optimisation.batch * optimisation.accumulate
        if step % ranks:
            raise UsageError(
                f"The {step} windows of a step (batch {optimisation.batch} x accumulate {optimisation.accumulate}) "
                f"cannot be shared evenly by {ranks} processes.",
                "Change optimisation.batch or optimisation.accumulate, or take another number of processes.",
            )
        own = step // ranks
        passes = -(-own // optimisation.batch)
        edges = [rank * own + own * index // passes for index in range(passes + 1)]
        return cls(step, tuple(range(*edge) for edge in pairwise(edges)))

    def has(self, place: int) -> bool:
        """Whether the window at this place of a step belongs to this rank."""
        return self.passes[0].start <= place < self.passes[-1].stop
