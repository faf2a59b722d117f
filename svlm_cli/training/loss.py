"""Cross-entropy over a large vocabulary, with only some tokens' logits in memory. Knows no batch and no loop.

A 7B model has 152,064 logits per token: those of a window, in float32 with gradients, take more memory than a layer.
"""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from svlm_cli.networks.network import Network
from svlm_cli.training.layout import IGNORED

MOST_LOGITS: Final = 1 << 27  # in memory at once: half a gigabyte in float32


def token_losses(
    network: Network, hidden: Tensor, targets: Tensor, *, most_logits: int = MOST_LOGITS
) -> tuple[Tensor, Tensor]:
    """``[N, D]`` after the final norm and ``[N]`` ids -> each token's loss, and whether it was likeliest, ``[N]``.

    At most `most_logits` are in memory at once, also in the backward pass, which recomputes each chunk.
    """
    rows = rows_at_once(network.family.language.vocab_size, most_logits)
    if len(hidden) <= rows:
        return _losses(network, hidden, targets)
    chunks = [
        checkpoint(_losses, network, some, wanted, use_reentrant=False)
        for some, wanted in zip(torch.split(hidden, rows), torch.split(targets, rows), strict=True)
    ]
    losses, right = zip(*chunks, strict=True)
    return torch.cat(losses), torch.cat(right)


def rows_at_once(entries: int, most_logits: int) -> int:
    """The number of tokens whose logits are in memory at once, for a vocabulary of `entries`."""
    return max(most_logits // entries, 1)


def _losses(network: Network, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    logits = network.logits(hidden).float()
    losses = F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none")
    return losses, (logits.detach().argmax(-1) == targets).float()
