"""The memory that streams need, computed from shapes and a policy before anything is allocated.

Exact for weights, cache and the sampler's state; the peak of temporary memory in a round is an estimate. Knows no
tensor.
"""

import math
from dataclasses import dataclass

from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.engine.prompt import Prompt, flatten
from svlm_cli.networks.family import Family

_POOLS = 3  # unrotated keys, rotated keys, values
_FLOAT = 4  # bytes


@dataclass(frozen=True, slots=True)
class Questions:
    """How many forks an engine has room for besides its streams, and the longest answer, in tokens."""

    forks: int = 0
    answer_tokens: int = 64


NO_QUESTIONS = Questions()


def stream_tokens(prompt: Prompt, policy: StreamPolicy, family: Family) -> int:
    """The capacity of one stream's cache, in tokens."""
    windows = policy.windows
    if policy.mode is Mode.FULL:
        return windows.full_tokens
    markup = len(flatten(prompt.opening(())))
    previous = windows.sink_tokens + max(windows.window_tokens - 1, 0)
    rounds = max(windows.text_rounds, windows.vision_rounds)
    seen_rounds = windows.vision_rounds
    if policy.mode is Mode.WINDOW:
        previous += windows.carried_tokens
        rounds = windows.reset_rounds
        seen_rounds = rounds if windows.vision_rounds else 0
    if policy.mode is Mode.RECENT:
        rounds = windows.recent_rounds
        seen_rounds = rounds if windows.vision_rounds else 0
    turn = prompt.longest_turn(policy.sampling.max_new_tokens)
    queries = policy.prompt.max_query_tokens * (rounds if policy.prompt.keep_query else 1)
    pixels = visual_tokens(policy, family)
    seen = seen_rounds * pixels
    if windows.vision_tokens and policy.mode not in (Mode.WINDOW, Mode.RECENT):
        seen = min(seen, max(windows.vision_tokens, pixels))
    return markup + previous + rounds * turn + seen + queries


def slot_tokens(prompt: Prompt, policy: StreamPolicy, family: Family, questions: Questions) -> int:
    """The capacity of a slot, in tokens: if streams can be forked, with extra room for a question."""
    tokens = stream_tokens(prompt, policy, family)
    if not questions.forks:
        return tokens
    return tokens + prompt.longest_question(policy.prompt.max_query_tokens, questions.answer_tokens)


def visual_tokens(policy: StreamPolicy, family: Family) -> int:
    """The maximum number of visual tokens in a round."""
    steps = math.ceil(policy.frames_per_chunk / family.temporal_patch_size)
    return steps * (policy.vision.max_pixels // family.pixels_per_token)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory in bytes."""

    weights: int
    cache: int  # all slots, and the record of which ids each context contains
    working: int  # the peak of a round, in addition
    loading: int  # the peak while weights are loaded, in total

    @property
    def total(self) -> int:
        """The peak."""
        return max(self.weights + self.cache + self.working, self.loading)


def footprint(
    family: Family,
    policy: StreamPolicy,
    prompt: Prompt,
    *,
    streams: int,
    value_bytes: int,
    fp8: bool = False,
    questions: Questions = NO_QUESTIONS,
) -> Footprint:
    """The footprint of an engine with `streams` streams and numbers of `value_bytes`; `fp8`: decoder weights in fp8."""
    shape = family.language
    capacity = slot_tokens(prompt, policy, family, questions)
    slots = streams + questions.forks
    token = _POOLS * shape.num_hidden_layers * shape.num_key_value_heads * shape.head_dim * value_bytes
    seen = shape.vocab_size if policy.sampling.repetition_penalty != 1 else 0
    cache = slots * (capacity * token + seen)
    pixels = visual_tokens(policy, family) if policy.windows.vision_rounds else 0
    new = pixels + prompt.longest_turn(policy.sampling.max_new_tokens) + policy.prompt.max_query_tokens
    features = slots * pixels * family.feature_layers * shape.hidden_size * value_bytes
    if policy.mode.recomputes:
        new = capacity
        recent = policy.mode is Mode.RECENT
        features *= policy.windows.recent_rounds if recent else policy.windows.vision_rounds  # at most
    network = family.memory(value_bytes=value_bytes, fp8=fp8, seen=slots * pixels, new=slots * new)
    logits = 4 * slots * shape.vocab_size * _FLOAT
    return Footprint(
        weights=network.weights,
        cache=cache,
        working=max(network.vision, network.prefill) + logits + features,
        loading=network.loading + cache,
    )
