"""How far bfloat16 is from float32: no farther than transformers' own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import Qwen2_5_VLForConditionalGeneration

from svlm_cli.core.policy import Mode
from svlm_cli.core.types import Chunk
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.prompt import flatten
from svlm_cli.engine.stream import StreamState
from tests.engine.conftest import hear, make_chunks, small_policy

ROUNDS = 24
WORDS = (40, 41, 42, 43)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_bfloat16_is_as_near_to_float32_as_that_of_transformers(tiny_checkpoint: Path, device: str) -> None:
    """The same ids at the same positions, evicted from and recomputed, by relative norm over all rounds."""
    policy, place = small_policy(mode=Mode.WINDOW_OVERLAP), torch.device(device)
    exact, fast = (
        Engine.load(tiny_checkpoint, policy, device=place, dtype=dtype) for dtype in (torch.float32, torch.bfloat16)
    )
    stock: Any = Qwen2_5_VLForConditionalGeneration.from_pretrained(tiny_checkpoint, dtype=torch.bfloat16)
    stock.to(place).eval()
    truth: list[Tensor] = []
    ours: list[Tensor] = []
    theirs: list[Tensor] = []
    chunks = make_chunks(ROUNDS)
    with exact.open() as one, fast.open() as other:
        for chunk in chunks:
            for engine, stream, found in ((exact, one, truth), (fast, other, ours)):
                (heard,) = hear(engine, [stream], [chunk], [WORDS])
                found.append(torch.stack(heard.logits).float())
            theirs.append(_stock_logits(stock, fast, other, chunks))
    expected = torch.cat(truth)
    error, theirs_error = ((torch.cat(found) - expected).norm() / expected.norm() for found in (ours, theirs))
    assert 0 < error < 1.1 * theirs_error


@torch.no_grad()
def _stock_logits(stock: Any, engine: Engine, stream: StreamState, chunks: list[Chunk]) -> Tensor:
    """Those from which `WORDS` were chosen, by transformers alone: its tower, its network."""
    ids = torch.tensor([flatten(stream.spans)], device=engine.device)
    bounds = engine.policy.vision
    features = []
    for span in stream.spans:
        if span.grid is not None:
            frames = chunks[span.round].frames
            height, width = frames[-1].shape[:2]
            size = engine.preprocessor.target_size(
                height, width, min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels
            )
            patches, grid = engine.preprocessor.patches(frames, *size, device=engine.device, dtype=torch.bfloat16)
            grids = torch.tensor([grid], device=engine.device)
            features.append(stock.model.visual(patches, grid_thw=grids).pooler_output)
    shown = (ids == engine.prompt.video_pad).unsqueeze(-1)
    embedded = stock.get_input_embeddings()(ids).masked_scatter(shown, torch.cat(features))
    where = torch.tensor(stream.positions, dtype=torch.float32, device=engine.device).T[:, None]
    hidden = stock.model.language_model(inputs_embeds=embedded, position_ids=where).last_hidden_state
    first = ids.shape[1] - len(WORDS) - 2  # what ends an answer that was cut short
    logits: Tensor = stock.lm_head(hidden)[0, first - 1 : first - 1 + len(WORDS)].float()
    return logits
