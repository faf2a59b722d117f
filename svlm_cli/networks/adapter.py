"""LoRA adapters in peft's format: merged into the base weights tensor by tensor, as they are read.

Keys are those of transformers' model of the family. Knows no training.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from svlm_cli.checkpoints.adapter import ADAPTER_WEIGHTS, AdapterConfig
from svlm_cli.core.errors import ModelError
from svlm_cli.networks.family import Family

KEY_PREFIX: Final = "base_model.model."
BASE_KEY: Final = "svlm_base"  # key in the file's metadata: the fingerprint of the base
_SIDES: Final = (".lora_A.weight", ".lora_B.weight")
_AGAIN = "Fetch or train the adapter again."


class AdapterWeights:
    """What an adapter adds to the matrices of its base, by published name."""

    def __init__(self, folder: Path, scale: float, sides: dict[str, dict[str, Tensor]], base: str) -> None:
        self._folder, self._scale, self._left, self._base = folder, scale, sides, base
        self._rows: dict[str, Tensor] = {}

    @classmethod
    def load(cls, folder: Path, family: Family) -> Self:
        """Load it to the CPU. Raises `ModelError`."""
        config, path = AdapterConfig.read(folder), folder / ADAPTER_WEIGHTS
        sides: dict[str, dict[str, Tensor]] = {}
        with _told(path), safe_open(path, framework="pt", device="cpu") as file:
            base = (file.metadata() or {}).get(BASE_KEY, "")
            for key in file.keys():  # noqa: SIM118 - not a mapping
                side = next((side for side in _SIDES if key.endswith(side)), None)
                if side is None or not key.startswith(KEY_PREFIX):
                    raise ModelError(f"{path}: {key:.100} is not part of a plain LoRA adapter.", _AGAIN)
                module = key.removeprefix(KEY_PREFIX).removesuffix(side)
                sides.setdefault(family.published_name(f"{module}.weight"), {})[side] = file.get_tensor(key)
        for name, found in sides.items():
            matrices = [found[side] for side in _SIDES if side in found and found[side].ndim == 2]
            if [matrix.shape[axis] for axis, matrix in enumerate(matrices)] != [config.rank] * 2:
                raise ModelError(f"{path}: {name} has no two matrices of rank {config.rank}.", _AGAIN)
        return cls(folder, config.scale, sides, base)

    def merged(self, name: str, weight: Tensor, device: torch.device) -> Tensor:
        """A tensor of the base plus the adapter's update, computed in float32 on `device`."""
        if name not in self._left:
            return weight
        down, up = (self._left[name][side].to(device, torch.float32) for side in _SIDES)
        if weight.shape != (len(up), down.shape[1]):
            found = f"{len(up)} x {down.shape[1]}"
            raise self._other_base(f"{name} is {' x '.join(map(str, weight.shape))} there, not {found}")
        self._rows[name] = weight[:1]
        del self._left[name]
        return torch.addmm(weight.to(device, torch.float32), up, down, alpha=self._scale)

    def finish(self) -> None:
        """Call after the whole base was read. Raises `ModelError` if it was not the adapter's base."""
        if self._left:
            raise self._other_base(f"there is no {min(self._left)}")
        if self._base and self._base != fingerprint(self._rows):
            raise self._other_base("the weights are others")

    def _other_base(self, why: str) -> ModelError:
        return ModelError(
            f"The adapter {self._folder} was trained on another model than this one: {why}.",
            "Name its own base with --model.",
        )


def fingerprint(rows: Mapping[str, Tensor]) -> str:
    """The fingerprint of a base: a digest of the first row of each matrix that an adapter changes, by published name.

    Rows are taken as bfloat16, so the format in which a copy of the base is stored makes no difference.
    """
    digest = hashlib.sha256()
    for name in sorted(rows):
        digest.update(name.encode())
        digest.update(rows[name].to(torch.bfloat16).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a complete safetensors file: {error!s:.200}.", _AGAIN) from error
