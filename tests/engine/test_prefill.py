"""Reading in places that are the same every time, as recordings need it, against reading as it comes.

Nothing is recorded on a CPU: the pass is done where a recording would be replayed.
"""

import math
from collections.abc import Callable, Hashable

import pytest
import torch
from torch import Tensor

from svlm_cli.compute.flash import CausalKernels, Lengths
from svlm_cli.compute.graphs import Graphs
from svlm_cli.engine import prefill
from svlm_cli.engine.engine import Engine
from tests.engine.conftest import Parts, hear, make_chunks, small_policy

ROUNDS = 14
ATOL = 1e-4  # sums of float32 in another order


class Replayed(Graphs):
    """Does what a recording would do."""

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))
        self.enabled = True
        self.keys: list[Hashable] = []

    def run(self, key: Hashable, work: Callable[[], object]) -> None:
        self.keys.append(key)
        work()


def alone(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """`CausalAttention` in plain PyTorch."""
    shared = query.shape[1] // keys.shape[1]
    keys, values = keys.repeat_interleave(shared, 1), values.repeat_interleave(shared, 1)
    scores = torch.einsum("nhd,mhd->hnm", query, keys) / math.sqrt(query.shape[2])
    hidden = torch.ones(scores.shape[1:]).triu(1 + len(keys) - len(query)).bool()
    return torch.einsum("hnm,mhd->nhd", scores.masked_fill(hidden, -math.inf).softmax(-1), values)


def together(query: Tensor, keys: Tensor, values: Tensor, new: Lengths, held: Tensor) -> Tensor:
    """`VarlenAttention` in plain PyTorch. What belongs to no stream is no number, as it may be on a GPU."""
    output = torch.full_like(query, math.nan)
    starts = new.cu_seqlens.tolist()
    for index, (start, stop, length) in enumerate(zip(starts, starts[1:], held.tolist(), strict=False)):
        output[start:stop] = alone(query[start:stop], keys[index, :length], values[index, :length])
    return output


def replaying(engine: Engine, *, padded: bool = False) -> Replayed:
    graphs = Replayed()
    engine._prefiller._graphs, engine._prefiller._kernels = graphs, CausalKernels(alone, together, padded)
    return graphs


def test_what_is_read_in_place_is_what_is_read(parts: Parts) -> None:
    """Guards padding, whose numbers are no numbers; tokens, keys and frames of an earlier round; a stream that is
    missing.
    """
    usual, replayed = parts.engine(small_policy(), 2), parts.engine(small_policy(), 2)
    graphs = replaying(replayed)
    ours, theirs = [[engine.open(seed=seed) for seed in (0, 1)] for engine in (replayed, usual)]
    chunks = [make_chunks(ROUNDS, seed=seed) for seed in (0, 1)]
    for index, pair in enumerate(zip(*chunks, strict=True)):
        some = slice(None) if index % 4 else slice(1)
        heard = hear(replayed, ours[some], pair[some])
        for one, expected in zip(heard, hear(usual, theirs[some], pair[some]), strict=True):
            assert one.ids == expected.ids
            torch.testing.assert_close(torch.stack(one.logits), torch.stack(expected.logits), atol=ATOL, rtol=0)
    assert len(graphs.keys) == ROUNDS
    assert len(set(graphs.keys)) < ROUNDS, "most rounds are like others"


def test_recordings_are_few_and_small(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the memory of a GPU against streams that come and go."""
    monkeypatch.setattr(prefill, "_MOST_RECORDED", 1)
    engine = parts.engine(small_policy())
    graphs = replaying(engine)
    with engine.open() as stream:
        for chunk in make_chunks(ROUNDS):
            hear(engine, [stream], [chunk])
    assert len(set(graphs.keys)) == 1
    monkeypatch.setattr(prefill, "_FEW_TOKENS", 1)
    done = len(graphs.keys)
    with engine.open() as stream:
        hear(engine, [stream], make_chunks(1))
    assert len(graphs.keys) == done


def test_a_kernel_that_pads_is_not_recorded(parts: Parts) -> None:
    """Guards the speed: each stream would be padded to the width of the recording, which holds the tokens of all."""
    engine = parts.engine(small_policy())
    graphs = replaying(engine, padded=True)
    with engine.open() as stream:
        hear(engine, [stream], make_chunks(1))
    assert graphs.keys == []
