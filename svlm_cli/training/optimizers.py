"""AdamW with 32-bit or 8-bit moments, and its learning rate schedule. Knows no network."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from svlm_cli.training.network import learning_rate_factor, parameter_groups
from svlm_cli.training.recipe import Optimisation, OptimizerMoments


def make_optimizer(
    model: nn.Module, recipe: Optimisation, *, fused: bool = False
) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """The optimizer of `model`'s trained weights. `fused`, for a GPU, is one kernel for many weights."""
    groups = parameter_groups(model, recipe.weight_decay)
    optimizer = _adamw(recipe.moments, fused=fused)(groups, lr=recipe.learning_rate, betas=(recipe.beta1, recipe.beta2))
    factor = partial(learning_rate_factor, steps=recipe.steps, warmup_share=recipe.warmup_share)
    return optimizer, LambdaLR(optimizer, factor)


def _adamw(moments: OptimizerMoments, *, fused: bool) -> Callable[..., torch.optim.Optimizer]:
    if moments is OptimizerMoments.FLOAT32:
        return partial(torch.optim.AdamW, fused=fused)
    from bitsandbytes.optim import AdamW8bit

    adamw: Callable[..., torch.optim.Optimizer] = AdamW8bit
    return adamw
