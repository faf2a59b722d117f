"""Masked attention of a padded batch in plain PyTorch. Knows no cache and no stream."""

import torch
import torch.nn.functional as F
from torch import Tensor


def attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """`query` ``[b * n, H, D]`` over `keys` and `values` ``[b, K, m, D]``; as `query` comes out.

    The ``H / K`` query heads that share a key head stand below each other, as further queries of it: so any kernel
    takes them, with a mask or without, and no key is copied. `mask` is that of a `Joint`.
    """
    b, kinds, _, size = keys.shape
    n, heads = len(query) // b, query.shape[1]
    if n == 1:
        return F.scaled_dot_product_attention(query.view(b, kinds, -1, size), keys, values, mask).flatten(1, 2)
    apart = query.view(b, n, kinds, -1, size).permute(0, 2, 3, 1, 4)  # [b, K, H / K, n, D]
    if b == 1:  # may be long: a mask for one head is large enough
        shared_keys, shared_values = (x.transpose(0, 1).expand(-1, heads // kinds, -1, -1) for x in (keys, values))
        output = F.scaled_dot_product_attention(apart.squeeze(0), shared_keys, shared_values, mask)
    else:
        output = F.scaled_dot_product_attention(apart.flatten(2, 3), keys, values, mask)
    return output.view(b, kinds, -1, n, size).permute(0, 3, 1, 2, 4).reshape(b * n, heads, size)


def causal_mask(last: Tensor, m: int, dtype: torch.dtype) -> Tensor:
    """What is added to scores where each token sees keys up to its `last` ``[b, n]`` of ``m``: ``[b, 1, n, m]``."""
    hidden = torch.arange(m, device=last.device) > last[:, None, :, None]
    return torch.zeros(hidden.shape, device=last.device, dtype=dtype).masked_fill_(hidden, float("-inf"))
