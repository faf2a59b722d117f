"""Opens the data of a recipe: the only place that distinguishes its sources. Knows no network and no loop."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.training.annotated import AnnotatedData, annotated_texts
from svlm_cli.training.collate import Batch
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.footages import footage_texts
from svlm_cli.training.layout import Layout
from svlm_cli.training.log import Say
from svlm_cli.training.matches import sample_texts
from svlm_cli.training.recipe import Recipe, Source
from svlm_cli.training.share import Share
from svlm_cli.training.simulated import SimulatedData
from svlm_cli.training.simulator_recipe import SimulatedWorld


class Data(Protocol):
    """Batches, starting at any step."""

    @property
    def windows(self) -> int | None:
        """The number of windows per epoch; None if no window repeats."""
        ...

    def batches(self, first_step: int) -> Iterator[Batch]:
        """`accumulate` batches per step, until the last step."""
        ...

    def close(self) -> None:
        """Stop preparing them."""
        ...


def open_data(
    recipe: Recipe,
    layout: Layout,
    preprocessor: Preprocessor,
    say: Say,
    share: Share | None = None,
    exchange: Exchange | None = None,
) -> Data:
    """All batches of its steps, or one rank's share of them. `say` is called with what is skipped."""
    if recipe.data.source is Source.SIMULATOR:
        return SimulatedData(recipe, layout, preprocessor, share)
    return AnnotatedData(recipe, layout, preprocessor, say, share, exchange)


def texts_of(recipe: Recipe) -> Iterable[str]:
    """All words in it, to train a tokenizer on."""
    if recipe.data.source is Source.ANNOTATIONS:
        return annotated_texts(recipe)
    return sample_texts(recipe) if recipe.data.simulator.world is SimulatedWorld.MATCH else footage_texts()
