"""The step on a GPU against the same step on a CPU, and bfloat16 against float32. `make gpu-test` runs these."""

from pathlib import Path

import pytest
import torch

from svlm_cli.engine.engine import Engine
from tests.engine.conftest import hear, make_chunks, small_policy

pytestmark = pytest.mark.gpu

ROUNDS = 40
ATOL = 0.05  # a resized pixel may round to the neighbouring level, and that reaches the logits


def test_a_gpu_says_what_a_cpu_says(tiny_checkpoint: Path) -> None:
    policy = small_policy()
    on_cpu, on_gpu = (
        Engine.load(tiny_checkpoint, policy, device=torch.device(device), dtype=torch.float32, max_streams=2)
        for device in ("cpu", "cuda")
    )
    chunks = [make_chunks(ROUNDS, seed=seed) for seed in (0, 1)]
    cpu_streams, gpu_streams = [on_cpu.open(), on_cpu.open()], [on_gpu.open(), on_gpu.open()]
    for pair in zip(*chunks, strict=True):
        for expected, heard in zip(hear(on_cpu, cpu_streams, pair), hear(on_gpu, gpu_streams, pair), strict=True):
            assert heard.ids == expected.ids
            torch.testing.assert_close(torch.stack(heard.logits).cpu(), torch.stack(expected.logits), atol=ATOL, rtol=0)


def test_bfloat16_stays_near_float32(tiny_checkpoint: Path) -> None:
    """The same words forced, the logits of every round compared by relative norm."""
    policy = small_policy()
    exact, fast = (
        Engine.load(tiny_checkpoint, policy, device=torch.device("cuda"), dtype=dtype)
        for dtype in (torch.float32, torch.bfloat16)
    )
    with exact.open() as one, fast.open() as other:
        for chunk in make_chunks(ROUNDS):
            (expected,) = hear(exact, [one], [chunk])
            (heard,) = hear(fast, [other], [chunk], [tuple(expected.ids)])
            reference = torch.stack(expected.logits)
            error = torch.stack(heard.logits).float() - reference
            assert (error.norm() / reference.norm()).item() < 0.03
