"""Drawing the next token: repetition penalty, tokens that are never said, temperature, top-k, in this order.

Every stream brings its own uniform numbers, so its text does not depend on who shares its batch. Nothing here waits
for the device. Knows no stream: rows and slots only.
"""

from collections.abc import Collection, Iterable, Sequence, Set

import numpy as np
import torch
from torch import Tensor

from svlm_cli.compute.device import upload
from svlm_cli.compute.ops import penalise
from svlm_cli.core.policy import SamplingPolicy


class Sampler:
    """Draws tokens for a pool of slots, and remembers which ids each slot's context holds, if that is penalized."""

    def __init__(
        self,
        policy: SamplingPolicy,
        *,
        slots: int,
        vocabulary: int,
        end_ids: Collection[int],
        device: torch.device,
        suppressed: Collection[int] = (),
    ) -> None:
        """`end_ids` are the tokens that end a round, `suppressed` those that are never drawn."""
        self._policy = policy
        self._end_ids = upload(sorted(end_ids), device)
        self._device = device
        penalizes = policy.repetition_penalty != 1
        self._seen = torch.zeros(slots, vocabulary, dtype=torch.bool, device=device) if penalizes else None
        self._true = torch.ones((), dtype=torch.bool, device=device)
        self._suppressed: Tensor | None = None  # [V]
        if suppressed:
            never = np.zeros(vocabulary, np.bool_)
            never[list(suppressed)] = True
            self._suppressed = upload(never, device)
        self._choices = min(policy.top_k or vocabulary, vocabulary - len({*suppressed}))

    def begin(self, slots: Sequence[int], contexts: Iterable[Set[int]]) -> None:
        """Start a round of each of `slots`: its context is every id that the model sees, markup and pads included."""
        if self._seen is not None:
            self._seen.index_fill_(0, upload(slots, self._device), False)
            found = [np.fromiter(ids, np.int64, len(ids)) for ids in contexts]
            rows = np.repeat(slots, [len(ids) for ids in found])
            self.remember(*upload(np.stack([rows, np.concatenate(found)]), self._device))

    def remember(self, slots: Tensor, tokens: Tensor) -> None:
        """Add one of `tokens` ``[N]`` to each of `slots` ``[N]``; a slot may stand there several times."""
        if self._seen is not None:
            self._seen.index_put_((slots, tokens), self._true)

    def scores(self, logits: Tensor, slots: Tensor, endless: Tensor | None = None) -> Tensor:
        """Logits ``[B, V]`` with the repetition penalty, in float32; of rows that are `endless` ``[B]``, no end.

        What is suppressed is impossible, as in transformers' `SuppressTokensLogitsProcessor`.
        """
        penalty = self._policy.repetition_penalty
        scores = penalise(logits, self._seen, slots, penalty, endless, self._end_ids)
        return scores if self._suppressed is None else scores.masked_fill(self._suppressed, float("-inf"))

    def draw(self, logits: Tensor, slots: Tensor, uniforms: Tensor, endless: Tensor | None = None) -> Tensor:
        """One token ``[B]`` for each row of `logits` ``[B, V]``, of the streams in `slots` ``[B]``.

        `uniforms` ``[B]`` in [0, 1) choose it, through the inverse of the cumulative distribution over the `top_k`
        likeliest tokens. Rows that are `endless` ``[B]``, not 0, get none that ends a round.
        """
        scores = self.scores(logits, slots, endless)
        policy = self._policy
        if policy.temperature == 0:
            return scores.argmax(dim=-1)
        best, tokens = scores.topk(self._choices, dim=-1)
        cumulative = (best / policy.temperature).softmax(dim=-1).cumsum(dim=-1)
        choice = torch.searchsorted(cumulative, uniforms[:, None], right=True).clamp_(max=self._choices - 1)
        return tokens.gather(-1, choice).squeeze(-1)
