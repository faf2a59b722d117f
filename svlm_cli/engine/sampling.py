"""Sampling the next token: repetition penalty, suppressed tokens, temperature, top-k, in this order.

Every stream brings its own uniform numbers, so its text does not depend on who shares its batch. Nothing here waits
for the device. Knows no stream: rows and slots only.
"""

from collections.abc import Callable, Collection, Iterable, Sequence, Set
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from svlm_cli.compute.device import upload
from svlm_cli.compute.ops import penalise
from svlm_cli.core.policy import SamplingPolicy


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """A sampling policy as the device needs it."""

    policy: SamplingPolicy
    suppressed: Tensor | None  # [V] what is never said
    choices: int  # tokens that are drawn from


class Sampler:
    """Draws tokens for a pool of slots, and remembers which ids each slot's context holds, if that is penalized."""

    def __init__(
        self,
        policy: SamplingPolicy,
        *,
        slots: int,
        vocabulary: int,
        end_ids: Collection[int],
        token_id: Callable[[str], int],
        device: torch.device,
    ) -> None:
        """`policy` is that of all rows which bring none of their own, `end_ids` are the tokens that end a round, and
        `token_id` knows the id of a text that is one token.
        """
        self.policy = policy
        self._token_id, self._device = token_id, device
        self._slots, self._vocabulary = slots, vocabulary
        self._end_ids = upload(sorted(end_ids), device)
        self._rules: dict[SamplingPolicy, _Rule] = {}
        self._true = torch.ones((), dtype=torch.bool, device=device)
        self._seen: Tensor | None = None  # [S, V]
        self._require(policy)

    def _require(self, policy: SamplingPolicy) -> _Rule:
        """What drawing by a policy takes: made once, before anything is recorded."""
        if policy.repetition_penalty != 1 and self._seen is None:
            self._seen = torch.zeros(self._slots, self._vocabulary, dtype=torch.bool, device=self._device)
        if policy not in self._rules:
            never = set(map(self._token_id, policy.suppress_tokens))
            suppressed: Tensor | None = None
            if never:
                mask = np.zeros(self._vocabulary, np.bool_)
                mask[list(never)] = True
                suppressed = upload(mask, self._device)
            choices = min(policy.top_k or self._vocabulary, self._vocabulary - len(never))
            self._rules[policy] = _Rule(policy, suppressed, choices)
        return self._rules[policy]

    def begin(
        self, slots: Sequence[int], contexts: Iterable[Set[int]], policies: Iterable[SamplingPolicy] = ()
    ) -> None:
        """Start a round of each of `slots`: its context is every id that the model sees, markup and pads included.

        `policies` are those by which will be drawn.
        """
        for policy in policies:
            self._require(policy)
        if self._seen is not None:
            self._seen.index_fill_(0, upload(slots, self._device), False)
            found = [np.fromiter(ids, np.int64, len(ids)) for ids in contexts]
            rows = np.repeat(slots, [len(ids) for ids in found])
            self.remember(*upload(np.stack([rows, np.concatenate(found)]), self._device))

    def remember(self, slots: Tensor, tokens: Tensor) -> None:
        """Add one of `tokens` ``[N]`` to each of `slots` ``[N]``; a slot may stand there several times."""
        if self._seen is not None:
            self._seen.index_put_((slots, tokens), self._true)

    def scores(
        self, logits: Tensor, slots: Tensor, endless: Tensor | None = None, policy: SamplingPolicy | None = None
    ) -> Tensor:
        """Logits ``[B, V]`` with the repetition penalty, in float32; of rows that are `endless` ``[B]``, no end.

        What is suppressed is impossible, as in transformers' `SuppressTokensLogitsProcessor`.
        """
        rule = self._rules[policy or self.policy]
        penalty = rule.policy.repetition_penalty
        scores = penalise(logits, None if penalty == 1 else self._seen, slots, penalty, endless, self._end_ids)
        return scores if rule.suppressed is None else scores.masked_fill(rule.suppressed, float("-inf"))

    def draw(
        self,
        logits: Tensor,
        slots: Tensor,
        uniforms: Tensor,
        endless: Tensor | None = None,
        policy: SamplingPolicy | None = None,
    ) -> Tensor:
        """One token ``[B]`` for each row of `logits` ``[B, V]``, of the streams in `slots` ``[B]``.

        `uniforms` ``[B]`` in [0, 1) choose it, through the inverse of the cumulative distribution over the `top_k`
        likeliest tokens. Rows that are `endless` ``[B]``, not 0, get none that ends a round.
        """
        scores = self.scores(logits, slots, endless, policy)
        rule = self._rules[policy or self.policy]
        if rule.policy.temperature == 0:
            return scores.argmax(dim=-1)
        best, tokens = scores.topk(rule.choices, dim=-1)
        cumulative = (best / rule.policy.temperature).softmax(dim=-1).cumsum(dim=-1)
        choice = torch.searchsorted(cumulative, uniforms[:, None], right=True).clamp_(max=rule.choices - 1)
        return tokens.gather(-1, choice).squeeze(-1)
