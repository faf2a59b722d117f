"""The memory that a Qwen2.5-VL network needs, from its sizes. Exact for weights, otherwise an estimate."""

from svlm_cli.networks.family import NetworkMemory
from svlm_cli.networks.qwen2_5_vl.config import Qwen2_5VLConfig

_FLOAT = 4  # bytes


def memory(config: Qwen2_5VLConfig, *, value_bytes: int, fp8: bool, seen: int, new: int) -> NetworkMemory:
    """See `Family.memory`."""
    text = config.text
    # Gate and up projections are copied side by side; rounding them needs a float32 copy, and one more for absolute
    # values.
    joined = 2 * text.intermediate_size * text.hidden_size * (value_bytes + (2.5 * _FLOAT if fp8 else 0))
    return NetworkMemory(
        weights=_weights(config, value_bytes, fp8=fp8),
        loading=_weights(config, value_bytes, fp8=False) + int(joined),
        vision=_vision(config, seen, value_bytes),
        prefill=new * (4 * text.hidden_size + 3 * text.intermediate_size) * value_bytes,
    )


def _weights(config: Qwen2_5VLConfig, value_bytes: int, *, fp8: bool) -> int:
    """The layout for streaming. In fp8, matrices of the decoder have one byte per number and a scale per row."""
    vision, text = config.vision, config.text
    added = vision.aligned_intermediate_size - vision.intermediate_size
    aligned = parameters(config) + added * vision.depth * (3 * vision.hidden_size + 2)
    if not fp8:
        return aligned * value_bytes
    key_size = text.num_key_value_heads * text.head_dim
    rows = 2 * text.hidden_size + 2 * key_size + 2 * text.intermediate_size + text.hidden_size
    matrices = 2 * text.hidden_size**2 + 2 * text.hidden_size * key_size + 3 * text.hidden_size * text.intermediate_size
    head = text.vocab_size * text.hidden_size
    rounded = text.num_hidden_layers * matrices + head
    scales = (text.num_hidden_layers * rows + text.vocab_size) * _FLOAT
    kept = aligned - rounded + (head if config.tie_word_embeddings else 0)  # in fp8 a tied head is a separate copy
    return kept * value_bytes + rounded + scales


def parameters(config: Qwen2_5VLConfig) -> int:
    """The number of parameters."""
    text, vision = config.text, config.vision
    key_size = text.num_key_value_heads * text.head_dim
    attention = 2 * text.hidden_size**2 + 2 * text.hidden_size * key_size + text.hidden_size + 2 * key_size
    layer = attention + 3 * text.hidden_size * text.intermediate_size + 2 * text.hidden_size
    embeddings = text.vocab_size * text.hidden_size * (1 if config.tie_word_embeddings else 2)
    block = 4 * vision.hidden_size**2 + 4 * vision.hidden_size + 2 * vision.hidden_size
    block += 3 * vision.hidden_size * vision.intermediate_size + 2 * vision.intermediate_size + vision.hidden_size
    merged = vision.hidden_size * vision.spatial_merge_size**2
    merger = vision.hidden_size + merged**2 + merged + merged * vision.out_hidden_size + vision.out_hidden_size
    patches = vision.patch_dim * vision.hidden_size
    language = embeddings + text.num_hidden_layers * layer + text.hidden_size
    return language + patches + vision.depth * block + merger


def _vision(config: Qwen2_5VLConfig, seen: int, value_bytes: int) -> int:
    """Per patch: pixels as floats and as input, the residual and its norm, gate, up and their product."""
    vision = config.vision
    pixels = vision.patch_dim * (_FLOAT + value_bytes)
    activations = (6 * vision.hidden_size + 3 * vision.intermediate_size) * value_bytes
    return seen * vision.spatial_merge_size**2 * (pixels + activations)
