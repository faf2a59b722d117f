"""What does a vision tower see? A linear layer on its visual tokens tells what moves in each cell of unseen footage.

    python -m tests.experiments.seeing MODEL --photos PHOTOS/held-out --matches 12 --minutes 5

The layer learns on three quarters of the footage; the rest is asked. The tower itself does not learn, so this shows
what the rest of the model can read directly.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.evals.footage.player import FootagePlayer
from svlm_cli.networks.network import Network
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.networks.weights import load_network, load_preprocessor
from svlm_cli.simulator.footage.describing import MOTIONS, THING_MOTIONS, moving_cells
from svlm_cli.simulator.footage.footage import EndlessFootage

FIRST_SEED: Final = 100_000
ROUND_S: Final = 30.0  # drawn and looked at together
EPOCHS: Final = 12


@torch.no_grad()
def look(network: Network, preprocessor: Preprocessor, player: FootagePlayer, seed: int, rounds: int) -> Tensor:
    """``[cells, D]``: the visual tokens of `rounds` times `ROUND_S` at two pictures a second."""
    tokens = []
    for pictures in islice(player.rounds([seed], ROUND_S, np.arange(0, ROUND_S, 0.5)), rounds):
        patches, grid = preprocessor.to_patches(torch.from_numpy(pictures[0]).permute(0, 3, 1, 2), dtype=torch.float32)
        tokens.append(network.look(patches, [grid])[0])
    return torch.cat(tokens)


def cells_of(seed: int, seconds: int, grid: tuple[int, int]) -> Tensor:
    """``[cells]``: what moves there, as indices in `MOTIONS`."""
    footage = EndlessFootage(seed)
    return torch.from_numpy(
        np.concatenate([moving_cells(footage, one, *grid).ravel() for one in range(seconds)])
    ).long()


def fit(tokens: Tensor, cells: Tensor) -> nn.Module:
    """A linear layer, after whitening each feature."""
    torch.manual_seed(0)
    layer = nn.Sequential(nn.BatchNorm1d(tokens.shape[1], affine=False), nn.Linear(tokens.shape[1], len(MOTIONS)))
    optimizer = torch.optim.Adam(layer.parameters(), 3e-3, weight_decay=1e-4)
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(tokens)), 1024):
            optimizer.zero_grad()
            torch.autograd.backward(functional.cross_entropy(layer(tokens[rows]), cells[rows]))
            optimizer.step()
    return layer.eval()


def shares(told: Tensor, cells: Tensor) -> dict[str, float | None]:
    """Of cells in which a thing moves: found, and told exactly; of those said to: that do; and exactly by motion."""

    def share(hits: Tensor) -> float | None:
        return round(hits.float().mean().item(), 3) if len(hits) else None

    moving, said = ((one > 0) & (one <= len(THING_MOTIONS)) for one in (cells, told))
    found = {"found": share(said[moving]), "true": share(moving[said]), "exact": share((told == cells)[moving])}
    by_motion = {f"exact, {MOTIONS[one]}": share(told[cells == one] == one) for one in range(1, len(MOTIONS))}
    return found | by_motion


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--matches", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=5.0)
    asked = parser.parse_args(arguments)
    folder, player = resolve(asked.model).folder, FootagePlayer.of(asked.photos)
    network = load_network(folder, device=torch.device("cpu"), dtype=torch.float32)
    preprocessor = load_preprocessor(folder, network.family)
    _, *grid = preprocessor.merged_grid(preprocessor.temporal_patch_size, *player.size)
    rounds, seeds = max(1, round(asked.minutes * 60 / ROUND_S)), range(FIRST_SEED, FIRST_SEED + asked.matches)
    tokens = [look(network, preprocessor, player, seed, rounds) for seed in seeds]
    cells = [cells_of(seed, round(rounds * ROUND_S), (grid[0], grid[1])) for seed in seeds]
    learned = max(1, len(seeds) * 3 // 4)
    layer = fit(torch.cat(tokens[:learned]), torch.cat(cells[:learned]))
    with torch.no_grad():
        told = layer(torch.cat(tokens[learned:])).argmax(dim=1)
    print(json.dumps(shares(told, torch.cat(cells[learned:]))))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
