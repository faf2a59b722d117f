"""Both networks together, and the plain forward pass over whole windows that training and the tests use.

Knows no cache and no stream: streaming drives `VisionTower` and `LanguageModel` itself.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from svlm_cli.networks.attend import WholeSequence
from svlm_cli.networks.qwen2_5_vl.config import Qwen2_5VLConfig
from svlm_cli.networks.qwen2_5_vl.language import LanguageModel
from svlm_cli.networks.qwen2_5_vl.vision import Grid, VisionTower


class Qwen2_5VL(nn.Module):  # noqa: N801 - the family's own name
    """``visual`` and ``language``. Parameters have the published names, those of the text below ``language.``."""

    def __init__(self, config: Qwen2_5VLConfig) -> None:
        super().__init__()
        self.config = config
        self.visual = VisionTower(config.vision)
        self.language = LanguageModel(config.text, tied=config.tie_word_embeddings)

    def embed(self, ids: Tensor, features: Tensor | None = None) -> Tensor:
        """Ids ``[...]`` -> ``[..., D]``; the n-th ``video_token_id`` takes the n-th row of ``features`` ``[n, D]``.

        That there are as many of one as of the other is for the caller to know: to look would wait for the device.
        """
        embedded = self.language.embed(ids)
        if features is None:
            return embedded
        shown = (ids == self.config.video_token_id).unsqueeze(-1)
        return embedded.masked_scatter(shown, features.to(embedded.dtype))

    def logits(self, hidden: Tensor) -> Tensor:
        """``[..., D]`` as `LanguageModel` returns it -> ``[..., V]``."""
        return self.language.logits(hidden)

    def forward(
        self,
        input_ids: Tensor,
        positions: Tensor,
        patches: Tensor | None = None,
        grids: Sequence[Grid] = (),
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Causal attention over whole sequences.

        ``input_ids`` ``[B, S]``, ``positions`` ``[B, S, 3]`` (t, h, w), ``patches`` and ``grids`` as for `VisionTower`
        in the order of the rows of the batch, ``attention_mask`` ``[B, S]`` true (or 1) where a token is real, padded
        on either side. Returns logits ``[B, S, V]``; those of padding mean nothing.
        """
        features = None if patches is None else self.visual(patches, grids)
        attend = WholeSequence(*self.language.rotary.angles(positions), _causal_mask(attention_mask))
        return self.logits(self.language(self.embed(input_ids, features), attend))


def _causal_mask(real: Tensor | None) -> Tensor | None:
    """``[B, S]`` -> ``[B, 1, S, S]``. Padding sees itself, since a softmax over nothing is not a number."""
    if real is None:
        return None
    length = real.shape[1]
    itself = torch.eye(length, dtype=torch.bool, device=real.device)
    before = torch.ones(length, length, dtype=torch.bool, device=real.device).tril()
    return ((before & real.bool()[:, None, :]) | itself)[:, None]
