"""Variable-length attention within segments, in one call. Does not know what a segment means."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Segments:
    """How ``N`` packed rows split into segments that attend within themselves.

    ``starts`` ``[count + 1]`` int32 are the first rows of the segments, and ``N``, like `cu_seqlens` of kernels.
    Segments of equal length are a view of the rows, and the other tensors are None. Otherwise they become a padded
    batch: ``rows`` ``[count * longest]`` is the row at each place, ``places`` ``[N]`` the place of each row, and
    ``mask`` ``[count, 1, 1, longest]`` marks the places that are not padding.
    """

    count: int
    longest: int
    starts: Tensor
    rows: Tensor | None = None
    places: Tensor | None = None
    mask: Tensor | None = None

    @classmethod
    def of(cls, lengths: Tensor, device: torch.device) -> "Segments":
        """Build it from the lengths of the segments, ``[count]`` on the CPU."""
        count, longest = len(lengths), int(lengths.max())
        bounds = F.pad(lengths.cumsum(0), (1, 0))
        starts = bounds.to(device, torch.int32)
        if bool((lengths == longest).all()):
            return cls(count, longest, starts)
        place = torch.arange(longest)
        mask = place < lengths[:, None]
        # Padding repeats its own segment's last row; otherwise a single row would collect the gradients of all padding.
        rows = bounds[:-1, None] + torch.minimum(place, lengths[:, None] - 1)
        return cls(
            count,
            longest,
            starts,
            rows.flatten().to(device),
            mask.flatten().nonzero().flatten().to(device),
            mask[:, None, None, :].to(device),
        )

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """``[N, H, d]`` three times -> ``[N, H * d]``."""
        shape = (self.count, self.longest, *query.shape[1:])
        query, key, value = (
            (x if self.rows is None else x.index_select(0, self.rows)).view(shape).transpose(1, 2)
            for x in (query, key, value)
        )
        output = F.scaled_dot_product_attention(query, key, value, attn_mask=self.mask)
        output = output.transpose(1, 2).reshape(self.count * self.longest, -1)
        return output if self.places is None else output.index_select(0, self.places)
