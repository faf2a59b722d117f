"""Samples the next token: repetition penalty, suppressed tokens, temperature, top-k, in this order.

Every stream has its own uniform random numbers, so its text does not depend on the rest of the batch. Never
synchronises with the device. Knows no stream, only rows and slots.
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
    """A sampling policy, as tensors."""

    policy: SamplingPolicy
    suppressed: Tensor | None  # [V] tokens that are never generated
    choices: int  # number of candidates


class Sampler:
    """Samples tokens for a pool of slots; tracks the ids in each slot's context if a repetition penalty needs them."""

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
        """`policy` applies to rows without one of their own, `end_ids` are the tokens that end a round.

        `token_id` returns the id of a text that is one token.
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
        """The tensors of a policy: created once, before anything is recorded."""
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
        """Start a round in each of `slots`: its context is the set of all ids in the sequence, with markup and pads.

        `policies` are those that the round will use.
        """
        for policy in policies:
            self._require(policy)
        if self._seen is not None:
            self._seen.index_fill_(0, upload(slots, self._device), False)
            found = [np.fromiter(ids, np.int64, len(ids)) for ids in contexts]
            rows = np.repeat(slots, [len(ids) for ids in found])
            self.remember(*upload(np.stack([rows, np.concatenate(found)]), self._device))

    def remember(self, slots: Tensor, tokens: Tensor) -> None:
        """Add one of `tokens` ``[N]`` to the context of each of `slots` ``[N]``, which may repeat."""
        if self._seen is not None:
            self._seen.index_put_((slots, tokens), self._true)

    def scores(
        self, logits: Tensor, slots: Tensor, endless: Tensor | None = None, policy: SamplingPolicy | None = None
    ) -> Tensor:
        """Logits ``[B, V]`` in float32 with the repetition penalty; `endless` rows ``[B]`` cannot end the round.

        Suppressed tokens get minus infinity, as in transformers' `SuppressTokensLogitsProcessor`.
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
        """Sample one token per row of `logits` ``[B, V]``, for the streams in `slots` ``[B]``; ``[B]``.

        `uniforms` ``[B]`` in [0, 1) select it through the inverse of the cumulative distribution over the `top_k`
        likeliest tokens. Rows with nonzero `endless` ``[B]`` never get a token that ends the round.
        """
        scores = self.scores(logits, slots, endless, policy)
        rule = self._rules[policy or self.policy]
        if rule.policy.temperature == 0:
            return scores.argmax(dim=-1)
        best, tokens = scores.topk(rule.choices, dim=-1)
        cumulative = (best / rule.policy.temperature).softmax(dim=-1).cumsum(dim=-1)
        choice = torch.searchsorted(cumulative, uniforms[:, None], right=True).clamp_(max=rule.choices - 1)
        return tokens.gather(-1, choice).squeeze(-1)
