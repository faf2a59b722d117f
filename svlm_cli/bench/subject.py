"""The subject of a benchmark: a checkpoint, or a known architecture with random weights, which are equally fast.

Knows no table and no command line.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import torch

from svlm_cli.checkpoints import catalog
from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.compute.device import computing_dtype
from svlm_cli.compute.fp8 import FORMAT
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import Footprint, footprint
from svlm_cli.engine.place import EnginePlace
from svlm_cli.engine.prompt import Prompt
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.families import SHAPES
from svlm_cli.networks.family import Family
from svlm_cli.networks.network import Network
from svlm_cli.networks.weights import load_family, load_preprocessor

_STD: Final = 0.02
_POLICY_OF: Final = "streamingvlm-7b"
_Kind = TypeVar("_Kind", bound=Engine)


@dataclass(frozen=True, slots=True)
class Subject:
    """A checkpoint's folder, or sizes; and the policy to stream it with."""

    name: str
    policy: StreamPolicy
    folder: Path
    shape: Family | None = None  # random weights; only tokenizer and preprocessor come from the folder

    @classmethod
    def named(cls, model: str | None, revision: str | None, *, offline: bool, quiet: bool = False) -> "Subject":
        """A checkpoint, named as everywhere."""
        checkpoint = resolve(model, revision=revision, offline=offline, quiet=quiet)
        return cls(checkpoint.name, checkpoint.policy, checkpoint.folder)

    @classmethod
    def random(cls, shape: str) -> "Subject":
        """Random weights with the sizes named in `SHAPES`, and StreamingVLM's policy; `UsageError` for an unknown name.

        The tokenizer is that of another model, whose fixed markup has as many tokens as Qwen's.
        """
        if shape not in SHAPES:
            raise UsageError(f"There are no random weights {shape}.", f"Use {' or '.join(SHAPES)}.")
        policy = catalog.find(_POLICY_OF).file.policy
        return cls(f"random {shape}", policy, catalog.find(DEFAULT_MODEL).folder, SHAPES[shape])

    def footprint(self, policy: StreamPolicy, dtype: torch.dtype, *, streams: int) -> Footprint:
        """The memory of an engine with that policy; of fp8 weights, on a GPU."""
        shape = load_family(self.folder) if self.shape is None else self.shape
        value_bytes = torch.bfloat16.itemsize if dtype == FORMAT else dtype.itemsize
        prompt = Prompt(Tokenizer(self.folder), policy, shape)
        return footprint(shape, policy, prompt, streams=streams, value_bytes=value_bytes, fp8=dtype == FORMAT)

    def engine(self, policy: StreamPolicy, kind: type[_Kind], place: EnginePlace, *, max_streams: int = 1) -> _Kind:
        """An engine of class `kind` with that policy."""
        if self.shape is None:
            return kind.load(
                self.folder,
                policy,
                device=place.device,
                dtype=place.dtype,
                max_streams=max_streams,
                attention=place.attention,
                graphs=place.graphs,
            )
        return kind(
            _random_network(self.shape, place),
            load_preprocessor(self.folder, self.shape),
            Tokenizer(self.folder),
            policy,
            max_streams=max_streams,
            attention=place.attention,
            graphs=place.graphs,
            fp8=place.dtype == FORMAT,
        )


@torch.no_grad()
def _random_network(family: Family, place: EnginePlace) -> Network:
    """Initialised on the device: 7 billion numbers would take minutes on a CPU."""
    with torch.device("meta"):
        network = family.network().to(computing_dtype(place.dtype, place.device))
    network = network.to_empty(device=place.device).eval().requires_grad_(requires_grad=False)
    random = torch.Generator(place.device).manual_seed(0)
    for name, weight in network.named_parameters():
        if weight.ndim == 1 and name.endswith(".weight"):  # norms
            weight.fill_(1.0)
        else:
            weight.normal_(std=_STD, generator=random)
    return network
