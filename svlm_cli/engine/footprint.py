"""How many tokens a stream holds at most, computed from its policy before anything is allocated.

Knows no tensor.
"""

import math

from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.engine.prompt import Prompt, flatten


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
    pairs = math.ceil(policy.frames_per_chunk / 2)
    pixels = pairs * (policy.vision.max_pixels // pixels_per_token)
    queries = policy.prompt.max_query_tokens * (rounds if policy.prompt.keep_query else 1)
    return markup + previous + rounds * turn + seen_rounds * pixels + queries
