"""Memory computed beforehand against memory that is really taken."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from svlm_cli.compute.device import free_bytes
from svlm_cli.compute.fp8 import Fp8Weight
from svlm_cli.compute.graphs import Graphs
from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import footprint, stream_tokens
from svlm_cli.engine.prompt import Prompt, count_ids
from svlm_cli.networks.families import SHAPES
from svlm_cli.networks.qwen2_5_vl.family import Qwen2_5VLFamily
from svlm_cli.networks.qwen2_5_vl.fused_vision import QwenFusedVision
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from tests.engine.conftest import Parts, small_policy
from tests.tiny import make_tiny_checkpoint

ALIGNED = dict.fromkeys(SHAPES, 4 * 32 * (3 * 1280 + 2))  # 3420 channels of a feed-forward become 3424


@pytest.mark.parametrize("shape", SHAPES)
def test_counts_the_parameters_of_a_release(shape: str) -> None:
    with torch.device("meta"):
        network = SHAPES[shape].network()
    counted = SHAPES[shape].memory(value_bytes=1, fp8=False, seen=0, new=0).weights
    assert counted == sum(weight.numel() for weight in network.parameters()) + ALIGNED[shape]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("streams", [1, 3])
def test_weights_and_cache_are_known_to_the_byte(parts: Parts, mode: Mode, streams: int) -> None:
    """Guards whoever decides by it whether a stream more fits: pools, layers, the sampler's memory of ids."""
    policy = small_policy(mode=mode)
    policy = replace(policy, sampling=replace(policy.sampling, repetition_penalty=1.05))
    engine = parts.engine(policy, streams)
    expected = footprint(
        parts.model.family, policy, Prompt(parts.tokenizer, policy, parts.model.family), streams=streams, value_bytes=4
    )
    pools = (engine.cache.keys, engine.cache.rotated_keys, engine.cache.values)
    seen = engine._sampler._seen
    assert seen is not None
    assert expected.cache == sum(pool.numel() * pool.element_size() for pool in pools) + seen.numel()
    assert expected.weights == sum(weight.numel() * 4 for weight in parts.model.parameters())
    assert expected.total == expected.weights + expected.cache + expected.working


@pytest.mark.parametrize("penalty", [0.5, 1.0, 1.05])
def test_ids_are_only_remembered_for_a_penalty(parts: Parts, penalty: float) -> None:
    """Guards the bytes of the sampler's memory, which there are only then."""
    policy = small_policy()
    policy = replace(policy, sampling=replace(policy.sampling, repetition_penalty=penalty))
    engine = parts.engine(policy, 2)
    pools = (engine.cache.keys, engine.cache.rotated_keys, engine.cache.values)
    seen = engine._sampler._seen
    assert engine.estimate().cache == sum(pool.nbytes for pool in pools) + (0 if seen is None else seen.nbytes)


def test_channels_that_are_added_to_the_vision_tower_are_counted(parts: Parts) -> None:
    """Guards the sizes of the releases, whose inner size is none that kernels like."""
    vision = replace(parts.model.config.vision, intermediate_size=44, depth=3)
    assert vision.aligned_intermediate_size > vision.intermediate_size
    family, policy = Qwen2_5VLFamily(replace(parts.model.config, vision=vision)), small_policy()
    model = Qwen2_5VL(family)
    before = [one.nbytes for one in model.parameters()]
    replaced = [one.nbytes for name, one in model.visual.blocks.named_parameters() if ".mlp." in name]
    blocks = QwenFusedVision(model.visual, Graphs(torch.device("cpu")))._blocks
    joined = [part.nbytes for one in blocks for part in (one.gate_up, one.gate_up_bias, one.down, one.down_bias)]
    said = footprint(family, policy, Prompt(parts.tokenizer, policy, family), streams=1, value_bytes=4)
    assert said.weights == sum(before) - sum(replaced) + sum(joined)


