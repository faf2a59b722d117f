"""Both networks, and the plain forward pass over whole windows that training and tests use.

Knows no cache and no stream: streaming calls `VisionTower` and `LanguageModel` directly.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from svlm_cli.compute.graphs import Graphs
from svlm_cli.compute.rotary import Rotary
from svlm_cli.networks.attend import Attend, WholeSequence
from svlm_cli.networks.family import Grid
from svlm_cli.networks.layers import CheckpointingLayer
from svlm_cli.networks.network import DeepFeatures, FusedLanguage, FusedVision, Network
from svlm_cli.networks.qwen2_5_vl.family import Qwen2_5VLFamily
from svlm_cli.networks.qwen2_5_vl.fused_language import QwenFusedLanguage
from svlm_cli.networks.qwen2_5_vl.fused_vision import QwenFusedVision
from svlm_cli.networks.qwen2_5_vl.language import LanguageModel
from svlm_cli.networks.qwen2_5_vl.vision import VisionTower

INITIAL_STD = 0.02
_RESIDUAL = ("o_proj.weight", "down_proj.weight", "attn.proj.weight")  # projections into the residual stream


class Qwen2_5VL(Network):  # noqa: N801 - the family's own name
    """``visual`` and ``language``. Parameters have the published names, for the text model below ``language.``."""

    family: Qwen2_5VLFamily
    visual: VisionTower
    language: LanguageModel

    def __init__(self, family: Qwen2_5VLFamily) -> None:
        super().__init__()
        self.family, self.config = family, family.config
        self.visual = VisionTower(self.config.vision)
        self.language = LanguageModel(self.config.text, tied=self.config.tie_word_embeddings)

    @property
    def rotary(self) -> Rotary:
        return self.language.rotary

    def look(self, patches: Tensor, grids: Sequence[Grid]) -> Tensor:
        features: Tensor = self.visual(patches, grids)
        return features[None]

    def decode(self, hidden: Tensor, attend: Attend, deep: DeepFeatures | None = None) -> Tensor:
        assert deep is None, "this family's features have one layer"
        decoded: Tensor = self.language(hidden, attend)
        return decoded

    def blocks(self) -> Iterator[CheckpointingLayer]:
        for block in (*self.visual.blocks, *self.language.model.layers):
            assert isinstance(block, CheckpointingLayer), "all layers are"
            yield block

    def merger(self) -> Iterator[nn.Parameter]:
        yield from self.visual.merger.parameters()

    def word_embeddings(self) -> Iterator[nn.Parameter]:
        yield from self.language.model.embed_tokens.parameters()
        if self.language.lm_head is not None:
            yield from self.language.lm_head.parameters()

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Normal with standard deviation 0.02; norms 1, biases 0.

        Projections into a residual stream of L layers are scaled by 1 / sqrt(2 L), so that its variance does not grow
        with depth (Radford et al. 2019, section 2.3).
        """
        random = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if name.endswith(".bias"):
                weight.zero_()
            elif weight.ndim == 1:
                weight.fill_(1.0)
            else:
                layers = self.config.vision.depth if name.startswith("visual.") else self.config.text.num_hidden_layers
                std = INITIAL_STD / math.sqrt(2 * layers) if name.endswith(_RESIDUAL) else INITIAL_STD
                weight.copy_(torch.empty(weight.shape).normal_(std=std, generator=random))

    def fused_vision(self, graphs: Graphs) -> FusedVision:
        return QwenFusedVision(self.visual, graphs)

    def fused_language(self, *, fp8: bool = False) -> FusedLanguage:
        return QwenFusedLanguage(self.language, fp8=fp8)

    def embed(self, ids: Tensor, features: Tensor | None = None) -> Tensor:
        """Ids ``[...]`` -> ``[..., D]``; the n-th ``video_token_id`` gets the n-th row of ``features`` ``[n, D]``.

        The caller must ensure that their numbers match: checking would synchronise with the device.
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
        in the order of the batch, ``attention_mask`` ``[B, S]`` true (or 1) for real tokens, with padding on either
        side. Returns logits ``[B, S, V]``; those of padding are meaningless.
        """
        features = None if patches is None else self.visual(patches, grids)
        attend = WholeSequence(*self.language.rotary.angles(positions), _causal_mask(attention_mask))
        return self.logits(self.language(self.embed(input_ids, features), attend))


def _causal_mask(real: Tensor | None) -> Tensor | None:
    """``[B, S]`` -> ``[B, 1, S, S]``. Padding sees itself, because a softmax over nothing is NaN."""
    if real is None:
        return None
    length = real.shape[1]
    itself = torch.eye(length, dtype=torch.bool, device=real.device)
    before = torch.ones(length, length, dtype=torch.bool, device=real.device).tril()
    return ((before & real.bool()[:, None, :]) | itself)[:, None]
