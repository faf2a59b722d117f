"""The five steps of docs/architecture.md, each proved by a toy family that has little in common with Qwen2.5-VL."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from svlm_cli.core.errors import ModelError
from svlm_cli.core.policy import Markup, Mode, StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.oracle import Oracle
from svlm_cli.engine.prompt import flatten
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.families import FAMILIES
from svlm_cli.networks.family import TimeText, VisionPads
from svlm_cli.networks.network import DeepFeatures
from svlm_cli.networks.weights import load_family, load_network, load_preprocessor, save_network
from svlm_cli.training.collate import collate
from svlm_cli.training.feed import DeviceBatch
from svlm_cli.training.layout import Layout, Round
from svlm_cli.training.network import LearningNetwork
from tests.engine.conftest import hear, make_chunks, small_policy
from tests.networks.toy.family import ToyFamily, ToySizes
from tests.networks.toy.network import ToyNetwork

CPU = torch.device("cpu")
ATOL = 1e-4  # sums of float32 in another order
ROUNDS = 13
CONTEXT = "the final between the reds and the blues, and it is raining"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Iterator[Path]:
    """A checkpoint of the family, which is on the list meanwhile."""
    folder = tmp_path_factory.mktemp("toy")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copy(tiny_checkpoint / name, folder / name)
    vocabulary = json.loads((tiny_checkpoint / "config.json").read_text())["text_config"]["vocab_size"]
    network = ToyFamily(ToySizes(vocabulary, 32, 48, 3, 4, 2)).network()
    network.initialise(seed=4)
    save_network(network, folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(ToyFamily.pixels_from_scratch()))
    FAMILIES[ToyFamily.model_type] = ToyFamily
    yield folder
    del FAMILIES[ToyFamily.model_type]


def policy_of(mode: Mode = Mode.STREAMING, *, vision: int = 3, text: int = 3, temperature: float = 0.0) -> StreamPolicy:
    policy = small_policy(mode=mode, vision=vision, text=text, temperature=temperature)
    return replace(policy, vision=replace(policy.vision, min_pixels=1, max_pixels=1500))


def test_sizes_are_read_and_written(toy: Path) -> None:
    """Step 1."""
    family = load_family(toy)
    assert isinstance(family, ToyFamily)
    assert ToyFamily.read(family.to_dict()) == family
    network = load_network(toy, device=CPU, dtype=torch.float32)
    assert isinstance(network, ToyNetwork)
    assert network.family == family


def test_a_family_that_is_not_on_the_list_is_named(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "plaything"}))
    with pytest.raises(ModelError, match=r"model_type is 'plaything', not 'qwen2_5_vl' or 'toy'") as caught:
        load_family(tmp_path)
    assert "Qwen2.5-VL or Toy" in caught.value.hint


def test_markup_and_positions(toy: Path) -> None:
    """Step 2."""
    family = load_family(toy)
    pieces = family.markings(3, 4, (2, 1, 2), 2.0, Markup())
    assert [piece.text for piece in pieces if isinstance(piece, TimeText)] == ["3.0", "3.5"]
    assert sum(isinstance(piece, VisionPads) for piece in pieces) == 2
    assert family.block_positions((1, 2, 2), 2.0).tolist() == [[0], [1], [2], [3]]


def test_features_go_where_they_belong(toy: Path) -> None:
    """Step 3: the first layer in place of embeddings, the second behind the first decoder layer alone."""
    features = torch.arange(12.0).view(2, 2, 3)
    deep = DeepFeatures.of(torch.tensor([1, 3]), features)
    assert deep is not None
    hidden = torch.zeros(2, 2, 3)
    assert deep.add(0, hidden).flatten(0, 1)[[1, 3]].tolist() == features[1].tolist()
    assert deep.add(0, hidden).flatten(0, 1)[[0, 2]].abs().sum() == 0
    assert deep.add(1, hidden) is hidden
    assert DeepFeatures.of(torch.tensor([1]), features[:1]) is None


def test_memory_is_counted(toy: Path) -> None:
    """Step 4."""
    engine = Engine.load(toy, policy_of(), device=CPU, dtype=torch.float32)
    said = Engine.footprint(toy, policy_of(), device=CPU, dtype=torch.float32)
    assert said.weights == sum(weight.nbytes for weight in engine.network.parameters())
    pools = (engine.cache.keys, engine.cache.rotated_keys, engine.cache.values)
    seen = engine._sampler._seen
    assert seen is not None
    assert said.cache == sum(pool.nbytes for pool in pools) + seen.nbytes


WINDOWS = [(mode, 3, 3) for mode in Mode] + [(Mode.STREAMING, 1, 4), (Mode.STREAMING, 4, 1), (Mode.STREAMING, 0, 2)]


@pytest.mark.parametrize(("mode", "vision", "text"), WINDOWS)
def test_streams_as_the_oracle_does(toy: Path, mode: Mode, vision: int, text: int) -> None:
    """Step 5: all modes, with several blocks a round and features in two layers."""
    policy = policy_of(mode, vision=vision, text=text)
    engine = Engine.load(toy, policy, device=CPU, dtype=torch.float32)
    network, tokenizer = load_network(toy, device=CPU, dtype=torch.float32), Tokenizer(toy)
    oracle = Oracle(network, load_preprocessor(toy, network.family), tokenizer, policy, context=CONTEXT, seed=2)
    with engine.open(context=CONTEXT, seed=2) as stream:
        for round_, chunk in enumerate(make_chunks(ROUNDS)):
            said, logits = oracle.step(chunk)
            (heard,) = hear(engine, [stream], [chunk])
            assert heard.ids == said, f"round {round_}"
            torch.testing.assert_close(torch.stack(heard.logits), torch.stack(logits), atol=ATOL, rtol=0)
            assert flatten(stream.spans) == [token.id for token in oracle.tokens]
            held = [token.position for token in oracle.tokens if token.position is not None]
            np.testing.assert_allclose(stream.positions[: len(held)], held)


def test_several_streams_are_as_each_alone(toy: Path) -> None:
    """Step 5, in one batch."""
    policy = policy_of(temperature=0.9)
    together = Engine.load(toy, policy, device=CPU, dtype=torch.float32, max_streams=3)
    streams = [together.open(seed=seed) for seed in range(3)]
    chunks = [make_chunks(8, seed=seed) for seed in range(3)]
    heard = [hear(together, streams, round_) for round_ in zip(*chunks, strict=True)]
    for index in range(3):
        alone = Engine.load(toy, policy, device=CPU, dtype=torch.float32)
        with alone.open(seed=index) as stream:
            assert [hear(alone, [stream], [chunk])[0].ids for chunk in chunks[index]] == [
                round_[index].ids for round_ in heard
            ]


class _Shown:
    """Pictures whose patches are given."""

    def __init__(self, patches: torch.Tensor) -> None:
        self._patches = patches

    def patches(self, *_: object, **__: object) -> tuple[torch.Tensor, list[tuple[int, int, int]]]:
        return self._patches, [(2, 1, 2)] * (len(self._patches) // 4)


@pytest.mark.parametrize("streamed", [False, True])
def test_learns_what_it_streams(toy: Path, streamed: bool) -> None:
    """Training speaks to the family too: one axis of positions, and a gradient for both layers of features."""
    policy = replace(policy_of(), sampling=replace(policy_of().sampling, max_new_tokens=24))
    layout = Layout(toy, policy, load_family(toy), streamed)
    rounds = [Round(second, second + 1, (2, 1, 2), layout.words(" a goal for the reds")) for second in range(5)]
    window = layout.window(rounds, previous=(), query=(), fps=2.0)
    assert window.positions.shape == (len(window), 1)
    patches = torch.rand(20, 300, generator=torch.Generator().manual_seed(0))
    batch = collate([window, window], _Shown(torch.cat([patches, patches])))
    network = load_network(toy, device=CPU, dtype=torch.float32).train()
    shown = torch.cat([patches, patches])
    learning = LearningNetwork(network)
    loss = learning(DeviceBatch(batch.tokens, shown, ((20, 1, 2),), 1 / batch.learned, batch.count))["loss"]
    loss.backward()
    gradient = network.visual.weight.grad
    assert isinstance(gradient, torch.Tensor)
    first, second = gradient.view(2, -1).abs().sum(dim=1)
    assert first > 0
    assert second > 0
