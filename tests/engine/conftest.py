"""The tiny checkpoint, loaded once, as engines and oracles under any policy; and made-up chunks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from svlm_cli.core.policy import (
    MarkerRule,
    Mode,
    PromptPolicy,
    SamplingPolicy,
    StreamPolicy,
    VisionPolicy,
    WindowPolicy,
)
from svlm_cli.core.types import Chunk, Segment, TokenEvent
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.oracle import Oracle
from svlm_cli.engine.plan import Request
from svlm_cli.engine.stream import StreamState
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.networks.weights import load_network, load_preprocessor

SMALL_PIXELS = 4 * 28 * 28


@dataclass(frozen=True, slots=True)
class Parts:
    """What engines and oracles are made of."""

    model: Qwen2_5VL
    preprocessor: Preprocessor
    tokenizer: Tokenizer

    def engine(self, policy: StreamPolicy, streams: int = 1) -> Engine:
        return Engine(self.model, self.preprocessor, self.tokenizer, policy, max_streams=streams)

    def oracle(self, policy: StreamPolicy, **options: Any) -> Oracle:
        return Oracle(self.model, self.preprocessor, self.tokenizer, policy, **options)


@pytest.fixture(scope="session")
def parts(tiny_checkpoint: Path) -> Parts:
    model = load_network(tiny_checkpoint, device=torch.device("cpu"), dtype=torch.float32)
    assert isinstance(model, Qwen2_5VL)
    return Parts(model, load_preprocessor(tiny_checkpoint, model.family), Tokenizer(tiny_checkpoint))


def small_policy(
    *,
    mode: Mode = Mode.STREAMING,
    vision: int = 3,
    text: int = 3,
    sink: int = 6,
    window: int = 8,
    tokens: int = 6,
    temperature: float = 0.0,
    rule: MarkerRule = MarkerRule.EXACT,
    fps: float = 2.0,
    keep_query: bool = False,
    vision_tokens: int = 0,
) -> StreamPolicy:
    """Windows so small that everything is evicted within a few rounds."""
    return StreamPolicy(
        mode=mode,
        vision=VisionPolicy(fps=fps, min_pixels=28 * 28, max_pixels=SMALL_PIXELS),
        windows=WindowPolicy(
            vision_rounds=vision,
            vision_tokens=vision_tokens,
            text_rounds=text,
            sink_tokens=sink,
            window_tokens=window,
            reset_rounds=10,
            carried_tokens=7,
            full_tokens=4096,
        ),
        prompt=PromptPolicy(marker_rule=rule, keep_query=keep_query, max_query_tokens=32),
        sampling=SamplingPolicy(max_new_tokens=tokens, temperature=temperature, top_k=20),
    )


def make_chunks(count: int, *, seed: int = 0, fps: float = 2.0, size: tuple[int, int] = (56, 42)) -> list[Chunk]:
    """Seconds of noise; every seventh is cut short and every fifth has another size."""
    noise = np.random.default_rng(seed)
    chunks = []
    for i in range(count):
        frames = max(int(fps) - (i % 7 == 6), 1)
        height, width = size if i % 5 else (size[1], size[0])
        pictures = tuple(noise.integers(0, 256, (height, width, 3), np.uint8) for _ in range(frames))
        chunks.append(Chunk(pictures, float(i), i + frames / fps))
    return chunks


@dataclass(slots=True, eq=False)
class Heard:
    """What an engine said in one round of one stream."""

    ids: list[int]
    logits: list[Tensor]
    segment: Segment


def hear(
    engine: Engine,
    streams: Sequence[StreamState],
    chunks: Sequence[Chunk],
    forced: Sequence[tuple[int, ...] | None] | None = None,
) -> list[Heard]:
    """One step of several streams."""
    logits: dict[int, list[Tensor]] = {stream.slot: [] for stream in streams}
    ids: dict[int, list[int]] = {stream.slot: [] for stream in streams}
    segments: dict[int, Segment] = {}
    requests = [
        Request(stream, chunk, forced_ids=None if forced is None else forced[i])
        for i, (stream, chunk) in enumerate(zip(streams, chunks, strict=True))
    ]
    for event in engine.step(requests, observe=lambda stream, row: logits[stream.slot].append(row)):
        if isinstance(event, TokenEvent):
            ids[event.stream].append(event.token_id)
        else:
            segments[event.stream] = event
    return [Heard(ids[s.slot], logits[s.slot], segments[s.slot]) for s in streams]


Script = Callable[[int], tuple[int, ...] | None]
"""Round -> the ids that are said in it, or None for what the model says itself."""
