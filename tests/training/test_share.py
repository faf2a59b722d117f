"""How ranks share a step: every window once, at every number of ranks, and in passes that fit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.errors import UsageError
from svlm_cli.training.matches import plan
from svlm_cli.training.recipe import Optimisation, OptimizerMoments
from svlm_cli.training.share import Share
from svlm_cli.training.simulator_recipe import SimulatorRecipe
from tests.training.recipes import small_recipe


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_every_window_is_learned_once(batch: int, accumulate: int, ranks: int) -> None:
    """Guards against windows that are learned twice or by nobody, and against passes larger than memory allows."""
    optimisation = Optimisation(batch=batch, accumulate=accumulate)
    if batch * accumulate % ranks:
        with pytest.raises(UsageError, match=f"cannot be shared evenly by {ranks} processes"):
            Share.of(optimisation, 0, ranks)
        return
    shares = [Share.of(optimisation, rank, ranks) for rank in range(ranks)]
    learned = [place for share in shares for places in share.passes for place in places]
    assert learned == list(range(batch * accumulate))
    assert len({len(share.passes) for share in shares}) == 1, "every rank takes part in every pass"
    assert all(0 < len(places) <= batch for share in shares for places in share.passes)
    for share in shares:
        own = [place for places in share.passes for place in places]
        assert [place for place in range(share.step) if share.has(place)] == own


def test_one_process_learns_batches_as_ever() -> None:
    """Guards runs of one process: batches as the recipe has them."""
    share = Share.of(Optimisation(batch=3, accumulate=2))
    assert (share.step, share.passes) == (6, (range(3), range(3, 6)))


def test_moments_in_eight_bits_are_those_of_one_process() -> None:
    """Guards against an error of a library in the first step: bitsandbytes knows no shards."""
    optimisation = Optimisation(batch=4, moments=OptimizerMoments.BITS8)
    assert Share.of(optimisation).step == 4
    with pytest.raises(UsageError, match=r'^optimisation\.moments = "8bit" works with one process only, not with 2\.'):
        Share.of(optimisation, 0, 2)


def test_matches_are_played_for_the_windows_of_one_rank() -> None:
    """Guards the time of workers: a window is made where it is learned, and nowhere else."""
    recipe = small_recipe(8, batch=2, accumulate=2)
    simulator = SimulatorRecipe(
        match_minutes=(1.0,), windows_per_match=13, matches_per_block=2
    )  # 26: two are left over
    recipe = replace(recipe, data=replace(recipe.data, simulator=simulator))

    def windows(share: Share | None) -> list[tuple[int, int, int, float]]:
        tasks = plan(recipe, 1, 0, share)
        return sorted((one.seed, two.place, two.start_s, two.fps) for one in tasks for two in one.windows)

    whole = windows(None)
    parts = [windows(Share.of(recipe.optimisation, rank, 4)) for rank in range(4)]
    assert sorted(window for part in parts for window in part) == whole
    assert [len(part) for part in parts] == [len(whole) // 4] * 4
    assert whole
