"""Recipes so small that a step takes milliseconds."""

import json
from dataclasses import replace
from typing import Any

from svlm_cli.core.policy import MarkerRule, PromptPolicy, SamplingPolicy, StreamPolicy, VisionPolicy, WindowPolicy
from svlm_cli.networks.family import Family, Vocabulary
from svlm_cli.networks.sizes import TextSize, VisionSize
from svlm_cli.training.recipe import (
    BaseStage,
    DataRecipe,
    ModelRecipe,
    Optimisation,
    OutputRecipe,
    Recipe,
    WeightType,
    WindowRecipe,
)
from svlm_cli.training.simulator_recipe import SimulatorRecipe

SIZES = ModelRecipe(
    vocabulary=512,
    text=TextSize(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        mrope_section=(2, 3, 3),
    ),
    vision=VisionSize(
        depth=2, hidden_size=16, intermediate_size=24, num_heads=2, window_size=56, fullatt_block_indexes=(1,)
    ),
)


def small_family() -> Family:
    """Of those sizes, with ids of control tokens from 0 on."""
    return SIZES.family(Vocabulary(100, *range(6)))


def small_policy(fps: float = 2.0) -> StreamPolicy:
    """The simulator's pictures, and text windows so small that the previous text is cut."""
    return StreamPolicy(
        vision=VisionPolicy(fps=fps, min_pixels=784, max_pixels=224 * 112),
        windows=WindowPolicy(sink_tokens=24, window_tokens=32),
        prompt=PromptPolicy(marker_rule=MarkerRule.EXACT, query="Comment."),
        sampling=SamplingPolicy(max_new_tokens=40, temperature=0.0),
    )


def small_recipe(steps: int = 4, **optimisation: Any) -> Recipe:
    """Two windows of four seconds a step, from scratch, in float32."""
    return Recipe(
        model=SIZES,
        data=DataRecipe(simulator=SimulatorRecipe(match_minutes=(1.0,), windows_per_match=4, matches_per_block=2)),
        windows=WindowRecipe(seconds=4, overlap_seconds=2),
        base_stage=BaseStage(share=0.5, share_after=0.25),
        optimisation=replace(
            Optimisation(steps=steps, batch=2, learning_rate=1e-2, bf16=False, compile=False), **optimisation
        ),
        output=OutputRecipe(save_every=2, weights=WeightType.FLOAT32),
        policy=small_policy(),
    )


def annotation_line(video: str, seconds: int) -> str:
    """A line of an annotation file: a video from its beginning, with three words a second."""
    words = [[s + third / 3, s + third / 3 + 0.2, f"word{third}"] for s in range(seconds) for third in range(3)]
    shown = {"type": "video", "video": video, "video_start": 0.0, "video_end": float(seconds)}
    asks = {"type": "text", "text": "Commentate on this match", "previous": "A match of reds against blues."}
    spoken = {"role": "assistant", "content": [{"type": "text_stream", "text_stream": words}]}
    return json.dumps([{"role": "user", "content": [shown, asks]}, spoken])
