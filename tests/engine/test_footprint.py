"""Memory computed beforehand against memory that is really taken."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from svlm_cli.compute.device import free_bytes
from svlm_cli.compute.fp8 import Fp8Weight
from svlm_cli.core.policy import Mode
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import footprint
from svlm_cli.engine.prompt import Prompt
from svlm_cli.networks.families import SHAPES
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
