"""A clip and a question, read at once in the layout of offline models: held against transformers' own network."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.core.types import Chunk, TokenEvent
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import Questions
from svlm_cli.engine.plan import Request
from svlm_cli.engine.prompt import flatten
from svlm_cli.networks.family import Grid
from tests.engine.conftest import Parts, make_chunks, small_policy

TOLERANCE = 1e-4  # logits reach 12, in float32 with sums in another order
TOKENS_PER_SECOND = 2  # of tests/tiny.py
QUESTION = "Who has the ball?"


def _policy() -> StreamPolicy:
    policy = small_policy(mode=Mode.FULL)
    return replace(policy, chunk_seconds=8.0, prompt=replace(policy.prompt, clip=True))


def _clip(seconds: int, frames: int) -> Chunk:
    pictures = [picture for chunk in make_chunks(seconds, size=(56, 56)) for picture in chunk.frames]
    return Chunk(tuple(pictures[:frames]), 0.0, float(seconds))


def _positions(ids: list[int], pad: int, grid: Grid, step: float) -> torch.Tensor:
    """``[3, 1, S]`` as Qwen2.5-VL was trained: text goes on behind the largest of t, h and w.

    Written out: transformers 5 leaves t out there.
    """
    first, (pairs, rows, columns) = ids.index(pad), grid
    block = [
        (first + int(pair * step), first + row, first + column)
        for pair in range(pairs)
        for row in range(rows)
        for column in range(columns)
    ]
    after = max(map(max, block)) + 1
    text = [(after + index,) * 3 for index in range(len(ids) - first - len(block))]
    return torch.tensor([*((index,) * 3 for index in range(first)), *block, *text]).T[:, None]


def stock_logits(folder: Path, engine: Engine, clip: Chunk, ids: list[int]) -> torch.Tensor:
    """Logits after the last token, by transformers."""
    bounds, pad = engine.policy.vision, engine.prompt.video_pad
    size = engine.preprocessor.target_size(56, 56, min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels)
    patches, grid = engine.preprocessor.patches(clip.frames, *size, device=engine.device, dtype=engine.dtype)
    tokens = engine.preprocessor.merged_grid(len(clip.frames), *size)
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    seconds_a_step = (clip.end_s - clip.start_s) / grid[0]
    with torch.no_grad():
        logits: torch.Tensor = model(
            input_ids=torch.tensor([ids]),
            position_ids=_positions(ids, pad, tokens, TOKENS_PER_SECOND * seconds_a_step),
            pixel_values_videos=patches,
            video_grid_thw=torch.tensor([grid]),
        ).logits[0, -1]
    return logits


@pytest.mark.parametrize(("seconds", "frames"), [(6, 6), (4, 8), (8, 4), (5, 6)])
def test_a_clip_is_read_as_transformers_reads_it(
    parts: Parts, tiny_checkpoint: Path, seconds: int, frames: int
) -> None:
    """Guards markup, the time that each step takes, and positions: of clips at rates of their own."""
    engine, clip = parts.engine(_policy()), _clip(seconds, frames)
    heard: list[torch.Tensor] = []
    with engine.open() as stream:
        list(engine.step([Request(stream, clip, query=QUESTION)], observe=lambda _, row: heard.append(row)))
        ids = flatten(stream.spans)[: -sum(len(span) for span in stream.spans[-2:])]
    torch.testing.assert_close(heard[0], stock_logits(tiny_checkpoint, engine, clip, ids), atol=TOLERANCE, rtol=0)


def test_the_layout_is_that_of_a_chat(parts: Parts) -> None:
    """Guards the words that an offline model was taught: system, video, question, and nothing of a stream's."""
    engine, encode = parts.engine(_policy()), parts.tokenizer.encode
    special = parts.tokenizer.special
    start, end = special("<|im_start|>"), special("<|im_end|>")
    with engine.open(context="never read") as stream:
        list(engine.step([Request(stream, _clip(4, 4), query=QUESTION)]))
        said = sum(len(span) for span in stream.spans[-2:])
        ids = flatten(stream.spans)[:-said]
    pads = [special("<|video_pad|>")] * ids.count(special("<|video_pad|>"))
    newline = encode("\n")
    assert ids == [
        *(start, *encode("system\nYou are a helpful assistant."), end, *newline),
        *(start, *encode("user\n"), special("<|vision_start|>"), *pads, special("<|vision_end|>")),
        *(*encode(QUESTION), end, *newline, start, *encode("assistant\n")),
    ]


def test_several_questions_about_one_clip_cost_one_reading(parts: Parts) -> None:
    """Guards the fork: the second question is answered as the first was there never."""
    policy = _policy()
    engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, policy, questions=Questions(1, 6))
    answers: list[list[int]] = []
    for questions in ([QUESTION], ["And the score?", QUESTION]):
        with engine.open(query="Watch.") as stream:
            list(engine.step([Request(stream, _clip(4, 8), max_tokens=1)]))
            for question in questions:
                with engine.fork(stream) as fork:
                    heard = list(engine.step([Request(fork, None, query=question)]))
                    answers.append([event.token_id for event in heard if isinstance(event, TokenEvent)])
    assert answers[0] == answers[2] != answers[1]


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.FULL])
def test_clips_are_no_streams(parts: Parts, mode: Mode) -> None:
    """Guards a policy that would forget what is no stream."""
    policy = small_policy(mode=mode)
    with pytest.raises(UsageError, match="clip works only in mode full"):
        parts.engine(replace(policy, prompt=replace(policy.prompt, clip=True)))
