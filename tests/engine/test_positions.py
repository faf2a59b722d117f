"""3-D positions: worked examples from STREAMING.md, and against transformers' own where that keeps whole numbers."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from svlm_cli.engine.positions import Placement
from svlm_cli.engine.prompt import Part, Span
from svlm_cli.networks.family import Positions
from svlm_cli.networks.qwen2_5_vl.shapes import PUBLISHED

FAMILY = PUBLISHED["7b"]  # tokens_per_second is 2


def positions(spans: Sequence[Span], fps: float = 2, start: float = 0) -> tuple[Positions, float]:
    """Of a family whose frames come in pairs."""
    return Placement(FAMILY, fps)(spans, start)


def text(length: int) -> Span:
    return Span(Part.TIME, (5,) * length)


def video(grid: tuple[int, int, int]) -> tuple[Span, Span, Span]:
    pads = (9,) * math.prod(grid)
    return Span(Part.VISION, (8,), 0), Span(Part.VISION, pads, 0, grid), Span(Part.VISION, (10,), 0)


def test_text_advances_all_three_axes_by_one() -> None:
    where, after = positions([text(3)], start=4)
    assert where.tolist() == [[4, 4, 4], [5, 5, 5], [6, 6, 6]]
    assert after == 7


def test_t_advances_by_two_per_pair_at_2_fps_and_by_half_at_8_fps() -> None:
    assert FAMILY.block_positions((3, 1, 1), 2)[:, 0].tolist() == [0, 2, 4]
    assert FAMILY.block_positions((3, 1, 1), 8)[:, 0].tolist() == [0, 0.5, 1.0]


def test_text_goes_on_behind_the_largest_position_of_a_block() -> None:
    where, after = positions([text(2), *video((1, 2, 3)), text(1)])
    assert where.tolist() == [
        [0, 0, 0],
        [1, 1, 1],
        [2, 2, 2],  # <|vision_start|>
        [3, 3, 3],
        [3, 3, 4],
        [3, 3, 5],
        [3, 4, 3],
        [3, 4, 4],
        [3, 4, 5],
        [6, 6, 6],  # <|vision_end|>
        [7, 7, 7],
    ]
    assert after == 8


def test_a_fraction_of_t_is_kept_where_it_is_the_largest() -> None:
    """Guards against truncation: the stock library would give 2 here."""
    where, after = positions(video((4, 1, 1)), fps=8)
    assert where[-1].tolist() == [3.5, 3.5, 3.5]
    assert after == 4.5


def test_nothing_has_no_positions() -> None:
    where, after = positions([], start=3)
    assert where.shape == (0, 3)
    assert after == 3


def test_whole_numbers_equal_those_of_transformers() -> None:
    """2 FPS, where t is whole: several blocks between texts."""
    from transformers import Qwen2_5_VLConfig
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel

    spans = [text(4), *video((2, 2, 3)), text(5), *video((1, 4, 2)), text(3)]
    ids = torch.tensor([[token for span in spans for token in span.ids]])
    config = Qwen2_5_VLConfig(
        text_config={"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 16},
        vision_config={"depth": 1, "hidden_size": 16, "num_heads": 2, "tokens_per_second": 2},
        image_token_id=7,
        video_token_id=9,
        vision_start_token_id=8,
        vision_end_token_id=10,
    )
    with torch.device("meta"):
        model = Qwen2_5_VLModel(config)
    index: Any = model.get_rope_index
    theirs, _ = index(
        ids,
        mm_token_type_ids=torch.where(ids == 9, 2, 0),
        video_grid_thw=torch.tensor([[2, 4, 6], [1, 8, 4]]),
        second_per_grid_ts=torch.tensor([1.0, 1.0]),
        attention_mask=torch.ones_like(ids),
    )
    ours, _ = positions(spans)
    assert np.array_equal(ours.T, theirs[:, 0].numpy())
