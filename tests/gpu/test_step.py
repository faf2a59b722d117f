"""The step on a GPU against the same step on a CPU, and bfloat16 against float32. `make gpu-test` runs these."""

from pathlib import Path

import pytest
import torch

from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.core.policy import Mode
from svlm_cli.core.types import Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from tests.engine.conftest import hear, make_chunks, small_policy

pytestmark = pytest.mark.gpu

ROUNDS = 40
ATOL = 0.05  # a resized pixel may round to the neighbouring level, and that reaches the logits


@pytest.mark.parametrize("mode", Mode)
def test_a_gpu_says_what_a_cpu_says(tiny_checkpoint: Path, mode: Mode) -> None:
    policy = small_policy(mode=mode)
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


@pytest.mark.parametrize("mode", [Mode.STREAMING, Mode.RECENT])
def test_a_restored_stream_goes_on_as_if_nothing_had_been(tiny_checkpoint: Path, tmp_path: Path, mode: Mode) -> None:
    """Guards a resumed generation, from a GPU to disk and back, to the bit."""
    policy, chunks = small_policy(mode=mode, temperature=0.9), make_chunks(ROUNDS)
    engine = Engine.load(tiny_checkpoint, policy, device=torch.device("cuda"), dtype=torch.bfloat16, max_streams=2)
    with engine.open(seed=3) as stream:
        for chunk in chunks[:20]:
            hear(engine, [stream], [chunk])
        engine.save(stream, tmp_path / "stream")
        expected = [hear(engine, [stream], [chunk])[0].ids for chunk in chunks[20:]]
    with engine.open(), engine.open(seed=3) as stream:
        engine.restore(stream, tmp_path / "stream")
        assert [hear(engine, [stream], [chunk])[0].ids for chunk in chunks[20:]] == expected


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


@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")
def test_a_round_waits_for_nothing_but_its_tokens(tiny_checkpoint: Path) -> None:
    """Guards the overlap of host and GPU: PyTorch raises where an operation would wait. The rounds before are for what
    is prepared once.
    """
    engine = Engine.load(
        tiny_checkpoint, small_policy(), device=torch.device("cuda"), dtype=torch.bfloat16, max_streams=2
    )
    with engine.open() as one, engine.open() as other:
        for index, chunk in enumerate(make_chunks(ROUNDS)):
            torch.cuda.set_sync_debug_mode("error" if index >= ROUNDS // 2 else "default")
            try:
                list(engine.step([Request(one, chunk), Request(other, chunk)]))
            finally:
                torch.cuda.set_sync_debug_mode("default")


def test_recorded_steps_say_what_a_cpu_says(tiny_checkpoint: Path) -> None:
    """Guards recordings that read or write what was somewhere else when they were made, as streams come and go.

    Nobody observes logits here, since then nothing is recorded.
    """
    said = []
    for device, graphs in (("cpu", False), ("cuda", False), ("cuda", True)):
        engine = Engine.load(
            tiny_checkpoint,
            small_policy(),
            device=torch.device(device),
            dtype=torch.float32,
            max_streams=3,
            graphs=graphs,
        )
        streams = [engine.open(seed=seed) for seed in range(3)]
        words = []
        for index, chunk in enumerate(make_chunks(ROUNDS)):
            some = streams if index % 5 else streams[:2]
            events = engine.step([Request(stream, chunk) for stream in some])
            words.append(sorted((one.stream, one.token_ids) for one in events if isinstance(one, Segment)))
            if index == ROUNDS // 2:
                streams[1].close()
                streams[1] = engine.open(seed=7)
        said.append(words)
    assert said[0] == said[1]
    assert said[0] == said[2]


def test_recorded_reading_is_reading(tiny_checkpoint: Path) -> None:
    """In bfloat16, since only then a kernel knows lengths. The same words forced; two streams, sometimes one."""
    policy = small_policy()
    recorded, usual = (
        Engine.load(
            tiny_checkpoint, policy, device=torch.device("cuda"), dtype=torch.bfloat16, max_streams=2, graphs=graphs
        )
        for graphs in (True, False)
    )
    if recorded.attention is not AttentionKernel.FLASH4:
        pytest.skip("no kernel that knows lengths is installed")
    ours, theirs = ([engine.open(seed=seed) for seed in (0, 1)] for engine in (recorded, usual))
    for index, chunk in enumerate(make_chunks(ROUNDS)):
        some = slice(None) if index % 4 else slice(1)
        count = len(ours[some])
        expected = hear(usual, theirs[some], [chunk] * count)
        heard = hear(recorded, ours[some], [chunk] * count, [tuple(one.ids) for one in expected])
        for one, other in zip(heard, expected, strict=True):
            reference = torch.stack(other.logits)
            assert ((torch.stack(one.logits) - reference).norm() / reference.norm()).item() < 0.02