def test_weights_are_loaded_before_they_are_rounded(parts: Parts) -> None:
    """Guards a GPU in which the rounded weights would fit, and those that they are made of do not."""
    policy, family = small_policy(), parts.model.family
    exact, rounded = (
        footprint(family, policy, Prompt(parts.tokenizer, policy, family), streams=3, value_bytes=2, fp8=fp8)
        for fp8 in (False, True)
    )
    assert rounded.weights < exact.weights
    text = parts.model.config.text
    halves = 2 * text.intermediate_size * text.hidden_size
    for one, copied in ((exact, 2), (rounded, 2 + 4 + 4)):  # bytes: side by side; as float32, and their sizes
        beyond = one.loading - exact.weights - one.cache
        assert copied * halves <= beyond <= 2 * copied * halves


def room(parts: Parts, policy: StreamPolicy) -> int:
    family = parts.model.family
    return stream_tokens(Prompt(parts.tokenizer, policy, family), policy, family)


def test_a_slot_has_room_for_what_the_windows_hold_and_no_more(parts: Parts) -> None:
    """Guards the capacity's arithmetic from both sides: one token less is an error in an hour, one more is wasted.

    Every round shows four visual tokens, unless said otherwise.
    """
    base = small_policy(vision=3, text=3, sink=6, window=8, tokens=6)
    prompt = Prompt(parts.tokenizer, base, parts.model.family)
    turn, opening, query = prompt.longest_turn(6), count_ids(prompt.opening(())), 32
    assert room(parts, base) == opening + 6 + 7 + 3 * turn + 3 * 4 + query

    def more(**changes: Any) -> int:
        return room(parts, small_policy(**{"tokens": 6, **changes})) - room(parts, base)

    assert more(sink=7) == 1
    assert [more(window=window) for window in (9, 2, 1, 0)] == [1, -6, -7, -7]
    assert more(text=5) == 2 * turn
    assert more(vision=5) == 2 * turn + 2 * 4
    assert more(vision=0) == -3 * 4
    assert more(vision=2) == -4
    assert more(keep_query=True) == 2 * query
    assert [more(fps=fps) for fps in (1, 3, 8)] == [0, 3 * 4, 3 * 12]
    assert [more(vision_tokens=most) for most in (1, 4, 9, 12, 99)] == [-8, -8, -3, 0, 0]
    assert room(parts, small_policy(mode=Mode.FULL)) == base.windows.full_tokens
    reset, carried = base.windows.reset_rounds, base.windows.carried_tokens
    for most in (0, 9):
        assert more(mode=Mode.WINDOW, vision_tokens=most) == carried + (reset - 3) * (turn + 4)
    assert more(mode=Mode.RECENT) == more(mode=Mode.RECENT, vision_tokens=1) == -turn - 4
    assert more(mode=Mode.RECENT, vision=0) == -turn - 3 * 4
    assert more(mode=Mode.WINDOW, vision=0) == carried + (reset - 3) * turn - 3 * 4


def test_more_frames_take_more(parts: Parts) -> None:
    """Guards an estimate that does not see what users change: frames, streams."""

    def of(fps: float, streams: int) -> tuple[int, int]:
        policy = small_policy(fps=fps)
        found = footprint(
            parts.model.family,
            policy,
            Prompt(parts.tokenizer, policy, parts.model.family),
            streams=streams,
            value_bytes=2,
        )
        return found.cache, found.working

    one, faster, more = of(2.0, 1), of(8.0, 1), of(2.0, 4)
    assert faster > one
    assert faster[1] > one[1]
    assert more[0] == 4 * one[0]
    assert more[1] == 4 * one[1]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
def test_a_checkpoint_takes_what_was_said_before_it_was_loaded(tmp_path: Path, tied: bool, dtype: torch.dtype) -> None:
    """Guards the warning of `svlm caption` in every number format: all tensors of the engine are counted, once."""
    folder, cpu = make_tiny_checkpoint(tmp_path / "tiny", tied=tied), torch.device("cpu")
    said = Engine.footprint(folder, small_policy(), device=cpu, dtype=dtype)
    engine = Engine.load(folder, small_policy(), device=cpu, dtype=dtype)
    language: Any = engine._prefiller._language
    layers = [getattr(layer, one.name) for layer in language._layers for one in fields(layer)]
    rounded = [
        part for one in [*layers, language._head] if isinstance(one, Fp8Weight) for part in (one.values, one.scales)
    ]
    taken = sum(one.numel() * one.element_size() for one in [*engine.network.parameters(), *rounded])
    assert said.weights == taken
    free = free_bytes(cpu)
    assert free is not None
    assert free > said.total
