"""The network while it learns: its first weights, one forward pass over a batch, the loss, and who is decayed.

Logits are made where a token is learned, and nowhere else. Knows no data and no loop.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from svlm_cli.core.policy import Markup
from svlm_cli.networks.attend import Attend, WholeSequence
from svlm_cli.networks.qwen2_5_vl.config import Qwen2_5VLConfig
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.training.attention import StreamedSequence
from svlm_cli.training.collate import IGNORED, TokenBatch
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.layout import Role
from svlm_cli.training.recipe import ModelRecipe, NetworkPart
from svlm_cli.training.tokenizer import END_OF_TEXT, IMAGE_PAD

INITIAL_STD = 0.02
_VOCABULARY_MULTIPLE = 64
_RESIDUAL = ("o_proj.weight", "down_proj.weight", "attn.proj.weight")  # what is added to the residual stream


def scratch_config(
    recipe: ModelRecipe, markup: Markup, token_id: Callable[[str], int], entries: int
) -> Qwen2_5VLConfig:
    """The configuration of a model from scratch. `token_id` knows control tokens, `entries` counts all tokens."""
    return Qwen2_5VLConfig(
        text=recipe.text_config(
            math.ceil(entries / _VOCABULARY_MULTIPLE) * _VOCABULARY_MULTIPLE,
            bos=token_id(END_OF_TEXT),
            eos=token_id(markup.turn_end),
        ),
        vision=recipe.vision_config(),
        tie_word_embeddings=recipe.tie_word_embeddings,
        image_token_id=token_id(IMAGE_PAD),
        video_token_id=token_id(markup.video_pad),
        vision_start_token_id=token_id(markup.vision_start),
        vision_end_token_id=token_id(markup.vision_end),
    )


@torch.no_grad()
def initialise(model: Qwen2_5VL, seed: int) -> None:
    """First weights: normal with standard deviation 0.02; norms 1, biases 0.

    Projections into a residual stream of L layers are smaller by sqrt(2 L), so that its variance does not grow with
    depth (Radford et al. 2019, section 2.3). The same seed gives the same weights on any device.
    """
    random = torch.Generator().manual_seed(seed)
    config = model.config
    for name, weight in model.named_parameters():
        if name.endswith(".bias"):
            weight.zero_()
        elif weight.ndim == 1:
            weight.fill_(1.0)
        else:
            layers = config.vision.depth if name.startswith("visual.") else config.text.num_hidden_layers
            std = INITIAL_STD / math.sqrt(2 * layers) if name.endswith(_RESIDUAL) else INITIAL_STD
            weight.copy_(torch.empty(weight.shape).normal_(std=std, generator=random))


def freeze(model: Qwen2_5VL, parts: Sequence[NetworkPart]) -> None:
    """Those parts keep their weights."""
    for part in parts:
        (model.visual if part is NetworkPart.VISION else model.language).requires_grad_(False)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """What is trained, norms and biases without decay."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    return [
        {"params": [weight for weight in trained if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in trained if weight.ndim <= 1], "weight_decay": 0.0},
    ]


def learning_rate_factor(step: int, steps: int, warmup_share: float) -> float:
    """Of the peak learning rate at a step: linear up, then a cosine to zero."""
    warmup = math.ceil(steps * warmup_share)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


class LearningNetwork(nn.Module):
    """A network that returns its loss, as the Trainer wants it."""

    def __init__(self, network: Qwen2_5VL) -> None:
        super().__init__()
        self.network = network

    def compile_layers(self) -> None:
        """Layer by layer: all are one piece of code, so this takes seconds and not minutes."""
        for layer in self._layers():
            layer.compile()

    def _layers(self) -> Iterator[nn.Module]:
        yield from self.network.visual.blocks
        yield from self.network.language.model.layers

    def forward(self, batch: DeviceBatch) -> dict[str, Tensor]:
        """The loss, and for each `Role` its tokens, their loss and how many were right: ``tally`` ``[roles, 3]``."""
        network, tokens = self.network, batch.tokens
        features = network.visual(batch.patches, batch.grids)
        hidden = network.language.embed(tokens.ids)  # [B, S, D]
        shown = hidden.flatten(0, 1).index_copy(0, tokens.pads_at, features.to(hidden.dtype))
        hidden = network.language(shown.view_as(hidden), self._attend(tokens, hidden))
        logits = network.logits(hidden.flatten(0, 1).index_select(0, tokens.targets_at)).float()
        losses = F.cross_entropy(logits, tokens.targets, ignore_index=IGNORED, reduction="none")
        return {"loss": losses.sum() * batch.weight, "tally": _tally(logits, tokens.targets, losses, tokens.roles)}

    def _attend(self, tokens: TokenBatch, hidden: Tensor) -> Attend:
        rotary, config, device = self.network.language.rotary, self.network.config.text, hidden.device.type
        if tokens.views is None:
            return WholeSequence(*rotary.angles(tokens.positions))
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
        shared = config.num_attention_heads // config.num_key_value_heads
        return StreamedSequence(tokens.views, rotary, shared=shared, dtype=dtype)


@torch.no_grad()
def _tally(logits: Tensor, targets: Tensor, losses: Tensor, roles: Tensor) -> Tensor:
    right = (logits.argmax(-1) == targets).float()
    rows = torch.stack([torch.ones_like(losses), losses, right], dim=-1)
    return torch.zeros(len(Role), 3, device=losses.device).index_add_(0, roles, rows)
