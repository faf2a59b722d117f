"""Masked attention of a padded batch in plain PyTorch. Knows no cache and no stream."""

import torch
import torch.nn.functional as F
from torch import Tensor


def attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """`query` ``[b * n, H, D]`` over `keys` and `values` ``[b, K, m, D]``; the result is shaped as `query`.

    The ``H / K`` query heads that share a KV head are folded into the query axis. So any kernel can be used, with or
    without a mask, and no key is copied. `mask` is added to the scores, as in `PaddedGroup`.
    """
    b, kv_heads, _, size = keys.shape
    n, heads = len(query) // b, query.shape[1]
    if n == 1:
        return F.scaled_dot_product_attention(query.view(b, kv_heads, -1, size), keys, values, mask).flatten(1, 2)
    grouped = query.view(b, n, kv_heads, -1, size).permute(0, 2, 3, 1, 4)  # [b, K, H / K, n, D]
    if b == 1:  # the mask may be large, so it is shared by all heads
        shared_keys, shared_values = (x.transpose(0, 1).expand(-1, heads // kv_heads, -1, -1) for x in (keys, values))
        output = F.scaled_dot_product_attention(grouped.squeeze(0), shared_keys, shared_values, mask)
    else:
        output = F.scaled_dot_product_attention(grouped.flatten(2, 3), keys, values, mask)
    return output.view(b, kv_heads, -1, n, size).permute(0, 3, 1, 2, 4).reshape(b * n, heads, size)


def causal_mask(last: Tensor, m: int, dtype: torch.dtype) -> Tensor:
    """The mask to add to scores ``[b, 1, n, m]`` if each token sees the keys up to index `last` ``[b, n]``."""
    hidden = torch.arange(m, device=last.device) > last[:, None, :, None]
    return torch.zeros(hidden.shape, device=last.device, dtype=dtype).masked_fill_(hidden, float("-inf"))
