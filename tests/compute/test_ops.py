"""What streaming computes between matrix products, in plain PyTorch, against numbers worked out by hand."""

import torch

from svlm_cli.compute import ops
from svlm_cli.compute.rotary import both_ways, rotary_tables, rotate

NO_ENDS = torch.empty(0, dtype=torch.int64)


def test_the_penalty_makes_what_was_seen_less_likely_whatever_its_sign() -> None:
    """Guards the change of sides at 0, not at -1 or 1: divided there, a logit between them would become likelier."""
    row = [-2.0, -1.0, -0.75, -0.0625, 0.0, 0.0625, 0.75, 1.0, 2.0]
    penalised = [-4.0, -2.0, -1.5, -0.125, 0.0, 0.03125, 0.375, 0.5, 1.0]
    seen = torch.tensor([[False] * len(row), [True] * len(row)])
    scores = ops.penalise(torch.tensor([row, row]), seen, torch.tensor([1, 0]), 2.0, None, NO_ENDS)
    assert scores.tolist() == [penalised, row]


def test_queries_and_keys_are_rotated_and_values_are_not() -> None:
    """Guards heads of the wrong third, where there are many."""
    heads, size = 4, 8
    qkv, tables = noise(5, 3 * heads * size), rotary_tables(both_ways(noise(5, size // 2)))
    turned = qkv.clone()
    ops.rotate_heads(turned, *tables)
    query_key, value = qkv.view(5, -1, size).tensor_split((2 * heads,), dim=1)
    expected = torch.cat((rotate(query_key, *tables), value), dim=1)
    torch.testing.assert_close(turned.view(5, -1, size), expected, atol=0, rtol=0)


def test_the_first_row_is_stored_and_one_below_it_nowhere() -> None:
    """Guards padding, which must not write over tokens, at either end of the pools."""
    heads, kv_heads, size, places = 4, 2, 8, 6
    qkv, tables = noise(3, (heads + 2 * kv_heads) * size), rotary_tables(both_ways(noise(3, size // 2)))
    pools = [torch.zeros(places, kv_heads, size) for _ in range(3)]
    query = ops.rotate_and_store(qkv, *tables, torch.tensor([0, -1, 4]), *pools)
    assert query.shape == (3, heads, size), "queries of padding come out too"
    expected_query, key, value = qkv.view(3, -1, size).split_with_sizes((heads, kv_heads, kv_heads), dim=1)
    torch.testing.assert_close(query, rotate(expected_query, *tables), atol=0, rtol=0)
    for pool, new in zip(pools, (key, rotate(key, *tables), value), strict=True):
        torch.testing.assert_close(pool[[0, 4]], new[[0, 2]], atol=0, rtol=0)
        assert not pool[[1, 2, 3, 5]].any()


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))
