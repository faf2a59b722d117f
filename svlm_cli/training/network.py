"""The network in training: its sizes, one forward pass over a batch, the loss, and which weights decay.

Logits are computed only for trained tokens. Knows no data and no loop.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from svlm_cli.compute.flash import Lengths, learning
from svlm_cli.core.policy import Markup
from svlm_cli.networks.attend import Attend, PackedSequences
from svlm_cli.networks.family import Family, Vocabulary
from svlm_cli.networks.network import DeepFeatures, Network
from svlm_cli.simulator.footage.describing import MOTIONS, THING_MOTIONS
from svlm_cli.training.attention import StreamedSequence
from svlm_cli.training.collate import TokenBatch
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.layout import IGNORED, Role
from svlm_cli.training.loss import MOST_LOGITS, token_losses
from svlm_cli.training.parts import NetworkPart, pieces
from svlm_cli.training.recipe import ModelRecipe
from svlm_cli.training.tokenizer import END_OF_TEXT, IMAGE_PAD

_VOCABULARY_MULTIPLE = 64


def scratch_family(recipe: ModelRecipe, markup: Markup, token_id: Callable[[str], int], entries: int) -> Family:
    """A family for a model from scratch. `token_id` looks up control tokens, `entries` counts all tokens."""
    return recipe.family(
        Vocabulary(
            entries=math.ceil(entries / _VOCABULARY_MULTIPLE) * _VOCABULARY_MULTIPLE,
            end_of_text=token_id(END_OF_TEXT),
            turn_end=token_id(markup.turn_end),
            image_pad=token_id(IMAGE_PAD),
            video_pad=token_id(markup.video_pad),
            vision_start=token_id(markup.vision_start),
            vision_end=token_id(markup.vision_end),
        )
    )


def weights_of(network: Network, parts: Iterable[NetworkPart]) -> list[nn.Parameter]:
    """All parameters of these parts."""
    whole = {NetworkPart.MERGER: network.merger(), NetworkPart.EMBEDDINGS: network.word_embeddings()}
    found = {part: {id(weight): weight for weight in weights} for part, weights in whole.items()}
    for rest, module, taken in (
        (NetworkPart.TOWER, network.visual, found[NetworkPart.MERGER]),
        (NetworkPart.LAYERS, network.language, found[NetworkPart.EMBEDDINGS]),
    ):
        found[rest] = {id(weight): weight for weight in module.parameters() if id(weight) not in taken}
    return [weight for piece in sorted(pieces(parts)) for weight in found[piece].values()]


def freeze(weights: Iterable[nn.Parameter], *, bf16: bool) -> None:
    """Exclude them from training; with `bf16` they are stored in bfloat16, in which they are used."""
    for weight in weights:
        weight.requires_grad_(False)
        if bf16:
            weight.data = weight.data.to(torch.bfloat16)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The trained parameters; norms and biases without decay."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    return [
        {"params": [weight for weight in trained if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in trained if weight.ndim <= 1], "weight_decay": 0.0},
    ]


def learning_rate_factor(step: int, steps: int, warmup_share: float) -> float:
    """The factor of the peak learning rate at a step: linear warm-up, then a cosine to zero."""
    warmup = math.ceil(steps * warmup_share)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


class LearningNetwork(nn.Module):
    """A network that returns its loss, as the Trainer expects."""

    def __init__(self, network: Network, cell_loss: float = 0.0) -> None:
        """`cell_loss` weighs what a linear layer, which is not saved with the network, tells from visual tokens."""
        super().__init__()
        self.network = network
        self.cell_loss = cell_loss
        if cell_loss:
            device = next(network.parameters()).device
            self.cells = nn.Linear(network.family.language.hidden_size, len(MOTIONS), device=device)
            for weights in self.cells.parameters():
                nn.init.zeros_(weights)  # the same in every process
        self.most_logits = MOST_LOGITS  # in memory at once
        self._added_up_in = next(network.word_embeddings()).dtype  # float32 even if several ranks unshard in bfloat16

    def compile_layers(self) -> None:
        """Compile layer by layer: equal layers share code, so this takes seconds, not minutes."""
        for layer in self.network.blocks():
            layer.compile()

    def checkpoint_layers(self) -> None:
        """Turn on activation checkpointing in all layers."""
        for layer in self.network.blocks():
            layer.checkpointing = True

    def forward(self, batch: DeviceBatch) -> dict[str, Tensor]:
        """The loss, and per `Role` the number of tokens, summed loss and number right: ``tally`` ``[roles, 3]``."""
        return self.learn(batch, self.network.look(batch.patches, batch.grids))

    def learn(self, batch: DeviceBatch, features: Tensor) -> dict[str, Tensor]:
        """The same, given the vision tower's features ``[F, visual tokens, D]``."""
        network, tokens = self.network, batch.tokens
        hidden = network.embed(tokens.ids).to(self._added_up_in)  # [S, D]
        read = features[:, : len(tokens.pads_at)]  # the rest is only looked at
        shown = hidden.index_copy(0, tokens.pads_at, read[0].to(hidden.dtype))
        deep = DeepFeatures.of(tokens.pads_at, read)
        hidden = network.decode(shown, self._attend(tokens, hidden), deep)
        learned = hidden.index_select(0, tokens.targets_at)
        losses, right = token_losses(network, learned, tokens.targets, most_logits=self.most_logits)
        loss, tally = losses.sum(), _tally(right, losses, tokens.roles)
        if tokens.cells is not None:
            cell_losses, cells_right = self._look_at_cells(features[0], tokens.cells)
            loss = loss + self.cell_loss * cell_losses.sum()
            moving = (tokens.cells > 0) & (tokens.cells <= len(THING_MOTIONS))
            tally += _tally(cells_right, cell_losses, torch.where(moving, Role.CELL, Role.NONE))
        return {"loss": loss * batch.weight, "tally": tally}

    def _look_at_cells(self, features: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """``[N, D]`` and ``[N]`` -> each visual token's loss, and whether its motion was likeliest, ``[N]``."""
        logits = self.cells(features).float()
        losses = functional.cross_entropy(logits, cells, ignore_index=IGNORED, reduction="none")
        return losses, (logits.detach().argmax(-1) == cells).float()

    def _attend(self, tokens: TokenBatch, hidden: Tensor) -> Attend:
        rotary, shape, dtype = self.network.rotary, self.network.family.language, _computed_in(hidden)
        if tokens.views is None:
            lengths, kernel = Lengths(tokens.starts, tokens.longest), learning(hidden.device, dtype)
            return PackedSequences(*rotary.angles(tokens.positions), lengths, tokens.bounds, kernel)
        shared = shape.num_attention_heads // shape.num_key_value_heads
        return StreamedSequence(tokens.views.written_out(tokens.positions), rotary, shared=shared, dtype=dtype)


def _computed_in(hidden: Tensor) -> torch.dtype:
    """The dtype of queries and keys."""
    device = hidden.device.type
    autocasts = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)  # not on the meta device
    return torch.get_autocast_dtype(device) if autocasts else hidden.dtype


@torch.no_grad()
def _tally(right: Tensor, losses: Tensor, roles: Tensor) -> Tensor:
    rows = torch.stack([torch.ones_like(losses), losses, right], dim=-1)
    return torch.zeros(len(Role), 3, device=losses.device).index_add_(0, roles, rows)
