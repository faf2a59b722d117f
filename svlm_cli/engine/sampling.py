"""Drawing the next token: repetition penalty, temperature, top-k, in this order.

Every stream brings its own uniform numbers, so its text does not depend on who shares its batch. Nothing here waits
for the device. Knows no stream: rows and slots only.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from svlm_cli.core.policy import SamplingPolicy


class Sampler:
    """Draws tokens for a pool of slots, and remembers which ids each slot's context holds."""

    def __init__(self, policy: SamplingPolicy, *, slots: int, vocabulary: int, device: torch.device) -> None:
        self._policy = policy
        self._seen = torch.zeros(slots, vocabulary, dtype=torch.bool, device=device)

    def begin(self, slot: int, context: Sequence[int]) -> None:
        """Start a round: `context` is every id that the model sees, markup and video pads included."""
        self._seen[slot] = False
        self._seen[slot, torch.tensor(context, device=self._seen.device)] = True

    def remember(self, slots: Tensor, tokens: Tensor) -> None:
        """Add one token to each of `slots`, both ``[B]``."""
        self._seen[slots, tokens] = True

    def scores(self, logits: Tensor, slots: Tensor) -> Tensor:
        """Logits ``[B, V]`` with the repetition penalty, in float32."""
        logits = logits.float()
        penalty = self._policy.repetition_penalty
        if penalty == 1:
            return logits
        penalized = torch.where(logits > 0, logits / penalty, logits * penalty)
        return torch.where(self._seen[slots], penalized, logits)

    def draw(self, logits: Tensor, slots: Tensor, uniforms: Tensor) -> Tensor:
        """One token ``[B]`` for each row of `logits` ``[B, V]``.

        `uniforms` ``[B]`` in [0, 1) choose it, through the inverse of the cumulative distribution over the `top_k`
        likeliest tokens.
        """
        scores = self.scores(logits, slots)
        policy = self._policy
        if policy.temperature == 0:
            return scores.argmax(dim=-1)
        count = min(policy.top_k or scores.shape[-1], scores.shape[-1])
        best, tokens = (scores / policy.temperature).topk(count, dim=-1)
        cumulative = best.softmax(dim=-1).cumsum(dim=-1)
        choice = torch.searchsorted(cumulative, uniforms[:, None], right=True).clamp_(max=count - 1)
        return tokens.gather(-1, choice).squeeze(-1)


def forbid(logits: Tensor, rows: Sequence[int], ids: Iterable[int]) -> Tensor:
    """A copy of `logits` ``[B, V]`` in which `rows` can never take one of `ids`."""
    logits = logits.clone()
    index = torch.tensor([(row, token) for row in rows for token in ids]).to(logits.device, non_blocking=True)
    logits[index[:, 0], index[:, 1]] = float("-inf")
    return logits
