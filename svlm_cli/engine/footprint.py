"""How much memory streams take, computed from shapes and a policy before anything is allocated.

Holds for weights, cache and the sampler's memory to the byte; the largest of what comes and goes in a round is an
estimate. Knows no tensor.
"""

import math
from dataclasses import dataclass

from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.engine.prompt import Prompt, flatten
from svlm_cli.networks.qwen2_5_vl.config import Qwen2_5VLConfig

_POOLS = 3  # keys as they are, keys rotated, values
_FLOAT = 4  # bytes


def stream_tokens(prompt: Prompt, policy: StreamPolicy, *, pixels_per_token: int) -> int:
    """The capacity of one stream's cache, in tokens; `pixels_per_token` counts a frame pair's pixels once."""
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
    turn = prompt.longest_turn(policy.sampling.max_new_tokens)
    queries = policy.prompt.max_query_tokens * (rounds if policy.prompt.keep_query else 1)
    pixels = _pixels(policy, pixels_per_token)
    seen = seen_rounds * pixels
    if windows.vision_tokens and policy.mode is not Mode.WINDOW:
        seen = min(seen, max(windows.vision_tokens, pixels))
    return markup + previous + rounds * turn + seen + queries


def _pixels(policy: StreamPolicy, pixels_per_token: int) -> int:
    """Visual tokens of a round."""
    return math.ceil(policy.frames_per_chunk / 2) * (policy.vision.max_pixels // pixels_per_token)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes."""

    weights: int
    cache: int  # all slots, and which ids each one's context holds
    working: int  # what a round needs besides, at most
    loading: int  # in all, at most, until all weights are where they stay

    @property
    def total(self) -> int:
        """The most that is needed at once."""
        return max(self.weights + self.cache + self.working, self.loading)


def footprint(
    config: Qwen2_5VLConfig, policy: StreamPolicy, prompt: Prompt, *, streams: int, value_bytes: int, fp8: bool = False
) -> Footprint:
    """Of an engine with so many streams, whose numbers have `value_bytes`; with `fp8` most of its weights have one."""
    text, vision = config.text, config.vision
    side = vision.patch_size * vision.spatial_merge_size
    capacity = stream_tokens(prompt, policy, pixels_per_token=side**2)
    token = _POOLS * text.num_hidden_layers * text.num_key_value_heads * text.head_dim * value_bytes
    seen = text.vocab_size if policy.sampling.repetition_penalty != 1 else 0
    cache = streams * (capacity * token + seen)
    # The halves of a feed-forward are copied side by side; to round them, as float32 and once more without signs.
    joined = 2 * text.intermediate_size * text.hidden_size * (value_bytes + (2.5 * _FLOAT if fp8 else 0))
    return Footprint(
        weights=_weights(config, value_bytes, fp8=fp8),
        cache=cache,
        working=_working(config, policy, prompt, streams, value_bytes),
        loading=_weights(config, value_bytes, fp8=False) + cache + int(joined),
    )


def _weights(config: Qwen2_5VLConfig, value_bytes: int, *, fp8: bool) -> int:
    """As streaming lays them out. In eight bits, what multiplies in the language model has a byte a number, and a scale
    a row.
    """
    vision, text = config.vision, config.text
    added = vision.aligned_intermediate_size - vision.intermediate_size
    aligned = parameters(config) + added * vision.depth * (3 * vision.hidden_size + 2)
    if not fp8:
        return aligned * value_bytes
    kinds = text.num_key_value_heads * text.head_dim
    rows = 2 * text.hidden_size + 2 * kinds + 2 * text.intermediate_size + text.hidden_size
    matrices = 2 * text.hidden_size**2 + 2 * text.hidden_size * kinds + 3 * text.hidden_size * text.intermediate_size
    head = text.vocab_size * text.hidden_size
    rounded = text.num_hidden_layers * matrices + head
    scales = (text.num_hidden_layers * rows + text.vocab_size) * _FLOAT
    kept = aligned - rounded + (head if config.tie_word_embeddings else 0)  # a tied head is a copy then
    return kept * value_bytes + rounded + scales


def parameters(config: Qwen2_5VLConfig) -> int:
    """How many numbers the network has."""
    text, vision = config.text, config.vision
    kinds = text.num_key_value_heads * text.head_dim
    attention = 2 * text.hidden_size**2 + 2 * text.hidden_size * kinds + text.hidden_size + 2 * kinds
    layer = attention + 3 * text.hidden_size * text.intermediate_size + 2 * text.hidden_size
    embeddings = text.vocab_size * text.hidden_size * (1 if config.tie_word_embeddings else 2)
    block = 4 * vision.hidden_size**2 + 4 * vision.hidden_size + 2 * vision.hidden_size
    block += 3 * vision.hidden_size * vision.intermediate_size + 2 * vision.intermediate_size + vision.hidden_size
    merged = vision.hidden_size * vision.spatial_merge_size**2
    merger = vision.hidden_size + merged**2 + merged + merged * vision.out_hidden_size + vision.out_hidden_size
    patches = vision.patch_dim * vision.hidden_size
    language = embeddings + text.num_hidden_layers * layer + text.hidden_size
    return language + patches + vision.depth * block + merger


def _working(config: Qwen2_5VLConfig, policy: StreamPolicy, prompt: Prompt, streams: int, value_bytes: int) -> int:
    """The larger of what looking and reading take; logits come on top."""
    text, vision = config.text, config.vision
    side = vision.patch_size * vision.spatial_merge_size
    pixels = _pixels(policy, side**2) if policy.windows.vision_rounds else 0
    patches = streams * pixels * vision.spatial_merge_size**2
    # Of a patch: its pixels as float and as they are read, the stream and its norm, gate, up and their product.
    look = patches * (
        vision.patch_dim * (_FLOAT + value_bytes)
        + (6 * vision.hidden_size + 3 * vision.intermediate_size) * value_bytes
    )
    new = streams * (pixels + prompt.longest_turn(policy.sampling.max_new_tokens) + policy.prompt.max_query_tokens)
    if policy.mode is Mode.WINDOW_OVERLAP:
        new = streams * stream_tokens(prompt, policy, pixels_per_token=side**2)
    read = new * (4 * text.hidden_size + 3 * text.intermediate_size) * value_bytes
    logits = 4 * streams * text.vocab_size * _FLOAT
    features = streams * pixels * text.hidden_size * value_bytes
    if policy.mode is Mode.WINDOW_OVERLAP:
        features *= policy.windows.vision_rounds  # at most
    return max(look, read) + logits + features
