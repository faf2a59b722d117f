"""Attention over windows in streaming layout: each token sees the context of its round. Knows no loss and no loop."""

import torch
from torch import Tensor

from svlm_cli.compute.attention import attend, causal_mask
from svlm_cli.compute.rotary import Rotary, rotate
from svlm_cli.training.view_batch import ViewBatch


class StreamedSequence:
    """The `Attend` of whole windows in which every token sees what a stream would hold at that time (`views.py`).

    All rounds of all windows are one batch: the keys of each are gathered, and rotated to their positions in that
    round. So a key has one position per round that sees it, as in a stream.
    """

    def __init__(self, views: ViewBatch, rotary: Rotary, *, shared: int, dtype: torch.dtype) -> None:
        """`shared` is the number of query heads per KV head, `dtype` that of queries, keys and values."""
        self._views = views
        self._tables = rotary.angles(views.positions)  # [V, m, 1, d] each
        self._asking = tuple(table.flatten(0, 1).index_select(0, views.queries) for table in self._tables)
        alone = 1 in views.last.shape  # the mask layout that `attend` expects
        self._mask = causal_mask(views.last if alone else views.last.repeat(1, shared), views.positions.shape[1], dtype)

    def __call__(self, _layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """See `Attend`, over ``[S, ...]``. Tokens that no round asks for get zeros."""
        views, size = self._views, self._views.positions.shape[:2]
        # In float32 until they are gathered, because their gradients are sums over many rounds.
        gathered = (x.float().index_select(0, views.keys) for x in (key, value))
        keys, values = (x.view(*size, *x.shape[1:]) for x in gathered)  # [V, m, K, d]
        asking = query.index_select(0, views.keys.index_select(0, views.queries))  # [V * n, H, d]
        output = attend(
            rotate(asking, *self._asking),
            rotate(keys, *self._tables).to(query.dtype).transpose(1, 2),
            values.to(query.dtype).transpose(1, 2),
            self._mask,
        )
        return torch.zeros_like(query).index_copy(0, views.rows, output.index_select(0, views.answered))
