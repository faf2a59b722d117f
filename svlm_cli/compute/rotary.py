"""Rotary position embedding (Su et al. 2021): angles of positions on one or several axes, and the rotation.

Knows no network; the network says which axis rotates which channels.
"""

from typing import Self

import torch
from torch import Tensor


class Rotary:
    """The angle by which a position rotates each channel of a head.

    Not a module, because its frequencies must not be in a state dict, and must stay float32 when a network is cast.
    """

    def __init__(self, frequencies: Tensor, axes: Tensor) -> None:
        """For the ``d / 2`` channel pairs: `frequencies` in float32, and `axes`, the position axis of each."""
        self._tables = {torch.device("cpu"): (both_ways(frequencies), axes.repeat(2))}

    @classmethod
    def of_sections(cls, head_dim: int, theta: float, sections: tuple[int, ...]) -> Self:
        """The first ``sections[0]`` pairs follow the first axis, the next ``sections[1]`` the second, and so on.

        Multimodal rotary positions (Qwen2-VL, Wang et al. 2024); a single section is ordinary RoPE.
        """
        exponents = torch.arange(0, head_dim, 2, dtype=torch.float32, device="cpu") / head_dim
        sizes = torch.tensor(sections, device="cpu")
        return cls(1.0 / theta**exponents, torch.arange(len(sections), device="cpu").repeat_interleave(sizes))

    def angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Positions ``[..., A]`` on each axis, possibly fractional -> the tables ``[..., 1, d]`` for `rotate`."""
        frequencies, axes = self.tables(positions.device)
        return rotary_tables(positions.float().index_select(-1, axes) * frequencies)

    def tables(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """On `device`, each ``[d]``: the frequencies of all channels, and the axis that rotates each."""
        if device not in self._tables:
            frequencies, axes = self._tables[torch.device("cpu")]
            self._tables[device] = (frequencies.to(device), axes.to(device))
        return self._tables[device]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate channel ``i`` together with channel ``i + d / 2``.

    ``x`` is ``[..., H, d]``; ``cos`` and ``sin`` are `rotary_tables` for each row of ``x``, ``[..., 1, d]``.
    Computed in float32, returned in the dtype of ``x``.
    """
    first, second = x.chunk(2, dim=-1)
    partners = torch.cat((second, first), dim=-1)
    return torch.addcmul(x * cos, partners, sin).to(x.dtype)  # the products are promoted to float32


def rotary_tables(angles: Tensor) -> tuple[Tensor, Tensor]:
    """Signed angles ``[..., d]`` float32, as `both_ways` orders them -> cosines and sines ``[..., 1, d]``."""
    angles = angles.unsqueeze(-2)
    return angles.cos(), angles.sin()


def both_ways(angles: Tensor) -> Tensor:
    """Angles of the ``d / 2`` pairs -> angles of all ``d`` channels.

    The first channel of a pair gets the negative angle, since a rotation is ``(a cos - b sin, b cos + a sin)``.
    """
    return torch.cat((-angles, angles), dim=-1)
